package e2e_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	promv1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/prometheus/promql/parser"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/outrider-dev/outrider/test/dashboards"
	"github.com/outrider-dev/outrider/test/poll"
	"github.com/outrider-dev/outrider/test/promql"
)

// Two Prometheus scrape the same target at other instants, up to an interval apart, so single values differ by what the target
// changes in that time. Their means over a window hardly do, and a series is there for about as many instants. What differs in
// one window and not in the next differs by chance: what is wrong with a query is wrong in every window.
const (
	differentialInterval = 10 * time.Second
	differentialWindow   = 2 * time.Minute
	differentialWindows  = 3
	// history is how long everything is scraped before it is asked for: the window, and the five minutes of most rates.
	history = differentialWindow + 5*time.Minute
)

var differentialTolerance = promql.Tolerance{Mean: 0.1, Count: 2}

// incomparable is what two Prometheus do not know alike, by what is in a query, with the reason.
var incomparable = map[string]string{
	"scrape_duration_seconds":                  "how long a scrape took is the Prometheus' own",
	"apiserver_current_inflight_requests":      "requests under way at the instant of a scrape",
	"pg_stat_activity_":                        "transactions under way at the instant of a scrape",
	"haproxy_frontend_current_sessions":        "connections at the instant of a scrape, that of the scrape included",
	"haproxy_process_current_connections":      "the same",
	"memcached_current_connections":            "the same",
	"node_network_receive_bytes_total":         "of an idle network, which has a packet in minutes",
	"node_network_transmit_bytes_total":        "the same",
	"pg_locks_count":                           "locks held at the instant of a scrape",
	"prometheus_engine_query_duration_seconds": "this test's own questions, which only one of two copies gets",
	"kubelet_pod_start_sli_duration_seconds":   "over ten minutes: the start of the Prometheus themselves, which the first to scrape sees",
}

// alike are the questions without those that cannot be compared. Their topk gives all series: which of several equal ones it
// gives is chance.
func alike(t *testing.T, questions []question) (all, left []question) {
	t.Helper()
	for _, q := range questions {
		if slices.ContainsFunc(slices.Collect(maps.Keys(incomparable)), func(part string) bool { return strings.Contains(q.promql, part) }) {
			left = append(left, q)
			continue
		}
		expr, err := parser.NewParser(parser.Options{}).ParseExpr(q.promql)
		if err != nil {
			t.Fatal(err)
		}
		parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
			if a, ok := node.(*parser.AggregateExpr); ok && (a.Op == parser.TOPK || a.Op == parser.BOTTOMK) {
				a.Param = &parser.NumberLiteral{Val: 1e6}
			}
			return nil
		})
		all = append(all, question{q.by, expr.String()})
	}
	return all, left
}

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
	if _, err := e.release.Apply(t.Context(), values); err != nil {
		t.Fatal(err)
	}
	e.anew(t) // all seven begin at about the same time
	e.apply(t, lone)
	e.settle(t, "outrider")
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
	questions, left := alike(t, append(e.ruled(t), panels(t, one, time.Now(), ".*", "5m")...))
	say(t, "%d queries of rules and dashboards are not compared, because Prometheus do not know them alike: %s", len(left), strings.Join(slices.Sorted(maps.Keys(incomparable)), ", "))
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

// anew deletes every pod of Prometheus with its data, and returns when there are others.
func (e *env) anew(t *testing.T) {
	t.Helper()
	before := e.runs(t)
	all := metav1.ListOptions{LabelSelector: "app.kubernetes.io/component=prometheus"}
	if err := e.client.CoreV1().Pods("outrider").DeleteCollection(t.Context(), metav1.DeleteOptions{GracePeriodSeconds: new(int64(0))}, all); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() string {
		now := e.runs(t)
		for pod, uid := range before {
			if now[pod] == "" || now[pod] == uid {
				return "no other pod has taken the place of " + pod
			}
		}
		return ""
	})
}

// lone is one Prometheus beside the release's: it scrapes the targets that the release's ConfigMap has before they
// are divided, and evaluates the rules as the release does without Thanos, but sends no alerts.
func (e *env) lone(t *testing.T, values map[string]any) []byte {
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
	pod := fmt.Sprintf(`
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
	documents := []string{pod}
	for name, data := range map[string]map[string]string{"lone": {"prometheus.yml": string(main)}, "lone-rules": e.configMap(t, values, rulesMap)} {
		o := map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]string{"name": name, "namespace": "outrider"}, "data": data}
		document, err := yaml.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		documents = append(documents, string(document))
	}
	return []byte(strings.Join(documents, "\n---\n"))
}

// same asks both about the same windows. A query gets another answer where a series differs in every one of them.
func (e *env) same(t *testing.T, questions []question, one, query *promql.Client) {
	t.Helper()
	series, marked := 0, 0
	always := make([][]string, len(questions)) // the series that differ in every window so far
	for n := range differentialWindows {
		end := time.Now().Add(-2 * differentialInterval)
		want, got := window(t, questions, one, query, end)
		left := 0
		for i, q := range questions {
			now := promql.Different(want[i], got[i], differentialTolerance)
			if (want[i].Refused == nil) != (got[i].Refused == nil) {
				now = []string{"error"}
			}
			if n > 0 {
				now = slices.DeleteFunc(now, func(key string) bool { return !slices.Contains(always[i], key) })
			}
			if always[i] = now; len(now) > 0 {
				left++
				t.Logf("in %d windows: %s:\n%s\n%s", n+1, q.by, promql.Differ(want[i], got[i], differentialTolerance), q.promql)
			}
			if n == 0 && partial(got[i]) {
				marked++
			}
		}
		series = max(series, given(want))
		if n+1 == differentialWindows || left == 0 {
			break
		}
		poll.Until(t, 2*differentialWindow, time.Second, func() string {
			if time.Since(end) < differentialWindow+2*differentialInterval {
				return "the next window has not ended"
			}
			return ""
		})
	}
	different := 0
	for i, keys := range always {
		if len(keys) > 0 {
			different++
			t.Errorf("%s: these differ in every window: %v\n%s", questions[i].by, keys, questions[i].promql)
		}
	}
	say(t, "%s: %d of %d queries get another answer than from one Prometheus, %d have series, %d name a missing Prometheus",
		t.Name(), different, len(questions), series, marked)
}

// differs asks about a shard that is gone.
func (e *env) differs(t *testing.T, questions []question, one, query *promql.Client) {
	t.Helper()
	want, got := window(t, questions, one, query, time.Now().Add(-2*differentialInterval))
	different, marked := 0, 0
	for i, q := range questions {
		if promql.Differ(want[i], got[i], differentialTolerance) != "" {
			different++
		}
		if partial(got[i]) || q.asksNobody() || strings.Contains(q.promql, "offset 1d") { // no Prometheus runs for as long
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

// window are the answers of both over the window that ends at a time.
func window(t *testing.T, questions []question, one, query *promql.Client, end time.Time) (want, got []promql.Answer) {
	t.Helper()
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
