package apiserver_test

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/outrider-dev/outrider/sidecars"
)

// TestLimitRangesDoNotCostThePod creates annotated pods in namespaces whose
// LimitRange the exporter's own resources would not meet.
func TestLimitRangesDoNotCostThePod(t *testing.T) {
	c := client(t)
	injecting(t, c)
	cpu := func(s string) corev1.ResourceList { return corev1.ResourceList{"cpu": resource.MustParse(s)} }
	for name, tc := range map[string]struct {
		item       corev1.LimitRangeItem
		containers int
		request    string // the sidecar's, of cpu
	}{
		"minimum":         {corev1.LimitRangeItem{Type: corev1.LimitTypeContainer, Min: cpu("50m")}, 2, "50m"},
		"ratio":           {corev1.LimitRangeItem{Type: corev1.LimitTypeContainer, MaxLimitRequestRatio: cpu("4")}, 2, "25m"},
		"no room in pods": {corev1.LimitRangeItem{Type: corev1.LimitTypePod, Max: cpu("150m")}, 1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			ns := namespace(t, c, nil)
			must(t)(c.CoreV1().LimitRanges(ns).Create(t.Context(), &corev1.LimitRange{
				ObjectMeta: metav1.ObjectMeta{Name: "limits"}, Spec: corev1.LimitRangeSpec{Limits: []corev1.LimitRangeItem{tc.item}},
			}, metav1.CreateOptions{}))
			create := func(i int) (*corev1.Pod, error) {
				return c.CoreV1().Pods(ns).Create(t.Context(), &corev1.Pod{
					ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("app-%d", i), Annotations: map[string]string{sidecars.InjectKey: "redis"}},
					Spec: corev1.PodSpec{Containers: []corev1.Container{{
						Name: "app", Image: "redis:7", Resources: corev1.ResourceRequirements{Requests: cpu("100m"), Limits: cpu("100m")},
					}}},
				}, metav1.CreateOptions{})
			}
			i := 0
			eventually(t, func() string { // until the controller's cache has the LimitRange
				i++
				pod, err := create(i)
				if err != nil {
					return err.Error()
				}
				if len(pod.Spec.Containers) != tc.containers {
					return fmt.Sprintf("%d containers, want %d: %s", len(pod.Spec.Containers), tc.containers, pod.Annotations[sidecars.StatusKey])
				}
				if tc.request == "" {
					return ""
				}
				if got := pod.Spec.Containers[1].Resources.Requests.Cpu().String(); got != tc.request {
					return fmt.Sprintf("the sidecar requests %s of cpu, want %s", got, tc.request)
				}
				return ""
			})
		})
	}
}
