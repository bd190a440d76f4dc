package corpus_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	psaapi "k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"

	"github.com/outrider-dev/outrider/discovery"
	"github.com/outrider-dev/outrider/sidecars"
)

// evaluator judges pods as the API server's Pod Security admission does.
var evaluator, errEvaluator = policy.NewEvaluator(policy.DefaultChecks(), nil)

// lockedDown holds what no annotation, pod or definition may get past: an injected container is restricted, opens nothing
// on the node, reads no Secret but those that the pod or its annotations name, and mounts nothing that the pod has not
// mounted itself; and nothing else of the pod changes.
func lockedDown(t *testing.T, before, after *corev1.Pod, foreign map[string]bool) {
	t.Helper()
	if errEvaluator != nil {
		t.Fatal(errEvaluator)
	}
	added := append(slices.Clone(after.Spec.Containers[len(before.Spec.Containers):]), after.Spec.InitContainers[len(before.Spec.InitContainers):]...)
	known := namedSecrets(before)
	maps.Copy(known, foreign)
	for i := range added {
		c := &added[i]
		alone := corev1.PodSpec{Containers: []corev1.Container{*c}}
		alone.Containers[0].RestartPolicy = nil // what a native sidecar has
		level := psaapi.LevelVersion{Level: psaapi.LevelRestricted, Version: psaapi.LatestVersion()}
		for _, r := range evaluator.EvaluatePod(level, &after.ObjectMeta, &alone) {
			if !r.Allowed {
				t.Errorf("%s escapes Pod Security restricted: %s: %s", c.Name, r.ForbiddenReason, r.ForbiddenDetail)
			}
		}
		if c.Lifecycle != nil || c.LivenessProbe != nil || c.ReadinessProbe != nil || c.StartupProbe != nil || len(c.VolumeDevices)+len(c.EnvFrom) > 0 || c.TTY || c.Stdin ||
			len(c.Command) != commandOf(strings.TrimPrefix(c.Name, sidecars.ContainerPrefix)) {
			t.Errorf("%s has what no exporter needs: %+v", c.Name, c)
		}
		for _, p := range c.Ports {
			if p.HostPort != 0 || p.HostIP != "" {
				t.Errorf("%s opens port %d on the node", c.Name, p.HostPort)
			}
		}
		for _, v := range c.Env {
			if v.ValueFrom != nil && v.ValueFrom.SecretKeyRef != nil && !known[v.ValueFrom.SecretKeyRef.Name] {
				t.Errorf("%s reads Secret %q, which nobody named", c.Name, v.ValueFrom.SecretKeyRef.Name)
			}
		}
		for _, m := range c.VolumeMounts {
			certificates := strings.HasPrefix(m.Name, c.Name+"-") && strings.HasPrefix(m.MountPath, "/etc/outrider/")
			if !m.ReadOnly || m.Name != "outrider-no-token" && !certificates && !mounted(before, m) {
				t.Errorf("%s mounts %+v", c.Name, m)
			}
		}
	}
	for _, v := range after.Spec.Volumes[len(before.Spec.Volumes):] {
		cover := v.DownwardAPI != nil && len(v.DownwardAPI.Items) == 0
		certificates := v.Secret != nil && known[v.Secret.SecretName] && v.Secret.Optional != nil && *v.Secret.Optional
		if !cover && !certificates {
			t.Errorf("volume %q is added: %+v", v.Name, v.VolumeSource)
		}
	}
	rest := after.DeepCopy()
	rest.Spec.Containers, rest.Spec.InitContainers, rest.Spec.Volumes = before.Spec.Containers, before.Spec.InitContainers, before.Spec.Volumes
	rest.Spec.ImagePullSecrets = before.Spec.ImagePullSecrets
	if diff := cmp.Diff(before.Spec, rest.Spec); diff != "" {
		t.Errorf("the pod's own fields change (-before +after):\n%s", diff)
	}
}

