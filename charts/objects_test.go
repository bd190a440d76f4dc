package charts_test

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// workload is what a Deployment, a StatefulSet and a DaemonSet have in common.
type workload struct {
	component string
	selector  *metav1.LabelSelector
	pod       corev1.PodTemplateSpec
}

func workloads(objects []runtime.Object) []workload {
	var found []workload
	add := func(selector *metav1.LabelSelector, pod corev1.PodTemplateSpec) {
		found = append(found, workload{component: pod.Labels["app.kubernetes.io/component"], selector: selector, pod: pod})
	}
	for _, o := range objects {
		switch o := o.(type) {
		case *appsv1.Deployment:
			add(o.Spec.Selector, o.Spec.Template)
		case *appsv1.StatefulSet:
			add(o.Spec.Selector, o.Spec.Template)
		case *appsv1.DaemonSet:
			add(o.Spec.Selector, o.Spec.Template)
		}
	}
	return found
}

// eachPreset runs a check over the objects of every preset.
func eachPreset(t *testing.T, check func(t *testing.T, objects []runtime.Object)) {
	t.Helper()
	for _, preset := range presets(t) {
		t.Run(preset, func(t *testing.T) { check(t, objects(t, render(t, presetValues(t, preset), latest))) })
	}
}

func TestComponents(t *testing.T) {
	usual := []string{"alertmanager", "controller", "kube-state-metrics", "node-exporter", "prometheus", "webhook"}
	for preset, want := range map[string][]string{
		"default":         usual,
		"ha":              slices.Insert(slices.Clone(usual), 3, "metrics-server"),
		"managed-cluster": {"alertmanager", "blackbox-exporter", "controller", "grafana", "kube-state-metrics", "node-exporter", "prometheus", "webhook"},
		"air-gapped":      slices.Insert(slices.Clone(usual), 2, "grafana"),
		"minimal":         {"controller", "prometheus", "webhook"},
		"operator":        {"controller", "webhook"},
		"webhook-only":    {"controller", "webhook"},
		"ha-long-term":    append(slices.Insert(slices.Clone(usual), 2, "grafana")[:6], "thanos-compactor", "thanos-query", "thanos-ruler", "thanos-store", "webhook"),
		"multi-cluster":   append(slices.Clone(usual)[:5], "thanos-query", "thanos-store", "webhook"),
		"cert-manager":    {"controller", "webhook"},
		"own-certificate": {"controller", "webhook"},
	} {
		var got []string
		for _, w := range workloads(objects(t, render(t, presetValues(t, preset), latest))) {
			got = append(got, w.component)
		}
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", preset, diff)
		}
	}
}

// node-exporter reports on the node and so shares its network, processes and files. It is the only exception, and
// only in this.
func TestPodsPassPodSecurity(t *testing.T) {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	restricted := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	eachPreset(t, func(t *testing.T, objects []runtime.Object) {
		for _, w := range workloads(objects) {
			results := evaluator.EvaluatePod(restricted, &w.pod.ObjectMeta, &w.pod.Spec)
			var got []string
			for _, r := range results {
				if !r.Allowed {
					got = append(got, r.ForbiddenReason)
				}
			}
			slices.Sort(got)
			var want []string
			if w.component == "node-exporter" {
				want = []string{"host namespaces", "restricted volume types"}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s breaks restricted (-want +got):\n%s", w.component, diff)
			}
		}
	})
}

func TestContainers(t *testing.T) {
	pinned := regexp.MustCompile(`^[^/]+\.[^/]+/.+:v?[0-9]+\.[0-9]+\.[0-9]+(@sha256:[0-9a-f]{64})?$`)
	eachPreset(t, func(t *testing.T, objects []runtime.Object) {
		for _, w := range workloads(objects) {
			if w.pod.Spec.SecurityContext.RunAsUser == nil {
				t.Errorf("%s: no numeric user", w.component)
			}
			for _, c := range slices.Concat(w.pod.Spec.InitContainers, w.pod.Spec.Containers) {
				if !pinned.MatchString(c.Image) {
					t.Errorf("%s: image %s is not pinned", w.component, c.Image)
				}
				if c.ImagePullPolicy != corev1.PullIfNotPresent {
					t.Errorf("%s: imagePullPolicy %s", w.component, c.ImagePullPolicy)
				}
				if c.Resources.Requests.Cpu().IsZero() || c.Resources.Requests.Memory().IsZero() || c.Resources.Limits.Memory().IsZero() {
					t.Errorf("%s: requests for CPU and memory and a limit for memory are not all set: %v", w.component, c.Resources)
				}
				if serves := len(c.Ports) > 0; serves && (c.LivenessProbe == nil || c.ReadinessProbe == nil) {
					t.Errorf("%s: a probe is missing", w.component)
				}
				if root := c.SecurityContext.ReadOnlyRootFilesystem; root == nil || !*root {
					t.Errorf("%s: the root file system can be written", w.component)
				}
			}
		}
	})
}

func TestAirGapped(t *testing.T) {
	for _, w := range workloads(objects(t, render(t, presetValues(t, "air-gapped"), latest))) {
		for _, c := range w.pod.Spec.Containers {
			if !strings.HasPrefix(c.Image, "registry.example.internal:5000/mirror/") {
				t.Errorf("%s: image %s is not from the mirror", w.component, c.Image)
			}
		}
		if diff := cmp.Diff([]corev1.LocalObjectReference{{Name: "mirror"}}, w.pod.Spec.ImagePullSecrets); diff != "" {
			t.Errorf("%s: pull Secrets (-want +got):\n%s", w.component, diff)
		}
	}
}

