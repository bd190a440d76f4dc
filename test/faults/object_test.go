package faults_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/outrider-dev/outrider/sidecars"
)

// testSecretAndConfigurationDeleted takes away first what signs the webhook's certificate, which costs no
// pod anything, and then the webhook configuration, which only an upgrade brings back.
func testSecretAndConfigurationDeleted(t *testing.T, e *env) {
	l := e.startLoad(t, false)
	api := e.client.AdmissionregistrationV1().MutatingWebhookConfigurations()
	l.more(t, 20)
	e.rotate(t)
	l.more(t, 40)
	if n := l.missed.Load(); n > 0 {
		t.Errorf("%d pods were missed because the Secret was deleted, first %s", n, l.firstMissed)
	}

	if err := api.Delete(t.Context(), "00-outrider", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	l.rollOut(t)
	l.more(t, 10)
	if _, err := e.release.Apply(t.Context(), e.values()); err != nil {
		t.Fatal(err)
	}
	e.injects(t, l)
	took := time.Since(began)
	c := l.end(t)
	say(t, "the Secret deleted: 0 missed while another authority took over; the webhook configuration deleted for %s until an upgrade brought it back: %d of %d pods came without their exporter",
		took.Round(time.Second), c.missed, c.pods)
	if c.missed == 0 && *mode == "webhook" {
		t.Error("no pod was missed, so the webhook configuration was not away")
	}
}

// rotate deletes what signs the webhook's certificate, and waits until the authority that follows signs.
func (e *env) rotate(t *testing.T) {
	t.Helper()
	before := e.bundle(t)
	if err := e.client.CoreV1().Secrets("outrider").Delete(t.Context(), certsSecret, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() string {
		secret, err := e.client.CoreV1().Secrets("outrider").Get(t.Context(), certsSecret, metav1.GetOptions{})
		switch {
		case err != nil:
			return err.Error()
		case len(secret.Data["next.crt"]) > 0 || len(secret.Data["tls.crt"]) == 0 || bytes.Contains(before, bytes.TrimSpace(secret.Data["tls.crt"])):
			return "no other authority signs"
		}
		return ""
	})
}

func (e *env) bundle(t *testing.T) []byte {
	t.Helper()
	c, err := e.client.AdmissionregistrationV1().MutatingWebhookConfigurations().Get(t.Context(), "00-outrider", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return c.Webhooks[0].ClientConfig.CABundle
}

// injects waits until pods get their exporters again.
func (e *env) injects(t *testing.T, l *load) {
	t.Helper()
	i := 0
	eventually(t, func() string {
		i++
		pod := l.create(l.annotated, fmt.Sprintf("again-%d", i), map[string]string{sidecars.InjectKey: "redis"})
		if pod == nil || !instrumented(pod) {
			return "pods get no exporter"
		}
		return ""
	})
}

// custom is an exporter that Outrider does not ship.
const custom = `
apiVersion: outrider.dev/v1alpha1
kind: Exporter
metadata: {name: sessions}
spec:
  image: docker.io/prom/memcached-exporter:v0.16.0
  port: 9150
  upMetric: memcached_up
  runAsUser: 65534
  args: ["--memcached.address=127.0.0.1:%d"]
  resources:
    requests: {cpu: 10m, memory: 32Mi}
    limits: {cpu: 100m, memory: 64Mi}
`

const definition = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/exporters.outrider.dev"

// testDefinitionDeleted takes the CustomResourceDefinition away, and every custom exporter with it. Built-in
// ones continue; a pod that requests a custom one gets a reason; and both come back without a restart.
func testDefinitionDeleted(t *testing.T, e *env) {
	l := e.startLoad(t, false)
	asked := 0
	ask := func() (injected int) {
		for range 10 {
			asked++
			pod := l.create(l.annotated, fmt.Sprintf("custom-%d", asked), map[string]string{sidecars.InjectKey: "sessions"})
			switch {
			case pod == nil:
			case instrumented(pod):
				injected++
			case !strings.Contains(pod.Annotations[sidecars.StatusKey], string(sidecars.UnknownExporter)):
				t.Errorf("a pod has the status %q, want %s", pod.Annotations[sidecars.StatusKey], sidecars.UnknownExporter)
			}
		}
		return injected
	}
	apply := func() {
		eventually(t, func() string { // the definition may not be served yet
			if err := e.applier.Apply(t.Context(), fmt.Appendf(nil, custom, 11211)); err != nil {
				return err.Error()
			}
			return ""
		})
		e.customs(t, 1)
	}
	apply()
	first := ask()
	api := e.client.CoreV1().RESTClient()
	if err := api.Delete().AbsPath(definition).Do(t.Context()).Error(); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() string {
		if err := api.Get().AbsPath(definition).Do(t.Context()).Error(); !apierrors.IsNotFound(err) {
			return fmt.Sprintf("the definition does not go (%v)", err)
		}
		return ""
	})
	e.customs(t, 0)
	without := ask()
	l.rollOut(t)
	l.more(t, 60)
	if _, err := e.release.Apply(t.Context(), e.values()); err != nil {
		t.Fatal(err)
	}
	apply()
	last := ask()
	if err := e.applier.Delete(t.Context(), fmt.Appendf(nil, custom, 11211)); err != nil {
		t.Error(err)
	}
	c := l.end(t)
	if first != 10 || without != 0 || last != 10 || c.told != 10 || c.missed != 0 {
		t.Errorf("of 10 pods with a custom exporter %d were injected before, %d while the definition was away, %d after; %+v", first, without, last, c)
	}
	if n := e.restarts(t); n > 0 {
		t.Errorf("the replicas were restarted %d times", n)
	}
	say(t, "the CustomResourceDefinition deleted: no pod of a built-in exporter missed, 10 of 10 pods of a custom one told, 10 of 10 injected when it was back, no replica restarted")
}

// customs waits until every replica has so many custom exporters.
func (e *env) customs(t *testing.T, want float64) {
	t.Helper()
	eventually(t, func() string {
		pods, err := e.replicas(t.Context())
		if err != nil {
			return err.Error()
		}
		for _, pod := range pods {
			series, err := e.metrics(t.Context(), pod.Name)
			if err != nil {
				return err.Error()
			}
			if got := series[`outrider_exporters{ready="true",source="custom"}`]; got != want {
				return fmt.Sprintf("%s knows %v custom exporters, want %v", pod.Name, got, want)
			}
		}
		return ""
	})
}
