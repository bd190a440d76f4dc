package certificates_test

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/outrider-dev/outrider/sidecars"
)

// The release is changed from the webhook to the API server's policies with it, and back, by helm upgrade and a rolling update, while
// pods are created: none is refused, none comes without its exporter, and none gets it twice.
func TestInjectionModesUnderLoad(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	if e.server.Before("1.36") {
		t.Skip("Kubernetes 1.36 brought the policies")
	}
	e.install(t, modes["self-signed"].certs)
	for range 2 {
		e.startReady(t)
	}
	load := e.startLoad(t)
	load.more(t, 20)
	changes := []string{"auto", "webhook", "auto", "webhook"}
	for _, mode := range changes {
		e.injection = mode
		during := "to webhook.mode " + mode
		e.upgrade(t, modes["self-signed"].certs)
		load.more(t, 20) // the replicas of before, under the objects of now
		e.roll(t)
		e.awaitInjection(t, mode)
		load.more(t, 50)
		load.unharmed(t, e, during)
	}
	load.end(t, e, fmt.Sprintf("%d changes of webhook.mode between webhook and auto", len(changes)))
}

// awaitInjection waits until the API server's policies inject, or do not: they label what they see.
func (e *env) awaitInjection(t *testing.T, mode string) {
	t.Helper()
	want := map[string]string{"auto": sidecars.RequestedByPolicy}[mode]
	ns := e.namespace(t, nil)
	eventually(t, func() string {
		pod := &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: "probe", Annotations: map[string]string{sidecars.InjectKey: "redis"}},
			Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "redis", Image: "docker.io/library/redis:7.0.15"}}},
		}
		made, err := e.client.CoreV1().Pods(ns).Create(t.Context(), pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		if err != nil {
			return err.Error()
		}
		if got := made.Labels[sidecars.RequestedKey]; got != want {
			return fmt.Sprintf("in webhook.mode %s the policies say %q, want %q", mode, got, want)
		}
		return ""
	})
}
