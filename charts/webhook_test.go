package charts_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
)

func webhooks(t *testing.T, values map[string]any, kubernetes string) []admissionv1.MutatingWebhook {
	t.Helper()
	c := one[*admissionv1.MutatingWebhookConfiguration](t, objects(t, render(t, values, kubernetes)))
	ofPods := slices.DeleteFunc(c.Webhooks, func(w admissionv1.MutatingWebhook) bool { return w.Rules[0].Resources[0] != "pods" })
	if c.Name != "00-"+releaseName || len(ofPods) != 2 {
		t.Fatalf("want two entries for pods in a configuration named 00-%s, got %d in %s", releaseName, len(ofPods), c.Name)
	}
	return ofPods
}

func TestWebhooksFailOpen(t *testing.T) {
	paths := []string{"/inject/annotated", "/inject/opted-in"}
	for i, w := range webhooks(t, nil, latest) {
		if *w.FailurePolicy != admissionv1.Ignore || *w.TimeoutSeconds > 5 || *w.ReinvocationPolicy != admissionv1.IfNeededReinvocationPolicy ||
			*w.SideEffects != admissionv1.SideEffectClassNone || *w.MatchPolicy != admissionv1.Equivalent {
			t.Errorf("%s: %v", w.Name, w)
		}
		s := w.ClientConfig.Service
		if s.Name != "outrider-webhook" || s.Namespace != namespace || *s.Port != 443 || *s.Path != paths[i] || w.ClientConfig.CABundle != nil {
			t.Errorf("%s: %v", w.Name, w.ClientConfig)
		}
	}
}

// The API server chooses by the pod. A chart for a Kubernetes without match conditions is refused.
func TestMatchConditions(t *testing.T) {
	conditions := func(kubernetes string) (names [][]string) {
		for _, w := range webhooks(t, nil, kubernetes) {
			var of []string
			for _, c := range w.MatchConditions {
				of = append(of, c.Name)
			}
			names = append(names, of)
		}
		return names
	}
	all := [][]string{{"annotated", "not-opted-out"}, {"not-opted-out"}}
	decided := [][]string{{"annotated", "not-opted-out", "not-decided"}, {"not-opted-out", "not-decided"}} // where policies inject, too
	for kubernetes, want := range map[string][][]string{
		oldest:                all,
		"v1.30.0-rc.1":        all,
		"v1.33.4-eks-1234567": all,
		latest:                decided,
	} {
		if diff := cmp.Diff(want, conditions(kubernetes)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", kubernetes, diff)
		}
	}
	if _, err := install(t, nil, "v1.29.15-gke.100"); err == nil || !strings.Contains(err.Error(), ">=1.30.0") {
		t.Errorf("Kubernetes 1.29: %v", err)
	}
}

// Whatever a namespace's labels, at most one entry is for its pods, on every version of Kubernetes.
func TestNoPodIsForBothEntries(t *testing.T) {
	values := map[string]any{"webhook": map[string]any{"excludedNamespaces": []any{"kube-system", "ci"}}}
	cases := []struct{ name, label, want string }{
		{"shop", "", "annotated"},
		{"shop", "enabled", "opted-in"},
		{"shop", "disabled", "annotated"},
		{"kube-system", "enabled", ""},
		{"kube-system", "", ""},
		{"ci", "enabled", ""},
		{namespace, "enabled", ""},
		{namespace, "", ""},
	}
	// With optIn all the label takes a namespace out.
	all := slices.Clone(cases)
	all[0].want, all[2].want = "opted-in", "annotated"
	for _, mode := range []string{"labeled", "all"} {
		values["webhook"].(map[string]any)["optIn"] = mode
		if mode == "all" {
			cases = all
		}
		onePod(t, values, cases)
	}
}

func onePod(t *testing.T, values map[string]any, cases []struct{ name, label, want string }) {
	t.Helper()
	for _, kubernetes := range []string{oldest, latest} {
		for _, c := range cases {
			of := labels.Set{corev1.LabelMetadataName: c.name}
			if c.label != "" {
				of["outrider.dev/inject"] = c.label
			}
			var got []string
			for _, w := range webhooks(t, values, kubernetes) {
				selector, err := metav1.LabelSelectorAsSelector(w.NamespaceSelector)
				if err != nil {
					t.Fatal(err)
				}
				if selector.Matches(of) {
					got = append(got, strings.TrimSuffix(w.Name, ".pods.outrider.dev"))
				}
			}
			if strings.Join(got, " and ") != c.want {
				t.Errorf("%s: pods of namespace %v are for %q, want %q", kubernetes, of, got, c.want)
			}
		}
	}
}

// Both roles have the names that the chart gave, and the webhook serves where the Service sends.
func TestRolesKnowTheNames(t *testing.T) {
	eachPreset(t, func(t *testing.T, objects []runtime.Object) {
		if strings.HasSuffix(t.Name(), "/policy") {
			return // TestNoWebhook
		}
		for name, role := range map[string]string{"outrider-controller": "controller", "outrider-webhook": "webhook"} {
			d := named[*appsv1.Deployment](t, objects, name)
			c := d.Spec.Template.Spec.Containers[0]
			want := []string{
				"--role=" + role,
				"--namespace=" + namespace,
				"--webhook-configuration=" + one[*admissionv1.MutatingWebhookConfiguration](t, objects).Name,
				"--webhook-service=outrider-webhook",
			}
			if role == "controller" {
				want = append(want, "--leader-election-id=outrider-leader")
			}
			for _, arg := range want {
				if !slices.Contains(c.Args, arg) {
					t.Errorf("%s: no %s in %q", name, arg, c.Args)
				}
			}
			if port, serves := portsOf(d.Spec.Template)["webhook"]; serves != (role == "webhook") || serves && port != 10250 {
				t.Errorf("%s: webhook port %d", name, port)
			}
		}
	})
}

func TestFailIsWarnedOf(t *testing.T) {
	values := map[string]any{"webhook": map[string]any{"failurePolicy": "Fail"}}
	if notes := render(t, values, latest).Info.Notes; !strings.Contains(notes, "WARNING: webhook.failurePolicy is Fail") {
		t.Errorf("notes:\n%s", notes)
	}
}

// Where the API server injects alone, nothing of a webhook is left: no object, no certificate, and no permission for it.
func TestNoWebhook(t *testing.T) {
	objects := objects(t, render(t, map[string]any{"webhook": map[string]any{"mode": "policy"}}, latest))
	for _, o := range objects {
		accessor, err := meta.Accessor(o)
		if err != nil {
			t.Fatal(err)
		}
		if kind := reflect.TypeOf(o).Elem().Name(); strings.Contains(accessor.GetName(), "webhook") && kind != "Lease" {
			t.Errorf("%s %s is left", kind, accessor.GetName())
		}
	}
	for role, rules := range rules(objects) {
		for _, r := range rules {
			if strings.HasSuffix(role, "/outrider-controller") && (slices.Contains(r.Resources, "secrets") || slices.Contains(r.Resources, "mutatingwebhookconfigurations")) {
				t.Errorf("%s: %v", role, r)
			}
		}
	}
	if diff := cmp.Diff([]string{"--injection=policy"}, controllerArgs(objects, "--injection")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for mode, kubernetes := range map[string]string{"policy": "v1.35.0", "auto": oldest} {
		_, err := install(t, map[string]any{"webhook": map[string]any{"mode": mode}}, kubernetes)
		if (err != nil) != (mode == "policy") {
			t.Errorf("mode %s on %s: %v", mode, kubernetes, err)
		}
	}
}
