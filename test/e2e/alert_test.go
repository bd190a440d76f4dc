package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// rule fires for each namespace that is labeled for it, by the name that
// kube-state-metrics gives.
const rule = `
groups:
  - name: e2e
    interval: 5s
    rules:
      - alert: NamespaceForATest
        expr: kube_namespace_status_phase{namespace=~"e2e-alerts-.+",phase="Active"} == 1
        labels: {severity: warning}
        annotations: {summary: "Namespace {{ $labels.namespace }} is there."}
`

const (
	alertName    = "NamespaceForATest"
	rulesMap     = "outrider-prometheus-rules"
	rulesFile    = "e2e.yaml"
	alertmanager = "outrider-alertmanager:9093"
	sent, silent = "e2e-alerts-sent", "e2e-alerts-silent"
)

// testAlerts lets an alert fire in Prometheus and hears of it where Alertmanager
// sends: that it fires, that a silence holds it back, and that it is over.
func testAlerts(t *testing.T, e *env) {
	if e.receiver == nil {
		t.Skip("this cluster's pods do not reach this process, which is the receiver")
	}
	before := e.prometheusRun(t)
	e.addRule(t, rule)
	eventually(t, func() string {
		v, err := e.prom.Query(t.Context(), `prometheus_notifications_alertmanagers_discovered`)
		if err != nil || len(v) != 1 || v[0].Value != 1 {
			return fmt.Sprintf("Prometheus has found %v, %v, want one Alertmanager", v, err)
		}
		return ""
	})

	silence := e.silence(t, silent)
	began := time.Now()
	for _, name := range []string{sent, silent} {
		e.apply(t, fmt.Appendf(nil, "apiVersion: v1\nkind: Namespace\nmetadata: {name: %s}\n", name))
	}
	fired := e.hear(t, sent, "firing")
	say(t, "a notification arrived %s after what it is about", time.Since(began).Round(time.Second))
	if fired.Labels["severity"] != "warning" || fired.Annotations["summary"] != "Namespace "+sent+" is there." {
		t.Errorf("the notification says %+v", fired)
	}
	if _, ok := fired.Labels["replica"]; ok {
		t.Errorf("the notification names a copy of Prometheus: %v", fired.Labels)
	}

	eventually(t, func() string {
		state, by := e.alertState(t, silent)
		if state != "suppressed" || !slices.Contains(by, silence) {
			return fmt.Sprintf("the silenced alert is %q, silenced by %v, want by %s", state, by, silence)
		}
		return ""
	})
	if n := e.receiver.about(alertName, silent); len(n) > 0 {
		t.Errorf("of a silenced alert came %v", n)
	}
	e.alertmanager(t, "DELETE", "silence/"+silence, nil)
	e.hear(t, silent, "firing")

	if err := e.client.CoreV1().Namespaces().Delete(t.Context(), sent, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	e.hear(t, sent, "resolved")
	if after := e.prometheusRun(t); after != before {
		t.Errorf("Prometheus is %s, and was %s: a new rule restarted it", after, before)
	}
}

// hear waits for a notification of an alert about a namespace.
func (e *env) hear(t *testing.T, namespace, status string) (heard notified) {
	t.Helper()
	eventually(t, func() string {
		all := e.receiver.about(alertName, namespace)
		i := slices.IndexFunc(all, func(n notified) bool { return n.Status == status })
		if i < 0 {
			return fmt.Sprintf("no notification says that the alert about %s is %s; heard: %v", namespace, status, all)
		}
		heard = all[i]
		return ""
	})
	return heard
}

// addRule puts a file of rules beside the chart's for the duration of a test.
func (e *env) addRule(t *testing.T, rules string) {
	t.Helper()
	maps := e.client.CoreV1().ConfigMaps("outrider")
	put := func(ctx context.Context, content *string) error {
		patch, err := json.Marshal(map[string]any{"data": map[string]any{rulesFile: content}})
		if err != nil {
			return err
		}
		_, err = maps.Patch(ctx, rulesMap, types.MergePatchType, patch, metav1.PatchOptions{})
		return err
	}
	err := put(t.Context(), &rules)
	remove := func(ctx context.Context) error { return put(ctx, nil) }
	if apierrors.IsNotFound(err) {
		_, err = maps.Create(t.Context(), &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Name: rulesMap}, Data: map[string]string{rulesFile: rules},
		}, metav1.CreateOptions{})
		remove = func(ctx context.Context) error { return maps.Delete(ctx, rulesMap, metav1.DeleteOptions{}) }
	}
	if err != nil {
		t.Fatal(err)
	}
	e.nudge(t, prometheusPod)
	t.Cleanup(func() {
		if err := remove(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

// silence has Alertmanager keep alerts about a namespace to itself, and returns
// the silence's name.
func (e *env) silence(t *testing.T, namespace string) string {
	t.Helper()
	now := time.Now()
	body, err := json.Marshal(map[string]any{
		"matchers":  []any{map[string]any{"name": "namespace", "value": namespace, "isRegex": false, "isEqual": true}},
		"startsAt":  now.Format(time.RFC3339),
		"endsAt":    now.Add(time.Hour).Format(time.RFC3339),
		"createdBy": "e2e", "comment": "for a test",
	})
	if err != nil {
		t.Fatal(err)
	}
	var made struct{ SilenceID string }
	if err := json.Unmarshal(e.alertmanager(t, "POST", "silences", body), &made); err != nil || made.SilenceID == "" {
		t.Fatalf("Alertmanager made no silence: %v", err)
	}
	return made.SilenceID
}

// alertState is what Alertmanager makes of the alert about a namespace, and which
// silences hold it back.
func (e *env) alertState(t *testing.T, namespace string) (state string, silencedBy []string) {
	t.Helper()
	var alerts []struct {
		Labels map[string]string
		Status struct {
			State      string
			SilencedBy []string
		}
	}
	if err := json.Unmarshal(e.alertmanager(t, "GET", "alerts", nil), &alerts); err != nil {
		t.Fatal(err)
	}
	for _, a := range alerts {
		if a.Labels["alertname"] == alertName && a.Labels["namespace"] == namespace {
			return a.Status.State, a.Status.SilencedBy
		}
	}
	return "", nil
}

// alertmanager calls Alertmanager's API.
func (e *env) alertmanager(t *testing.T, verb, path string, body []byte) []byte {
	t.Helper()
	answer, err := e.client.CoreV1().RESTClient().Verb(verb).Namespace("outrider").Resource("services").Name(alertmanager).
		SubResource("proxy").Suffix("api/v2/"+path).SetHeader("Content-Type", "application/json").Body(body).DoRaw(t.Context())
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", verb, path, err, answer)
	}
	return answer
}
