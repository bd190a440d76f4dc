package e2e_test

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/outrider-dev/outrider/test/corpus"
	"github.com/outrider-dev/outrider/test/dashboards"
)

// shown are the cases of the corpus whose servers have a dashboard. Redis and
// nginx are the demo's.
var shown = []string{"apache", "coredns", "etcd", "haproxy", "mariadb", "memcached", "pgbouncer", "postgres", "rabbitmq"}

// rateInterval is what a Grafana makes of $__rate_interval that was not told
// how often its Prometheus scrapes: four times its default of 15 seconds.
const rateInterval = "1m"

// testDashboards runs what the dashboards are about, and asks for every
// variable and every panel of every dashboard that is installed, as Grafana
// does: each must show something.
func testDashboards(t *testing.T, e *env) {
	e.runShown(t)
	list, err := e.client.CoreV1().ConfigMaps("outrider").List(t.Context(), metav1.ListOptions{LabelSelector: "grafana_dashboard=1"})
	if err != nil {
		t.Fatal(err)
	}
	if want, err := dashboards.Definitions(); err != nil || len(list.Items) != len(want) {
		t.Fatalf("%d dashboards are installed of %d, %v", len(list.Items), len(want), err)
	}
	asked := 0
	for _, configMap := range list.Items {
		for file, text := range configMap.Data {
			m, err := dashboards.Read(text)
			if err != nil {
				t.Fatalf("%s of ConfigMap %s: %v", file, configMap.Name, err)
			}
			for _, p := range m.Panels {
				asked += len(p.Targets)
			}
			t.Run(m.UID, func(t *testing.T) {
				t.Parallel()
				eventually(t, func() string { return e.silent(t, m) })
			})
		}
	}
	say(t, "%d dashboards, %d queries: none is empty", len(list.Items), asked)
}

// silent lists what of a dashboard shows nothing now, or returns "".
func (e *env) silent(t *testing.T, m dashboards.Model) string {
	silent, err := m.Silent(rateInterval, func(promql string) (model.Vector, error) { return e.prom.Query(t.Context(), promql) })
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	for _, s := range silent {
		fmt.Fprintf(&b, "%s shows nothing:\n  %s\n", s.Asks, s.PromQL)
	}
	return b.String()
}

// runShown runs the servers that have a dashboard, and what uses them, for the
// duration of the test.
func (e *env) runShown(t *testing.T) {
	t.Helper()
	cases, err := corpus.Load()
	if err != nil {
		t.Fatal(err)
	}
	var manifests [][]byte
	namespaces := []string{"demo", "traffic"}
	for _, c := range cases {
		if slices.Contains(shown, c.Name) {
			manifests = append(manifests, c.YAML)
			namespaces = append(namespaces, "corpus-"+c.Name)
		}
	}
	if len(manifests) != len(shown) {
		t.Fatalf("the corpus has %d of the cases %v", len(manifests), shown)
	}
	for _, path := range []string{"../demo/workloads.yaml", "testdata/traffic.yaml"} {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		manifests = append(manifests, data)
	}
	e.apply(t, bytes.Join(manifests, []byte("\n---\n")))
	for _, namespace := range namespaces {
		e.settle(t, namespace)
	}
}