// namedSecrets are the Secrets that a pod shows, with the words of annotations that may name one.
func namedSecrets(pod *corev1.Pod) map[string]bool {
	names := map[string]bool{}
	for key, value := range pod.Annotations {
		if strings.Contains(key, ".outrider.dev/") { // a parameter may name one
			name, _, _ := strings.Cut(value, "/")
			names[name] = true
		}
	}
	var walk func(v reflect.Value)
	walk = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.Pointer:
			if !v.IsNil() {
				walk(v.Elem())
			}
		case reflect.Slice:
			for i := range v.Len() {
				walk(v.Index(i))
			}
		case reflect.Struct:
			switch s := v.Interface().(type) {
			case corev1.SecretKeySelector:
				names[s.Name] = true
			case corev1.SecretEnvSource:
				names[s.Name] = true
			case corev1.SecretVolumeSource:
				names[s.SecretName] = true
			case corev1.SecretProjection:
				names[s.Name] = true
			default:
				for i := range v.NumField() {
					if v.Type().Field(i).IsExported() {
						walk(v.Field(i))
					}
				}
			}
		}
	}
	walk(reflect.ValueOf(pod.Spec))
	return names
}

func mounted(pod *corev1.Pod, m corev1.VolumeMount) bool {
	for i := range pod.Spec.Containers {
		for _, own := range pod.Spec.Containers[i].VolumeMounts {
			if own.Name == m.Name && own.MountPath == m.MountPath {
				return true
			}
		}
	}
	return false
}

// ownTargets holds that a pod is scraped at its own address and says who it is.
func ownTargets(t *testing.T, after *corev1.Pod) {
	t.Helper()
	pod := after.DeepCopy()
	pod.Status.PodIP, pod.Status.Phase = "10.1.2.3", corev1.PodRunning
	targets, err := discovery.Targets(pod)
	if err != nil {
		return // a pod that the API server does not accept
	}
	for _, target := range targets {
		rest, ok := strings.CutPrefix(target.URL, "http://10.1.2.3:")
		if !ok {
			rest, ok = strings.CutPrefix(target.URL, "https://10.1.2.3:")
		}
		if !ok || strings.ContainsAny(rest, "@?#") {
			t.Errorf("the pod makes Prometheus ask %s", target.URL)
		}
		for name, value := range target.Labels {
			want, fixed := map[string]string{"namespace": pod.Namespace, "pod": pod.Name, "node": pod.Spec.NodeName, "outrider_profile": "essential"}[name]
			if fixed && value != want || !fixed && name != "job" && name != "instance" && name != "container" {
				t.Errorf("the pod gets the label %s=%q", name, value)
			}
		}
	}
}

// meshPorts are the annotations of meshes that Outrider adds ports to.
var meshPorts = map[string]bool{"traffic.sidecar.istio.io/excludeInboundPorts": true, "config.linkerd.io/skip-inbound-ports": true}

// keeps says what of a decoded value is not in another that was made by additions alone, or "".
func keeps(before, after any, path string) string {
	switch b := before.(type) {
	case map[string]any:
		a, ok := after.(map[string]any)
		if !ok && len(b) > 0 {
			return path + " is gone"
		}
		for key, value := range b {
			if path == ".metadata.annotations" && (key == sidecars.StatusKey || key == sidecars.ScrapeKey) || path == ".metadata.labels" && key == sidecars.MonitoredKey {
				continue // Outrider's own
			}
			if path == ".metadata.annotations" && meshPorts[key] && strings.HasPrefix(fmt.Sprint(a[key]), fmt.Sprint(value)) {
				continue // something is added at its end
			}
			if lost := keeps(value, a[key], path+"."+key); lost != "" {
				return lost
			}
		}
		return ""
	case []any:
		a, ok := after.([]any)
		if !ok && len(b) > 0 || len(a) < len(b) {
			return path + " is shorter"
		}
		for i := range b {
			if lost := keeps(b[i], a[i], fmt.Sprintf("%s[%d]", path, i)); lost != "" {
				return lost
			}
		}
		return ""
	case nil:
		return "" // null and what is added in its place
	}
	if !cmp.Equal(before, after) {
		return fmt.Sprintf("%s was %v and is %v", path, before, after)
	}
	return ""
}

// commandOf is how many words the command of an exporter's definition has.
func commandOf(exporter string) int {
	spec, _ := sidecars.Builtin().Spec(exporter)
	return len(spec.Command)
}
