package e2e_test

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	promv1 "github.com/prometheus/client_golang/api/prometheus/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/outrider-dev/outrider/test/dashboards"
	"github.com/outrider-dev/outrider/test/promql"
	"github.com/outrider-dev/outrider/test/rules"
)

// Two Prometheus scrape the same target at other instants, up to an interval apart, so single values differ as much as the
// target changes in that time. Their means over a window hardly do, and a series is there for about as many instants.
const (
	differentialInterval = 5 * time.Second
	differentialWindow   = 3 * time.Minute
	// history is how long everything is scraped before it is asked for: the five minutes of most rates, and the window.
	history = 5*time.Minute + differentialWindow
)

var differentialTolerance = promql.Tolerance{Mean: 0.1, Count: 4}

// testDifferential has three shards with two copies each and one Prometheus scrape the same targets: every rule, what it compares,
// and every query of the dashboards get the same answer from both, also without a copy. Without a shard every answer says so, and
// an alert does.
func testDifferential(t *testing.T, e *env) {
	all, err := dashboards.Definitions()
	if err != nil {
		t.Fatal(err)
	}
	e.runShown(t, all)
	values := e.small(differentialInterval.String())
	values["rules"] = map[string]any{"overrides": map[string]any{"PrometheusShardDown": map[string]any{"for": "30s"}}} // 5m is longer than a test waits
	lone := e.lone(t, values)
	maps.Copy(values["prometheus"].(map[string]any), map[string]any{"shards": 3, "replicas": 2})
	values["thanos"] = map[string]any{"enabled": true, "query": map[string]any{"replicas": 1}, "ruler": map[string]any{"replicas": 1}}
	values["extraObjects"] = lone
	if _, err := e.release.Apply(t.Context(), values); err != nil {
		t.Fatal(err)
	}
	one, query := e.copy(t, "lone"), e.asks(t, "outrider-thanos-query:9090")

	eventually(t, func() string { // both know the same targets, and all of these are up
		now := time.Now()
		want, err := one.Answer(t.Context(), `up`, now)
		if err != nil {
			return err.Error()
		}
		got, err := query.Answer(t.Context(), `up`, now)
		if err != nil {
			return err.Error()
		}
		return promql.Differ(want, got, promql.Tolerance{})
	})
	e.becomes(t, `count(up == 0) or vector(0)`, func(n float64) bool { return n == 0 })
	e.longAgo(t, fmt.Sprintf(`count(up{job="prometheus"} offset %s)`, history), 6)

	e.sizes(t)
	questions := append(e.ruled(t), panels(t, one, time.Now(), ".*")...)
	questions = append(questions, compared(t, e)...)
	t.Run("all", func(t *testing.T) { e.same(t, questions, one, query) })
	e.gone(t, "outrider-prometheus-4")
	e.becomes(t, `count(up{job="prometheus"} offset 1m)`, func(n float64) bool { return n == 5 })
	t.Run("without a copy", func(t *testing.T) { e.same(t, questions, one, query) })
	e.gone(t, "outrider-prometheus-1")
	e.becomes(t, `count(ALERTS{alertname="PrometheusShardDown",alertstate="firing"})`, func(n float64) bool { return n == 1 })
	t.Run("without a shard", func(t *testing.T) { e.differs(t, questions, one, query) })
}

// small are values with which many copies of Prometheus fit on a small node.
func (e *env) small(interval string) map[string]any {
	values := e.values(interval)
	values["prometheus"].(map[string]any)["resources"] = map[string]any{"requests": map[string]any{"cpu": "10m", "memory": "64Mi"}}
	return values
}

