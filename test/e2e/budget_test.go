package e2e_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/rulefmt"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/outrider-dev/outrider/sidecars"
)

// grows is a namespace with a budget, in which a database server and a proxy will hold more and more.
const grows = `
apiVersion: v1
kind: Namespace
metadata: {name: %[1]s, annotations: {outrider.dev/budget: "20000"}}
---
apiVersion: v1
kind: Secret
metadata: {name: db, namespace: %[1]s}
stringData: {password: for-tests}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: %[1]s}
spec:
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}, annotations: {outrider.dev/inject: auto}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: postgres
          image: docker.io/library/postgres:15
          args: [postgres, -c, fsync=off, -c, full_page_writes=off]
          env: [{name: POSTGRES_PASSWORD, valueFrom: {secretKeyRef: {name: db, key: password}}}]
          readinessProbe: {tcpSocket: {port: 5432}, periodSeconds: 1}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: edge, namespace: %[1]s}
spec:
  strategy: {type: Recreate}
  selector: {matchLabels: {app: edge}}
  template:
    metadata: {labels: {app: edge}, annotations: {outrider.dev/inject: auto}}
    spec:
      terminationGracePeriodSeconds: 1
      volumes: [{name: config, configMap: {name: haproxy}}]
      containers:
        - name: haproxy
          image: docker.io/library/haproxy:2.6
          args: [haproxy, -f, /etc/haproxy-config/haproxy.cfg]
          ports: [{name: stats, containerPort: 8404}]
          volumeMounts: [{name: config, mountPath: /etc/haproxy-config}]
`

// proxied is the proxy's configuration with so many servers.
func proxied(ns string, servers int) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, `
apiVersion: v1
kind: ConfigMap
metadata: {name: haproxy, namespace: %s}
data:
  haproxy.cfg: |
    defaults
      mode http
      timeout client 5s
      timeout server 5s
      timeout connect 5s
    frontend stats
      bind :8404
      http-request use-service prometheus-exporter if { path /metrics }
    frontend web
      bind :8406
      default_backend app
    backend app
`, ns)
	for i := range servers {
		fmt.Fprintf(&b, "      server s%d 127.0.0.1:%d\n", i, 20000+i)
	}
	return []byte(b.String())
}

// growingInterval leaves time for a scrape of 500 databases.
const growingInterval = 10 * time.Second

