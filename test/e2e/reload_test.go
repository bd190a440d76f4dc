package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	promv1 "github.com/prometheus/client_golang/api/prometheus/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// testReloadKeepsTheLastGood changes Prometheus' configuration under it: a good one
// comes into force, a bad one leaves the last good one in force and everything
// scraped, and nothing of it is a restart.
func testReloadKeepsTheLastGood(t *testing.T, e *env) {
	t.Cleanup(func() { // where the test fails half-way
		if _, err := e.release.Apply(context.Background(), e.values(interval)); err != nil {
			t.Error(err)
		}
	})
	const change = "scrape_interval: 3s"
	original, before := e.prometheusConfig(t), e.prometheusRun(t)
	if strings.Contains(original, change) {
		t.Fatalf("%q is in force before it is asked for", change)
	}
	if _, err := e.release.Apply(t.Context(), e.values("3s")); err != nil {
		t.Fatal(err)
	}
	asked := time.Now()
	eventually(t, func() string {
		if !strings.Contains(e.prometheusConfig(t), change) {
			return fmt.Sprintf("%q does not come into force", change)
		}
		return ""
	})
	say(t, "a change of Prometheus' configuration was in force %s after the upgrade, by the kubelet's and Prometheus' own clocks", time.Since(asked).Round(time.Second))
	e.lastReload(t, 1)
	good := e.prometheusConfig(t)

	// A regular expression that does not end, in a file that the first one includes.
	e.breakPrometheus(t, "scrape_configs: [{job_name: broken, relabel_configs: [{regex: \"(\", target_label: x}]}]\n")
	e.lastReload(t, 0)
	e.scrapedSince(t, time.Now())
	if now := e.prometheusConfig(t); now != good {
		t.Errorf("with a bad configuration another than the last good one is in force:\n%s", now)
	}

	// Not with the last good one: Prometheus sees no change in that, and goes on
	// saying that its last reload did not go well.
	if _, err := e.release.Apply(t.Context(), e.values(interval)); err != nil {
		t.Fatal(err)
	}
	e.nudge(t, prometheusPod)
	e.lastReload(t, 1)
	if now := e.prometheusConfig(t); now != original {
		t.Errorf("the repaired configuration is not what it was at first:\n%s", now)
	}
	if after := e.prometheusRun(t); after != before {
		t.Errorf("Prometheus is %s, and was %s: a change of its configuration restarted it", after, before)
	}
}

const prometheusPod = "outrider-prometheus-0"

// prometheusRun tells one life of Prometheus' process from another.
func (e *env) prometheusRun(t *testing.T) string {
	t.Helper()
	return e.run(t, prometheusPod)
}

// run tells one life of a pod's processes from another.
func (e *env) run(t *testing.T, name string) string {
	t.Helper()
	pod, err := e.client.CoreV1().Pods("outrider").Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	is := fmt.Sprintf("pod %s", pod.UID)
	for _, c := range pod.Status.ContainerStatuses {
		if c.State.Running == nil {
			t.Fatalf("%s of %s does not run: %+v", c.Name, name, c.State)
		}
		is += fmt.Sprintf(", container %s after %d restarts", c.ContainerID, c.RestartCount)
	}
	return is
}

// prometheusConfig is the configuration in force.
func (e *env) prometheusConfig(t *testing.T) string {
	t.Helper()
	var answer struct{ Data struct{ YAML string } }
	eventually(t, func() string {
		raw, err := e.client.CoreV1().RESTClient().Get().Namespace("outrider").Resource("services").
			Name("outrider-prometheus:9090").SubResource("proxy").Suffix("api/v1/status/config").DoRaw(t.Context())
		if err == nil {
			err = json.Unmarshal(raw, &answer)
		}
		if err != nil || answer.Data.YAML == "" {
			return fmt.Sprintf("Prometheus gives no configuration: %v\n%s", err, raw)
		}
		return ""
	})
	return answer.Data.YAML
}

// breakPrometheus puts something else into a file of Prometheus' configuration.
func (e *env) breakPrometheus(t *testing.T, content string) {
	t.Helper()
	patch, err := json.Marshal(corev1.ConfigMap{Data: map[string]string{"scrape-workloads.yaml": content}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = e.client.CoreV1().ConfigMaps("outrider").Patch(t.Context(), "outrider-prometheus", types.MergePatchType, patch, metav1.PatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
	e.nudge(t, prometheusPod)
}

// nudge has the kubelet look at a pod now rather than within its minute; the pod
// then sees what changed in its ConfigMaps and Secrets.
func (e *env) nudge(t *testing.T, pod string) {
	t.Helper()
	patch := fmt.Appendf(nil, `{"metadata":{"annotations":{"example.org/nudged":%q}}}`, time.Now().String())
	_, err := e.client.CoreV1().Pods("outrider").Patch(t.Context(), pod, types.MergePatchType, patch, metav1.PatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

// lastReload waits until Prometheus says that its last reload went well (1) or
// did not (0).
func (e *env) lastReload(t *testing.T, want int) {
	t.Helper()
	eventually(t, func() string {
		v, err := e.prom.Query(t.Context(), `prometheus_config_last_reload_successful{job="prometheus"}`)
		if err != nil || len(v) != 1 || int(v[0].Value) != want {
			return fmt.Sprintf("prometheus_config_last_reload_successful is %v, %v, want %d", v, err, want)
		}
		return ""
	})
}

// scrapedSince waits until every component was scraped after a time, and is up.
func (e *env) scrapedSince(t *testing.T, since time.Time) {
	t.Helper()
	eventually(t, func() string {
		targets, err := e.prom.Targets(t.Context())
		if err != nil {
			return err.Error()
		}
		if len(targets) < 5 { // Prometheus, two controllers, node-exporter, kube-state-metrics
			return fmt.Sprintf("%d targets are left", len(targets))
		}
		for _, target := range targets {
			if target.Health != promv1.HealthGood || !target.LastScrape.After(since) {
				return fmt.Sprintf("%s is %s, last scraped at %s", target.ScrapeURL, target.Health, target.LastScrape)
			}
		}
		return ""
	})
}
