package e2e_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
)

// testAnnotationToMetric is the project's promise: annotated servers, and their
// metrics in a Prometheus that nobody configured.
func testAnnotationToMetric(t *testing.T, e *env) {
	workloads, err := os.ReadFile("../demo/workloads.yaml")
	if err != nil {
		t.Fatal(err)
	}
	e.apply(t, workloads)
	e.settle(t, "demo")
	for _, metric := range []string{"redis_up", "nginx_up"} {
		exporter := strings.TrimSuffix(metric, "_up")
		var series model.Vector
		eventually(t, func() string {
			var err error
			if series, err = e.prom.Query(t.Context(), metric+`{namespace="demo"}`); err != nil {
				return err.Error()
			}
			if len(series) != 1 || series[0].Value != 1 {
				return fmt.Sprintf("%s is %v, want one series that is 1", metric, series)
			}
			return ""
		})
		labels := series[0].Metric
		for name, want := range map[model.LabelName]string{"job": exporter, "namespace": "demo", "container": "outrider-" + exporter} {
			if got := string(labels[name]); got != want {
				t.Errorf("%s: label %s is %q, want %q", metric, name, got, want)
			}
		}
		for _, name := range []model.LabelName{"pod", "node", "instance"} {
			if labels[name] == "" {
				t.Errorf("%s: no label %s in %v", metric, name, labels)
			}
		}
		if len(labels) != 7 { // __name__ and the six above
			t.Errorf("%s: labels %v, want no others", metric, labels)
		}
	}
	// The scrapes themselves make a request every two seconds; the traffic makes several a second.
	for _, rate := range []string{`redis_commands_total{cmd="incr",namespace="demo"}`, `nginx_http_requests_total{namespace="demo"}`} {
		eventually(t, func() string {
			v, err := e.prom.Query(t.Context(), fmt.Sprintf(`rate(%s[30s])`, rate))
			if err != nil {
				return err.Error()
			}
			if len(v) != 1 || v[0].Value <= 1 {
				return fmt.Sprintf("%s does not grow with the traffic: %v", rate, v)
			}
			return ""
		})
	}
}

// testEveryJobIsUp holds that each scrape job of the stack has a target and all
// are up.
func testEveryJobIsUp(t *testing.T, e *env) {
	want := map[model.LabelValue]int{"prometheus": 1, "outrider-controller": 2, "node-exporter": 1, "kube-state-metrics": 1}
	eventually(t, func() string {
		v, err := e.prom.Query(t.Context(), `sum by (job) (up)`)
		if err != nil {
			return err.Error()
		}
		up := map[model.LabelValue]int{}
		for _, s := range v {
			up[s.Metric["job"]] = int(s.Value)
		}
		for job, n := range want {
			if up[job] < n {
				return fmt.Sprintf("job %s has %d targets up, want %d; up is %v", job, up[job], n, v)
			}
		}
		return ""
	})
	for _, query := range []string{`node_cpu_seconds_total`, `kube_pod_info{namespace="outrider"}`, `outrider_decisions_total`, `prometheus_build_info`} {
		eventually(t, func() string {
			if v, err := e.prom.Query(t.Context(), query); err != nil || len(v) == 0 {
				return fmt.Sprintf("%s: %v, %v", query, v, err)
			}
			return ""
		})
	}
}
