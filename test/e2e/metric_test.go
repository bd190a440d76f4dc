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
	dns := query{Query: `coredns_build_info{job="dns",namespace="demo"}`, Count: new(1), Labels: []string{"pod", "node", "instance"}}
	eventually(t, func() string { // its own endpoint
		v, err := e.prom.Query(t.Context(), dns.Query)
		if err != nil {
			return err.Error()
		}
		return dns.wrong(v)
	})
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