// testSeriesBudget lets exporters grow far beyond a namespace's budget: one that passes its own limit fails alone, new
// pods get less and are never without, and Prometheus and the neighbor take no harm.
func testSeriesBudget(t *testing.T, e *env) {
	e.restore(t)
	if _, err := e.release.Apply(t.Context(), e.values(growingInterval.String())); err != nil {
		t.Fatal(err)
	}
	e.addRule(t, e.atOnce(t, "OutriderSeriesBudgetExhausted", "OutriderSampleLimitExceeded"))
	const ns, neighbor = "e2e-growing", "e2e-growing-neighbor"
	e.apply(t, fmt.Appendf(nil, "apiVersion: v1\nkind: Namespace\nmetadata: {name: %s}\n", neighbor))
	e.redis(t, neighbor, `outrider.dev/inject: redis`, "")
	e.apply(t, append(fmt.Appendf(nil, grows+"---", ns), proxied(ns, 202)...))
	e.settle(t, ns)
	e.settle(t, neighbor)
	const alive = "haproxy_process_uptime_seconds"
	e.isUp(t, ns, alive)
	e.isUp(t, ns, "pg_up")
	e.isUp(t, neighbor, "redis_up")
	began := time.Now()
	e.databases(t, ns, 1, 20)
	namespaceSeries := fmt.Sprintf(`max(outrider_namespace_series{namespace=%q})`, ns)
	small := e.becomes(t, namespaceSeries, func(n float64) bool { return n > 12_000 })
	proxyNames, databaseNames := e.essential(t, ns, e.podOf(t, ns, "edge"), "haproxy"), e.essential(t, ns, e.podOf(t, ns, "db"), "postgres")
	head, heap := e.value(t, `max(prometheus_tsdb_head_series)`), e.value(t, `max(go_memstats_heap_inuse_bytes{job="prometheus"})`)
	run := e.prometheusRun(t)

	// The proxy alone is more than its definition's limit.
	e.reapply(t, proxied(ns, 2000))
	runaway := e.renew(t, ns, "edge")
	e.becomes(t, fmt.Sprintf(`up{namespace=%q,pod=%q}`, ns, runaway), func(up float64) bool { return up == 0 })
	e.fires(t, "OutriderSampleLimitExceeded", ns, runaway)
	e.isUp(t, ns, "pg_up")

	// The database server has no more than it may, and the namespace has.
	e.databases(t, ns, 21, 500)
	large := e.becomes(t, namespaceSeries, func(n float64) bool { return n > 20_000 })
	e.fires(t, "OutriderSeriesBudgetExhausted", ns, "")
	eventually(t, func() string {
		list, err := e.client.CoreV1().Events(ns).List(t.Context(), metav1.ListOptions{FieldSelector: "reason=SeriesBudgetExhausted"})
		if err != nil || len(list.Items) == 0 || !strings.Contains(list.Items[0].Message, "postgres") {
			return fmt.Sprintf("no event about the budget names the exporter: %v, %v", list, err)
		}
		return ""
	})

	// New pods serve what rules and dashboards ask for.
	for _, of := range []struct {
		app, exporter string
		names         []string
	}{{"edge", "haproxy", proxyNames}, {"db", "postgres", databaseNames}} {
		pod := e.renew(t, ns, of.app)
		if d := sidecars.ParseStatus(e.pod(t, ns, pod)).Decisions; len(d) != 1 || d[0].Profile != sidecars.Essential {
			t.Fatalf("the new pod of %s has %+v, want the profile essential", of.app, d)
		}
		eventually(t, func() string {
			now := e.essential(t, ns, pod, of.exporter)
			if lost := slices.DeleteFunc(slices.Clone(of.names), func(name string) bool { return slices.Contains(now, name) }); len(lost) > 0 {
				return fmt.Sprintf("the new pod of %s serves no %v", of.app, lost)
			}
			return ""
		})
	}
	essential := e.value(t, fmt.Sprintf(`sum(scrape_samples_post_metric_relabeling{namespace=%q,pod=%q})`, ns, e.podOf(t, ns, "edge")))

	since := time.Since(began)
	lost := e.value(t, fmt.Sprintf(`count_over_time(up{namespace=%q}[%ds]) - sum_over_time(up{namespace=%[1]q}[%[2]ds])`, neighbor, int(since.Seconds())))
	scrapes := e.value(t, fmt.Sprintf(`count_over_time(up{namespace=%q}[%ds])`, neighbor, int(since.Seconds())))
	if expected := float64(since / growingInterval); lost != 0 || scrapes < expected-1 {
		t.Errorf("the neighbor lost %v of %v scrapes, and %v were to be expected", lost, scrapes, expected)
	}
	if after := e.prometheusRun(t); after != run {
		t.Errorf("Prometheus is %s, and was %s", after, run)
	}
	headAfter, heapAfter := e.value(t, `max(prometheus_tsdb_head_series)`), e.value(t, `max(go_memstats_heap_inuse_bytes{job="prometheus"})`)
	if most := head + 2*100_000; headAfter > most {
		t.Errorf("Prometheus holds %v series, and held %v: more than the limit of samples lets through", headAfter, head)
	}
	say(t, "20 → 500 databases and 202 → 2,000 servers: %.0f → %.0f series of a budget of 20,000, the proxy of 2,000 servers %.0f with the profile essential; "+
		"Prometheus' head %.0f → %.0f series, its heap × %.2f; the neighbor lost %.0f of %.0f scrapes", small, large, essential, head, headAfter, heapAfter/heap, lost, scrapes)
}

