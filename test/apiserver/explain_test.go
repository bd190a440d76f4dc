package apiserver_test

import (
	"context"
	"os/exec"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/outrider-dev/outrider/sidecars"
)

// TestExplainPod asks outrider explain why live pods have no exporter.
func TestExplainPod(t *testing.T) {
	c := client(t)
	injecting(t, c)
	asks := map[string]string{sidecars.InjectKey: "redis"}
	for name, tc := range map[string]struct {
		make func(t *testing.T, ns string)
		ns   string // another one than a new one
		want string
	}{
		"the annotation came later": {func(t *testing.T, ns string) {
			pod := cached(t, c, ns, nil)
			pod.Annotations = asks
			must(t)(c.CoreV1().Pods(ns).Update(t.Context(), pod, metav1.UpdateOptions{}))
		}, "", "create it again, or outrider attach cache"},
		"refused when it was created": {func(t *testing.T, ns string) {
			room := corev1.ResourceList{"cpu": resource.MustParse("1m")}
			must(t)(c.CoreV1().LimitRanges(ns).Create(t.Context(), &corev1.LimitRange{
				ObjectMeta: metav1.ObjectMeta{Name: "limits"},
				Spec:       corev1.LimitRangeSpec{Limits: []corev1.LimitRangeItem{{Type: corev1.LimitTypePod, Max: room}}},
			}, metav1.CreateOptions{}))
			eventually(t, func() string { // until the controller's cache has it
				_ = c.CoreV1().Pods(ns).Delete(t.Context(), "cache", *metav1.NewDeleteOptions(0))
				if pod := cached(t, c, ns, asks); len(pod.Spec.Containers) != 1 {
					return "injected over the LimitRange"
				}
				return ""
			})
			if err := c.CoreV1().LimitRanges(ns).Delete(t.Context(), "limits", metav1.DeleteOptions{}); err != nil {
				t.Fatal(err)
			}
		}, "", "when the pod was created, redis was refused"},
		"refused by its namespace's policies": {func(t *testing.T, ns string) {
			must(t)(c.CoreV1().LimitRanges(ns).Create(t.Context(), &corev1.LimitRange{
				ObjectMeta: metav1.ObjectMeta{Name: "limits"},
				Spec:       corev1.LimitRangeSpec{Limits: []corev1.LimitRangeItem{{Type: corev1.LimitTypePod, Max: corev1.ResourceList{"cpu": resource.MustParse("1m")}}}},
			}, metav1.CreateOptions{}))
			pod := cached(t, c, ns, nil)
			pod.Annotations = asks
			must(t)(c.CoreV1().Pods(ns).Update(t.Context(), pod, metav1.UpdateOptions{}))
		}, "", "its LimitRange allows a pod 1m of cpu"},
		"excluded": {func(t *testing.T, ns string) {
			cached(t, c, ns, asks)
			t.Cleanup(func() {
				if err := c.CoreV1().Pods(ns).Delete(context.Background(), "cache", *metav1.NewDeleteOptions(0)); err != nil {
					t.Error(err)
				}
			})
		}, metav1.NamespaceSystem, "namespace kube-system is excluded from the webhook"},
		"annotated on its Deployment": {func(t *testing.T, ns string) { owned(t, c, ns, asks) }, "", "Deployment cache: outrider.dev/inject has no effect here; move it to spec.template.metadata.annotations"},
	} {
		t.Run(name, func(t *testing.T) {
			ns := tc.ns
			if ns == "" {
				ns = namespace(t, c, nil)
			}
			tc.make(t, ns)
			out, err := exec.Command(command(t), "explain", "pod", "cache", "-n", ns, "--kubeconfig", api.Kubeconfig()).CombinedOutput()
			if err != nil || !strings.Contains(string(out), tc.want) {
				t.Errorf("%v; want %q in\n%s", err, tc.want, out)
			}
		})
	}
}

// cached creates the pod cache and returns it as it was stored.
func cached(t *testing.T, c kubernetes.Interface, ns string, annotations map[string]string, owners ...metav1.OwnerReference) *corev1.Pod {
	t.Helper()
	pod, err := c.CoreV1().Pods(ns).Create(t.Context(), &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "cache", Annotations: annotations, OwnerReferences: owners},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "redis", Image: "redis:7", Resources: corev1.ResourceRequirements{
			Requests: corev1.ResourceList{"cpu": resource.MustParse("1m")}, Limits: corev1.ResourceList{"cpu": resource.MustParse("1m")},
		}}}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return pod
}

// owned makes the pod of a Deployment as the controllers do, which copy the
// Deployment's own annotations to its ReplicaSet, and to no pod.
func owned(t *testing.T, c kubernetes.Interface, ns string, annotations map[string]string) {
	t.Helper()
	labels := map[string]string{"app": "cache"}
	selector := &metav1.LabelSelector{MatchLabels: labels}
	template := corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: labels},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "redis", Image: "redis:7"}}},
	}
	meta := metav1.ObjectMeta{Name: "cache", Annotations: annotations}
	d, err := c.AppsV1().Deployments(ns).Create(t.Context(), &appsv1.Deployment{
		ObjectMeta: meta, Spec: appsv1.DeploymentSpec{Selector: selector, Template: template},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	meta.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(d, appsv1.SchemeGroupVersion.WithKind("Deployment"))}
	r, err := c.AppsV1().ReplicaSets(ns).Create(t.Context(), &appsv1.ReplicaSet{
		ObjectMeta: meta, Spec: appsv1.ReplicaSetSpec{Selector: selector, Template: template},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	cached(t, c, ns, nil, *metav1.NewControllerRef(r, appsv1.SchemeGroupVersion.WithKind("ReplicaSet")))
}
