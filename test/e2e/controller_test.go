package e2e_test

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// calls is how many admission requests all replicas have answered.
func (e *env) calls(t *testing.T) int {
	t.Helper()
	sum := 0
	e.eachReplica(t, func(name string) {
		for line := range strings.Lines(e.metrics(t, name)) {
			if strings.HasPrefix(line, "controller_runtime_webhook_requests_total{") {
				var n int
				if _, err := fmt.Sscan(line[strings.LastIndexByte(line, ' ')+1:], &n); err != nil {
					t.Fatal(err)
				}
				sum += n
			}
		}
	})
	return sum
}

// eachReplica calls do with the name of every pod of the webhook and of the
// controller that runs and is to stay.
func (e *env) eachReplica(t *testing.T, do func(name string)) {
	t.Helper()
	pods, err := e.client.CoreV1().Pods("outrider").List(t.Context(), metav1.ListOptions{LabelSelector: "app.kubernetes.io/component in (webhook, controller)"})
	if err != nil {
		t.Fatal(err)
	}
	done := 0
	for _, pod := range pods.Items {
		if pod.Status.Phase == corev1.PodRunning && pod.DeletionTimestamp == nil {
			do(pod.Name)
			done++
		}
	}
	if done == 0 {
		t.Fatalf("none of the %d pods of webhook and controller runs", len(pods.Items))
	}
}

// metrics is what a pod of either role serves to Prometheus.
func (e *env) metrics(t *testing.T, pod string) string {
	t.Helper()
	var raw []byte
	eventually(t, func() (wrong string) {
		var err error
		raw, err = e.client.CoreV1().RESTClient().Get().Namespace("outrider").Resource("pods").
			Name(pod + ":8080").SubResource("proxy").Suffix("metrics").DoRaw(t.Context())
		if err != nil {
			return fmt.Sprintf("metrics of %s: %v", pod, err)
		}
		return ""
	})
	return string(raw)
}

// scale sets the webhook's replicas and waits until it has them.
func (e *env) scale(t *testing.T, replicas int32) {
	t.Helper()
	deployments := e.client.AppsV1().Deployments("outrider")
	scale, err := deployments.GetScale(t.Context(), "outrider-webhook", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	scale.Spec.Replicas = replicas
	if _, err := deployments.UpdateScale(t.Context(), "outrider-webhook", scale, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() string {
		pods, err := e.client.CoreV1().Pods("outrider").List(t.Context(), metav1.ListOptions{LabelSelector: "app.kubernetes.io/component=webhook"})
		if err != nil {
			return err.Error()
		}
		d, err := deployments.Get(t.Context(), "outrider-webhook", metav1.GetOptions{})
		if err != nil {
			return err.Error()
		}
		if len(pods.Items) != int(replicas) || d.Status.ReadyReplicas != replicas {
			return fmt.Sprintf("%d pods and %d ready, want %d", len(pods.Items), d.Status.ReadyReplicas, replicas)
		}
		return ""
	})
}