// lone is one Prometheus beside the release's, as objects: it scrapes the targets that the release's ConfigMap has before they
// are divided, and evaluates the rules as the release does without Thanos, but sends no alerts.
func (e *env) lone(t *testing.T, values map[string]any) []any {
	t.Helper()
	var config map[string]any
	if err := yaml.Unmarshal([]byte(e.configMap(t, values, "outrider-prometheus")["prometheus.yml"]), &config); err != nil {
		t.Fatal(err)
	}
	delete(config, "alerting")
	main, err := yaml.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	ruleFiles := map[string]any{}
	for name, content := range e.configMap(t, values, rulesMap) {
		ruleFiles[name] = content
	}
	pod := fmt.Appendf(nil, `
apiVersion: v1
kind: Pod
metadata: {name: lone, namespace: outrider}
spec:
  serviceAccountName: outrider-prometheus
  automountServiceAccountToken: true
  terminationGracePeriodSeconds: 1
  securityContext: {runAsUser: 65534, runAsGroup: 65534, fsGroup: 65534}
  containers:
    - name: prometheus
      image: %s
      args: [--config.file=/etc/prometheus/prometheus.yml, --storage.tsdb.path=/prometheus]
      env: [{name: POD_NAME, value: lone}]
      readinessProbe: {httpGet: {path: /-/ready, port: 9090}}
      volumeMounts:
        - {name: config, mountPath: /etc/prometheus}
        - {name: rules, mountPath: /etc/prometheus-rules}
        - {name: data, mountPath: /prometheus}
  volumes:
    - {name: data, emptyDir: {}}
    - {name: rules, configMap: {name: lone-rules}}
    - name: config
      projected:
        sources:
          - configMap: {name: lone}
          - configMap:
              name: outrider-prometheus
              items:
                - {key: scrape-workloads.yaml, path: scrape-workloads.yaml}
                - {key: scrape-cluster.yaml, path: scrape-cluster.yaml}
                - {key: scrape-components.yaml, path: scrape-components.yaml}
`, e.pod(t, "outrider", prometheusPod).Spec.Containers[0].Image)
	var object map[string]any
	if err := yaml.Unmarshal(pod, &object); err != nil {
		t.Fatal(err)
	}
	configMap := func(name string, data map[string]any) map[string]any {
		return map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": name, "namespace": "outrider"}, "data": data}
	}
	return []any{object, configMap("lone", map[string]any{"prometheus.yml": string(main)}), configMap("lone-rules", ruleFiles)}
}

// compared are the left sides of the rules' comparisons: most rules give nothing where nothing is wrong, and these do.
func compared(t *testing.T, e *env) (all []question) {
	t.Helper()
	seen := map[string]bool{}
	for _, q := range e.ruled(t) {
		sides, err := rules.Expression{PromQL: q.promql}.Compared()
		if err != nil {
			t.Fatal(err)
		}
		for _, side := range sides {
			if !seen[side.PromQL] {
				seen[side.PromQL] = true
				all = append(all, question{q.by + " compares", side.PromQL})
			}
		}
	}
	return all
}

// same asks both about the same window.
func (e *env) same(t *testing.T, questions []question, one, query *promql.Client) {
	t.Helper()
	want, got := window(t, questions, one, query)
	different, marked := 0, 0
	for i, q := range questions {
		if partial(got[i]) {
			marked++
		}
		if why := promql.Differ(want[i], got[i], differentialTolerance); why != "" {
			different++
			t.Errorf("%s:\n%s\n%s", q.by, why, q.promql)
		}
	}
	say(t, "%s: %d of %d queries get another answer than from one Prometheus, %d have series, %d name a missing Prometheus",
		t.Name(), different, len(questions), given(want), marked)
}

// differs asks about a shard that is gone.
func (e *env) differs(t *testing.T, questions []question, one, query *promql.Client) {
	t.Helper()
	want, got := window(t, questions, one, query)
	different, marked := 0, 0
	for i, q := range questions {
		if promql.Differ(want[i], got[i], differentialTolerance) != "" {
			different++
		}
		if partial(got[i]) || strings.TrimSpace(q.promql) == "vector(1)" { // which asks nobody
			marked++
		} else {
			t.Errorf("%s does not say that it is partial: %v\n%s", q.by, got[i].Warnings, q.promql)
		}
	}
	if different == 0 {
		t.Error("a shard is lost, and no answer is different")
	}
	say(t, "%s: %d of %d answers say that they are partial, %d are different, and PrometheusShardDown fires", t.Name(), marked, len(questions), different)
}

// window are the answers of both over the last window that both have scraped.
func window(t *testing.T, questions []question, one, query *promql.Client) (want, got []promql.Answer) {
	t.Helper()
	end := time.Now().Add(-3 * differentialInterval)
	over := func(c *promql.Client) func(context.Context, string) (promql.Answer, error) {
		return func(ctx context.Context, q string) (promql.Answer, error) {
			return c.Over(ctx, q, promv1.Range{Start: end.Add(-differentialWindow), End: end, Step: differentialInterval})
		}
	}
	return answers(t, questions, over(one)), answers(t, questions, over(query))
}

// gone deletes a pod with its data at once, and a quota keeps another from taking its place until the test ends.
func (e *env) gone(t *testing.T, pod string) {
	t.Helper()
	e.apply(t, fmt.Appendf(nil, "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: no-more-pods, namespace: outrider}\nspec: {hard: {pods: \"0\"}}\n"))
	eventually(t, func() string {
		q, err := e.client.CoreV1().ResourceQuotas("outrider").Get(t.Context(), "no-more-pods", metav1.GetOptions{})
		if err != nil || len(q.Status.Hard) == 0 {
			return fmt.Sprintf("the quota does not hold yet: %v", err)
		}
		return ""
	})
	if err := e.client.CoreV1().Pods("outrider").Delete(t.Context(), pod, metav1.DeleteOptions{GracePeriodSeconds: new(int64(0))}); err != nil {
		t.Fatal(err)
	}
}
