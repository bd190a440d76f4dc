package coverage

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/outrider-dev/outrider/sidecars"
)

// A sweep forgets the pods that it no longer finds, but for those that became monitored since their page was listed; their
// end is reported by the watch of monitored pods.
func TestASweepForgets(t *testing.T) {
	v := newInventory(nil, sidecars.Settings{})
	v.changed = func(Workload) {}
	pod := func(name string) *corev1.Pod {
		return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, Annotations: map[string]string{sidecars.InjectKey: "redis"}}}
	}
	for name, from := range map[string]origin{"gone": swept, "attached": swept, "labeled": watched} {
		v.setPod(&pod(name).ObjectMeta, from)
	}
	v.setContainers(pod("attached"))
	known := func(want ...string) {
		t.Helper()
		for _, name := range want {
			if v.pods[types.NamespacedName{Namespace: "shop", Name: name}] == nil {
				t.Errorf("%s is forgotten", name)
			}
		}
		if len(v.pods) != len(want) {
			t.Errorf("%d pods are known, want %q", len(v.pods), want)
		}
	}
	v.keepPods(nil, swept, "elsewhere")
	known("gone", "attached", "labeled")
	v.keepPods(nil, swept)
	known("attached", "labeled")
	v.dropContainers(pod("attached"))
	known("labeled")
}
