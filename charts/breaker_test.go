package charts_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// What the controller may do to pods and workloads follows from what it is asked to do: looking at pods always,
// evicting the stuck unless told otherwise, restarting rollouts only when asked.
func TestRepairPermissions(t *testing.T) {
	look := []string{"namespaces get", "namespaces list", "namespaces watch", "pods get", "pods list", "pods watch"}
	find := []string{"daemonsets get", "deployments get", "replicasets get", "statefulsets get"}
	evict := []string{"pods/eviction create"}
	restart := []string{"daemonsets patch", "deployments patch", "poddisruptionbudgets list", "statefulsets patch"}
	for name, tc := range map[string]struct {
		evict, repair bool
		want          []string
	}{
		"default": {true, false, slices.Concat(look, find, evict)},
		"neither": {false, false, look},
		"both":    {true, true, slices.Concat(look, find, evict, restart)},
		"restart": {false, true, slices.Concat(look, find, restart)},
	} {
		values := map[string]any{"controller": map[string]any{"breaker": map[string]any{"evict": tc.evict}, "repair": map[string]any{"enabled": tc.repair}}}
		if name == "default" {
			values = nil
		}
		manifest := objects(t, render(t, values, latest))
		var got []string
		for _, r := range rules(manifest)["ClusterRole/outrider-controller"] {
			for _, resource := range r.Resources {
				for _, verb := range r.Verbs {
					if slices.Contains([]string{"", "apps", "policy"}, r.APIGroups[0]) && !slices.Contains([]string{"events", "limitranges", "resourcequotas"}, resource) {
						got = append(got, resource+" "+verb)
					}
				}
			}
		}
		slices.Sort(got)
		slices.Sort(tc.want)
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// The controller writes one ConfigMap, which is rendered without data, and may read no other; the webhook reads it.
func TestOneConfigMap(t *testing.T) {
	eachPreset(t, func(t *testing.T, objects []runtime.Object) {
		creates, writes := false, false
		for name, rules := range rules(objects) {
			for _, r := range rules {
				if name == "ClusterRole/outrider-kube-state-metrics" || !slices.Contains(r.Resources, "configmaps") {
					continue
				}
				reads := name == "Role/outrider-webhook" && cmp.Equal([]string{"outrider-breaker"}, r.ResourceNames) && cmp.Equal([]string{"get", "list", "watch"}, r.Verbs)
				if name != "Role/outrider-controller" && !reads {
					t.Errorf("%s: %v", name, r)
				}
				creates = creates || cmp.Equal([]string{"create"}, r.Verbs) && r.ResourceNames == nil
				writes = writes || cmp.Equal([]string{"outrider-breaker"}, r.ResourceNames) && cmp.Equal([]string{"get", "list", "watch", "patch"}, r.Verbs)
			}
		}
		if !creates || !writes {
			t.Errorf("it may create one: %v, and change its own: %v", creates, writes)
		}
		for _, c := range all[*corev1.ConfigMap](objects) {
			if c.Name == "outrider-breaker" && (c.Data != nil || c.BinaryData != nil) {
				t.Errorf("ConfigMap %s is rendered with data", c.Name)
			}
		}
	})
}