// What the controller writes is not in the render, not even empty: an upgrade would take it away.
func TestNothingSecretIsRendered(t *testing.T) {
	eachPreset(t, func(t *testing.T, objects []runtime.Object) {
		for _, secret := range all[*corev1.Secret](objects) {
			if secret.Name == "outrider-webhook-tls" && (secret.Data != nil || secret.StringData != nil) {
				t.Errorf("Secret %s has data", secret.Name)
			}
		}
	})
	for _, preset := range presets(t) {
		manifest := render(t, presetValues(t, preset), latest).Manifest
		for _, word := range []string{"caBundle:", "BEGIN ", "\ndata: {}", "stringData"} {
			if strings.Contains(manifest, word) {
				t.Errorf("%s: %q is rendered", preset, word)
			}
		}
	}
}

// kubectl shows a text with spaces at the end of a line as one long quoted string, which nobody can read.
func TestNoTrailingSpaces(t *testing.T) {
	for _, preset := range presets(t) {
		r := render(t, presetValues(t, preset), latest)
		for line := range strings.Lines(r.Manifest + r.Info.Notes) {
			if line = strings.TrimSuffix(line, "\n"); strings.TrimRight(line, " \t") != line {
				t.Errorf("%s: space at the end of %q", preset, line)
			}
		}
	}
}

func TestSelectorsFindTheirPods(t *testing.T) {
	eachPreset(t, func(t *testing.T, objects []runtime.Object) {
		found := workloads(objects)
		selected := func(selector labels.Selector) []workload {
			return slices.DeleteFunc(slices.Clone(found), func(w workload) bool { return !selector.Matches(labels.Set(w.pod.Labels)) })
		}
		for _, w := range found {
			selector, err := metav1.LabelSelectorAsSelector(w.selector)
			if got := selected(selector); err != nil || len(got) != 1 || got[0].component != w.component {
				t.Errorf("%s selects %v, want itself (%v)", w.component, got, err)
			}
		}
		for _, s := range all[*corev1.Service](objects) {
			got := selected(labels.SelectorFromSet(s.Spec.Selector))
			if s.Name == "outrider-webhook" { // the port chooses, so that pods of chart 0.2.0 answer during an upgrade
				got = slices.DeleteFunc(got, func(w workload) bool { _, has := portsOf(w.pod)["webhook"]; return !has })
			}
			if len(got) != 1 {
				t.Errorf("Service %s selects %d workloads, want one", s.Name, len(got))
				continue
			}
			for _, p := range s.Spec.Ports {
				ports := portsOf(got[0].pod)
				if _, ok := ports[p.TargetPort.StrVal]; !ok {
					t.Errorf("Service %s: port %s of %v does not exist", s.Name, p.TargetPort.String(), slices.Sorted(maps.Keys(ports)))
				}
			}
		}
		for _, b := range all[*policyv1.PodDisruptionBudget](objects) {
			selector, err := metav1.LabelSelectorAsSelector(b.Spec.Selector)
			if got := selected(selector); err != nil || len(got) != 1 {
				t.Errorf("PodDisruptionBudget %s selects %d workloads, want one (%v)", b.Name, len(got), err)
			}
		}
	})
}

// portsOf are the ports of a pod's containers by name.
func portsOf(pod corev1.PodTemplateSpec) map[string]int32 {
	ports := map[string]int32{}
	for _, c := range pod.Spec.Containers {
		for _, p := range c.Ports {
			ports[p.Name] = p.ContainerPort
		}
	}
	return ports
}

// Helm adds no labels; everything of the release must be found by its labels, whatever its scope.
func TestMetadata(t *testing.T) {
	named := []string{"exporters.outrider.dev", "v1beta1.metrics.k8s.io"} // the API server's rules for such names
	elsewhere := []string{"kube-system/outrider-metrics-server"}          // what it reads is there
	eachPreset(t, func(t *testing.T, objects []runtime.Object) {
		for _, o := range objects {
			m := o.(metav1.Object)
			for _, key := range []string{"name", "instance", "component", "part-of", "version", "managed-by"} {
				if m.GetLabels()["app.kubernetes.io/"+key] == "" {
					t.Errorf("%T %s has no label %s", o, m.GetName(), key)
				}
			}
			if !slices.Contains(named, m.GetName()) && !strings.HasPrefix(strings.TrimPrefix(m.GetName(), "00-"), releaseName) {
				t.Errorf("%T %s is not named after the release", o, m.GetName())
			}
			want := namespace
			switch {
			case forAPIServer(o):
				want = "default"
			case slices.Contains(elsewhere, m.GetNamespace()+"/"+m.GetName()):
				want = m.GetNamespace()
			}
			if ns := m.GetNamespace(); ns != "" && ns != want {
				t.Errorf("%T %s is in namespace %s, want %s", o, m.GetName(), ns, want)
			}
		}
	})
}

// forAPIServer tells of what must be where the Service kubernetes is: Prometheus' permission to look at it.
func forAPIServer(o runtime.Object) bool {
	switch o := o.(type) {
	case *rbacv1.Role:
		return o.Name == "outrider-prometheus"
	case *rbacv1.RoleBinding:
		return o.Name == "outrider-prometheus"
	}
	return false
}

// A pod's own labels can be added to, but not taken over.
func TestPodLabelsDoNotReplaceSelectors(t *testing.T) {
	values := map[string]any{"controller": map[string]any{"podLabels": map[string]any{
		"app.kubernetes.io/component": "mine", "team": "platform",
	}}}
	for _, d := range all[*appsv1.Deployment](objects(t, render(t, values, latest))) {
		if d.Name != "outrider-controller" {
			continue
		}
		got := d.Spec.Template.Labels
		if got["team"] != "platform" || got["app.kubernetes.io/component"] != "controller" {
			t.Errorf("labels %v", got)
		}
	}
}