// atOnce are alerts of the chart as a file of rules in which they do not wait.
func (e *env) atOnce(t *testing.T, names ...string) string {
	t.Helper()
	maps, err := e.client.CoreV1().ConfigMaps("outrider").List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var rules []map[string]any
	for _, m := range maps.Items {
		for file, content := range m.Data {
			var groups rulefmt.RuleGroups
			if !strings.HasSuffix(file, ".yaml") || yaml.Unmarshal([]byte(content), &groups) != nil {
				continue
			}
			for _, g := range groups.Groups {
				for _, r := range g.Rules {
					if slices.Contains(names, r.Alert) {
						rules = append(rules, map[string]any{"alert": r.Alert + "AtOnce", "expr": r.Expr, "labels": r.Labels})
					}
				}
			}
		}
	}
	if len(rules) != len(names) {
		t.Fatalf("the chart has %d of the alerts %v", len(rules), names)
	}
	raw, err := yaml.Marshal(map[string]any{"groups": []any{map[string]any{"name": "at-once", "interval": "5s", "rules": rules}}})
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// fires waits for an alert of atOnce's about a namespace and, if named, a pod.
func (e *env) fires(t *testing.T, alert, ns, pod string) {
	t.Helper()
	query := fmt.Sprintf(`ALERTS{alertname="%sAtOnce",alertstate="firing",namespace=%q}`, alert, ns)
	eventually(t, func() string {
		v, err := e.prom.Query(t.Context(), query)
		if err != nil || len(v) != 1 || pod != "" && string(v[0].Metric["pod"]) != pod {
			return fmt.Sprintf("%s is %v, %v, want one about the pod %q", query, v, err, pod)
		}
		return ""
	})
}

// value is what Prometheus says to a query of one value.
func (e *env) value(t *testing.T, query string) float64 {
	t.Helper()
	return e.becomes(t, query, func(float64) bool { return true })
}

// becomes waits until the value of a query is as wanted.
func (e *env) becomes(t *testing.T, query string, as func(float64) bool) (value float64) {
	t.Helper()
	eventually(t, func() string {
		v, err := e.prom.Query(t.Context(), query)
		if err != nil || len(v) != 1 || !as(float64(v[0].Value)) {
			return fmt.Sprintf("%s is %v, %v", query, v, err)
		}
		value = float64(v[0].Value)
		return ""
	})
	return value
}

// databases makes those of these numbers.
func (e *env) databases(t *testing.T, ns string, first, last int) {
	t.Helper()
	script := fmt.Sprintf(`for i in $(seq %d %d); do echo "CREATE DATABASE db$i;"; done | psql -q -v ON_ERROR_STOP=1 -h /var/run/postgresql -U postgres`, first, last)
	if _, err := e.cluster.Kubectl(t.Context(), "-n", ns, "exec", "db-0", "-c", "postgres", "--", "sh", "-c", script); err != nil {
		t.Fatal(err)
	}
}

// reapply changes what apply applied.
func (e *env) reapply(t *testing.T, yaml []byte) {
	t.Helper()
	if err := e.applier.Apply(t.Context(), yaml); err != nil {
		t.Fatal(err)
	}
}

// podOf is the name of an app's pod that is not leaving.
func (e *env) podOf(t *testing.T, ns, app string) (name string) {
	t.Helper()
	eventually(t, func() string {
		list, err := e.client.CoreV1().Pods(ns).List(t.Context(), metav1.ListOptions{LabelSelector: "app=" + app})
		if err != nil {
			return err.Error()
		}
		live := slices.DeleteFunc(list.Items, func(p corev1.Pod) bool { return p.DeletionTimestamp != nil })
		if len(live) != 1 {
			return fmt.Sprintf("%s has %d pods, want one", app, len(live))
		}
		name = live[0].Name
		return ""
	})
	return name
}

// renew deletes an app's pod and returns the name of the one that comes after it, when it is ready.
func (e *env) renew(t *testing.T, ns, app string) string {
	t.Helper()
	before := e.podOf(t, ns, app)
	uid := e.pod(t, ns, before).UID
	if err := e.client.CoreV1().Pods(ns).Delete(t.Context(), before, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid}}); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() string {
		if e.pod(t, ns, e.podOf(t, ns, app)).UID == uid {
			return "the pod is still there"
		}
		return ""
	})
	e.settle(t, ns)
	return e.podOf(t, ns, app)
}
