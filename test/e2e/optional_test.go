package e2e_test

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/outrider-dev/outrider/test/cluster/image"
)

// conventional is a Prometheus by the convention of prometheus.io/scrape: the two
// ports are its own, and something that is not there.
const conventional = `
apiVersion: v1
kind: Pod
metadata:
  name: conventional
  namespace: %s
  labels: {app: conventional}
  annotations: {prometheus.io/scrape: "true", prometheus.io/port: "9100, 9101", prometheus.io/path: /metrics}
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - {name: a, image: %[2]q, args: ["--web.listen-address=:9100", "--collector.disable-defaults", "--collector.loadavg"]}
    - {name: b, image: %[2]q, args: ["--web.listen-address=:9101", "--collector.disable-defaults", "--collector.loadavg"]}
`

// testOptional switches on what is off by default: metrics-server, probes, the
// convention of prometheus.io/scrape and a job of one's own. None of it restarts
// Prometheus.
func testOptional(t *testing.T, e *env) {
	ns := e.namespace(t)
	exporter, err := image.Find("node-exporter")
	if err != nil {
		t.Fatal(err)
	}
	name, err := exporter.Name(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	e.apply(t, fmt.Appendf(nil, conventional, ns, name))
	values := e.values(interval)
	values["metricsServer"] = map[string]any{"enabled": true, "kubeletTLS": "skip"}
	values["blackboxExporter"] = map[string]any{"enabled": true}
	maps.Copy(values["scrape"].(map[string]any), map[string]any{
		"annotated": map[string]any{"enabled": true, "namespaces": []any{ns}},
		"probes": []any{
			map[string]any{"module": "http_2xx", "targets": []any{"http://outrider-prometheus.outrider.svc:9090/-/ready"}, "labels": map[string]any{"team": "platform"}},
			map[string]any{"module": "tcp_connect", "targets": []any{"outrider-prometheus.outrider.svc:1"}},
		},
		"extra": []any{map[string]any{
			"job_name": "fixed", "static_configs": []any{map[string]any{"targets": []any{"kube-dns.kube-system.svc:9153"}}},
		}},
	})
	before := e.prometheusRun(t)
	t.Cleanup(func() { // where the test fails half-way
		if _, err := e.release.Apply(context.Background(), e.values(interval)); err != nil {
			t.Error(err)
		}
	})
	if _, err := e.release.Apply(t.Context(), values); err != nil {
		t.Fatal(err)
	}
	e.nudge(t, prometheusPod)
	one, up, down := 1, 1.0, 0.0
	for _, q := range []query{
		{Query: `up{job="metrics-server"}`, Count: &one, Value: &up, Labels: []string{"pod", "node", "container=metrics-server"}},
		{Query: `up{job="blackbox-exporter"}`, Count: &one, Value: &up, Labels: []string{"pod", "node"}},
		{Query: `up{job="fixed"}`, Count: &one, Value: &up},
		{Query: `probe_success{job="probes",module="http_2xx",team="platform"}`, Count: &one, Value: &up, Labels: []string{"instance=http://outrider-prometheus.outrider.svc:9090/-/ready"}},
		{Query: `probe_success{job="probes",module="tcp_connect"}`, Count: &one, Value: &down, Labels: []string{"instance=outrider-prometheus.outrider.svc:1"}},
		{Query: fmt.Sprintf(`count(up{job="conventional",namespace=%q} == 1)`, ns), Value: new(2.0)},
		{Query: fmt.Sprintf(`node_load1{job="conventional",namespace=%q}`, ns), AtLeast: 2, Labels: []string{"pod=conventional", "node", "instance"}},
	} {
		eventually(t, func() string {
			v, err := e.prom.Query(t.Context(), q.Query)
			if err != nil {
				return err.Error()
			}
			if wrong := q.wrong(v); wrong != "" {
				return fmt.Sprintf("%s: %s:\n%v", q.Query, wrong, v)
			}
			return ""
		})
	}
	eventually(t, func() string { // what kubectl top and a HorizontalPodAutoscaler ask
		raw, err := e.client.CoreV1().RESTClient().Get().AbsPath("/apis/metrics.k8s.io/v1beta1/namespaces/outrider/pods/" + prometheusPod).DoRaw(t.Context())
		if err != nil {
			return fmt.Sprintf("%v\n%s", err, raw)
		}
		return ""
	})
	if _, err := e.release.Apply(t.Context(), e.values(interval)); err != nil {
		t.Fatal(err)
	}
	e.nudge(t, prometheusPod)
	eventually(t, func() string {
		if strings.Contains(e.prometheusConfig(t), "job_name: fixed") {
			return "the jobs stay although they are switched off"
		}
		return ""
	})
	if after := e.prometheusRun(t); after != before {
		t.Errorf("Prometheus is %s, and was %s: new jobs restarted it", after, before)
	}
}
