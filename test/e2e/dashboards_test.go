package e2e_test

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/prometheus/common/model"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/test/corpus"
	"github.com/outrider-dev/outrider/test/dashboards"
)

// rateInterval is what a Grafana makes of $__rate_interval that was not told
// how often its Prometheus scrapes: four times its default of 15 seconds.
const rateInterval = "1m"

// testDashboards runs what the dashboards are about, and asks for every
// variable and every panel of every dashboard that is installed, as Grafana
// does: each must give a series, or say in its description what no data means.
// The dashboards of servers that the local cluster cannot run are only counted.
func testDashboards(t *testing.T, e *env) {
	all, err := dashboards.Definitions()
	if err != nil {
		t.Fatal(err)
	}
	e.runShown(t, all)
	list, err := e.client.CoreV1().ConfigMaps("outrider").List(t.Context(), metav1.ListOptions{LabelSelector: "grafana_dashboard=1"})
	if err != nil {
		t.Fatal(err)
	}
	if len(list.Items) != len(all) {
		t.Fatalf("%d dashboards are installed of %d", len(list.Items), len(all))
	}
	var counted counts
	t.Run("panels", func(t *testing.T) {
		for _, configMap := range list.Items {
			for file, text := range configMap.Data {
				m, err := dashboards.Read(text)
				if err != nil {
					t.Fatalf("%s of ConfigMap %s: %v", file, configMap.Name, err)
				}
				i := slices.IndexFunc(all, func(d dashboards.Definition) bool { return "outrider-"+d.Name == m.UID })
				if i < 0 {
					t.Fatalf("%s of ConfigMap %s: no definition makes %s", file, configMap.Name, m.UID)
				}
				if all[i].Needs != "" {
					counted.elsewhere.Add(int64(m.Queries()))
					continue
				}
				t.Run(m.UID, func(t *testing.T) {
					t.Parallel()
					eventually(t, func() string { return e.silent(t, m, &counted) })
				})
			}
		}
	})
	say(t, "%d dashboards: %d queries and variables give series of their own, %d give none as their panels explain, %d need what cannot run here",
		len(all), counted.shown.Load(), counted.quiet.Load(), counted.elsewhere.Load())
}

// counts are what became of the queries of all dashboards.
type counts struct{ shown, quiet, elsewhere atomic.Int64 }

// silent lists what of a dashboard shows nothing now and does not say why, or
// returns "" and counts.
func (e *env) silent(t *testing.T, m dashboards.Model, counted *counts) string {
	answers, err := m.Ask(rateInterval, func(promql string) (model.Vector, error) { return e.prom.Query(t.Context(), promql) })
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	for _, s := range answers.Silent {
		fmt.Fprintf(&b, "%s shows nothing:\n  %s\n", s.Asks, s.PromQL)
	}
	if b.Len() == 0 {
		counted.shown.Add(int64(len(answers.Shown)))
		counted.quiet.Add(int64(len(answers.Quiet)))
	}
	return b.String()
}

// showing are the cases of the corpus that run the servers of the dashboards:
// of each exporter's dashboard that the demo does not fill, the case of that
// name, or else the first, whose series the dashboard's instances are.
func showing(t *testing.T, all []dashboards.Definition, demo []byte) []corpus.Case {
	t.Helper()
	cases, err := corpus.Load()
	if err != nil {
		t.Fatal(err)
	}
	var found []corpus.Case
	for _, d := range all {
		_, exporter := sidecars.Builtin().Spec(d.Name)
		if !exporter || d.Needs != "" || bytes.Contains(demo, []byte("outrider.dev/inject: "+d.Name)) {
			continue
		}
		runs := func(c corpus.Case) bool { return c.Cluster && slices.Contains(c.Up, d.Instances) }
		i := slices.IndexFunc(cases, func(c corpus.Case) bool { return runs(c) && c.Name == d.Name })
		if i < 0 {
			i = slices.IndexFunc(cases, runs)
		}
		if i < 0 {
			t.Errorf("no case of the corpus has %s, for the dashboard %s: add one, or say in the dashboard what it needs", d.Instances, d.Name)
			continue
		}
		found = append(found, cases[i])
	}
	return found
}

// runShown runs the servers that have a dashboard, and what uses them, for the
// duration of the test.
func (e *env) runShown(t *testing.T, all []dashboards.Definition) {
	t.Helper()
	var manifests [][]byte
	for _, path := range []string{"../demo/workloads.yaml", "testdata/traffic.yaml"} {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		manifests = append(manifests, data)
	}
	namespaces := []string{"demo", "traffic"}
	for _, c := range showing(t, all, manifests[0]) {
		manifests = append([][]byte{c.YAML}, manifests...)
		namespaces = append(namespaces, "corpus-"+c.Name)
	}
	e.apply(t, bytes.Join(manifests, []byte("\n---\n")))
	for _, namespace := range namespaces {
		e.settle(t, namespace)
	}
}
