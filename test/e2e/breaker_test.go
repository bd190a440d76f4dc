package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
	"github.com/outrider-dev/outrider/webhook/breaker"
	"github.com/outrider-dev/outrider/webhook/events"
)

// brokenRedis replaces the built-in exporter by one whose image nobody has.
const brokenRedis = `
apiVersion: outrider.dev/v1alpha1
kind: Exporter
metadata: {name: redis}
spec:
  image: docker.io/oliver006/redis_exporter:v0.0.0-none
  port: 9121
  upMetric: redis_up
  runAsUser: 59000
  recognize: {images: [redis]}
  resources:
    requests: {cpu: 10m, memory: 32Mi}
    limits: {cpu: 100m, memory: 64Mi}
`

// shop has three replicas and lets none of them be missing.
const shop = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop, namespace: %s}
spec:
  replicas: 3
  strategy: {rollingUpdate: {maxUnavailable: 0, maxSurge: 1}}
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec: {terminationGracePeriodSeconds: 1, containers: [{name: redis, image: "docker.io/library/redis:7.0.15"}]}
`

// testBrokenExporterImage holds that a rollout which meets an exporter that cannot
// be pulled ends, and that not one ready pod of the application is lost to it.
func testBrokenExporterImage(t *testing.T, e *env) {
	e.upgrade(t, map[string]any{
		"logLevel": "debug", "breaker": map[string]any{"timeout": "5s"}, "repair": map[string]any{"interval": "1s"},
		"extraArgs": []any{"--breaker-stable=5s"},
	})
	ns := e.namespace(t)
	e.apply(t, []byte(brokenRedis))
	e.everyReplicaKnows(t, 1, 0)
	e.apply(t, fmt.Appendf(nil, shop, ns))
	e.settle(t, ns)
	watched := e.watchAvailability(t, ns)

	began := time.Now()
	ask := []byte(`{"spec":{"template":{"metadata":{"annotations":{"outrider.dev/inject":"redis"}}}}}`)
	if _, err := e.client.AppsV1().Deployments(ns).Patch(t.Context(), "shop", types.MergePatchType, ask, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	e.conditionSuspended(t, metav1.ConditionTrue)
	eventually(t, func() string { return e.complete(t, ns, "shop") })
	took := time.Since(began)
	least := watched.soFar()[ns+"/shop"]
	say(t, "a rollout of 3 replicas that met an exporter without an image was complete after %s; at least %d pods were ready and available", took.Round(time.Second), least)
	if least < 3 {
		t.Errorf("%d pods of the application were ready and available at one time, want 3 always", least)
	}
	pods, err := e.client.CoreV1().Pods(ns).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range pods.Items {
		if pod := &pods.Items[i]; pod.DeletionTimestamp == nil {
			d := sidecars.ParseStatus(pod).Decisions
			if len(d) != 1 || d[0].Reason != sidecars.Suspended || len(added(pod.Spec.Containers)) > 0 {
				t.Errorf("pod %s has %v, and the decision %+v", pod.Name, added(pod.Spec.Containers), d)
			}
		}
	}
	e.eventOn(t, ns, "ReplicaSet", events.ExporterSuspended.Reason)
	sh := e.shell(t)
	sh.install(t)
	sh.check(t, suspended, ns, "")

	// The built-in definition is another one.
	if err := e.applier.Delete(t.Context(), []byte(brokenRedis)); err != nil {
		t.Fatal(err)
	}
	i := 0
	eventually(t, func() string {
		i++
		pod := e.create(t, ns, fmt.Sprintf("after-%d", i), map[string]string{sidecars.InjectKey: "redis"})
		if len(added(pod.Spec.Containers)) != 1 {
			return "a good definition is suspended too: " + pod.Annotations[sidecars.StatusKey]
		}
		return ""
	})
}

// upgrade puts other values of the controller into force until the test ends.
func (e *env) upgrade(t *testing.T, controller map[string]any) {
	t.Helper()
	e.restore(t)
	changed := e.values(interval)
	changed["controller"] = controller
	if _, err := e.release.Apply(t.Context(), changed); err != nil {
		t.Fatal(err)
	}
}

// restore puts the tests' own values, and replicas, into force when the test ends.
func (e *env) restore(t *testing.T) {
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if _, err := e.release.Apply(ctx, e.values(interval)); err != nil {
			t.Error(err)
		}
	})
}

// conditionSuspended waits for what the custom exporter redis says of itself.
func (e *env) conditionSuspended(t *testing.T, want metav1.ConditionStatus) {
	t.Helper()
	eventually(t, func() string {
		raw, err := e.client.CoreV1().RESTClient().Get().AbsPath("/apis/outrider.dev/v1alpha1/exporters/redis").DoRaw(t.Context())
		if err != nil {
			return err.Error()
		}
		var x v1alpha1.Exporter
		if err := json.Unmarshal(raw, &x); err != nil {
			return err.Error()
		}
		c := meta.FindStatusCondition(x.Status.Conditions, breaker.ConditionSuspended)
		if c == nil || c.Status != want {
			return fmt.Sprintf("condition %+v, want %s", c, want)
		}
		return ""
	})
}

// eventOn waits for an event of a reason about an object of a kind.
func (e *env) eventOn(t *testing.T, ns, kind, reason string) {
	t.Helper()
	eventually(t, func() string {
		list, err := e.client.CoreV1().Events(ns).List(t.Context(), metav1.ListOptions{FieldSelector: "reason=" + reason})
		if err != nil {
			return err.Error()
		}
		for _, event := range list.Items {
			if event.InvolvedObject.Kind == kind && event.Type == corev1.EventTypeWarning && strings.Contains(event.Message, "redis") {
				return ""
			}
		}
		return fmt.Sprintf("no event %s on a %s among %d", reason, kind, len(list.Items))
	})
}
