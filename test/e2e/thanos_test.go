package e2e_test

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/outrider-dev/outrider/test/cluster/image"
	"github.com/outrider-dev/outrider/test/dashboards"
	"github.com/outrider-dev/outrider/test/evidence"
	"github.com/outrider-dev/outrider/test/manifest"
	"github.com/outrider-dev/outrider/test/poll"
	"github.com/outrider-dev/outrider/test/promql"
	"github.com/outrider-dev/outrider/test/rules"
)

var withThanos = flag.Bool("thanos", false, "run the tests that build Thanos, which takes about ten minutes of CPU")

// TestThanos is about Prometheus with Thanos in pods: shards, copies, object storage and several clusters. Each test applies
// its own values to the release.
func TestThanos(t *testing.T) {
	if !*withThanos || testing.Short() {
		t.Skip("-thanos: these tests need a cluster, and build Thanos")
	}
	e, err := newEnv(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := e.cluster.LoadImages(t.Context(), image.Thanos); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.release.Uninstall(); err != nil {
			t.Error(err)
		}
	})
	for _, tc := range []struct {
		name string
		test func(*testing.T, *env)
	}{
		{"Clusters", testClusters},
		{"LostVolume", testLostVolume},
		{"Differential", testDifferential},
		{"Shards", testShards},
	} {
		if !t.Run(tc.name, func(t *testing.T) { tc.test(t, e) }) {
			t.Log(evidence.Of(e.client, "outrider", "controller", "prometheus", "thanos-sidecar", "thanos-query", "thanos-store", "thanos-ruler"))
		}
	}
}

// asks has what is asked from here on go to a Service of the release.
func (e *env) asks(t *testing.T, service string) *promql.Client {
	t.Helper()
	c, err := promql.New(e.cluster.RESTConfig(), "outrider", service)
	if err != nil {
		t.Fatal(err)
	}
	e.prom = c
	return c
}

// sizes says what the programs of Prometheus and Thanos have resident, at most, by job. The query beside a ruler is not scraped.
func (e *env) sizes(t *testing.T) {
	t.Helper()
	v, err := e.prom.Query(t.Context(), `sort(max by (job) (process_resident_memory_bytes{job=~"prometheus|outrider-thanos-.+"}))`)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, s := range v {
		all = append(all, fmt.Sprintf("%s %.0f MB", s.Metric["job"], float64(s.Value)/1e6))
	}
	say(t, "%s: resident before anything is asked: %s", t.Name(), strings.Join(all, ", "))
}

// longAgo waits until a query about some minutes ago has a value, which takes as long.
func (e *env) longAgo(t *testing.T, query string, value model.SampleValue) {
	t.Helper()
	poll.Until(t, 4*patience, time.Second, func() string {
		if v, err := e.prom.Query(t.Context(), query); err != nil || len(v) != 1 || v[0].Value != value {
			return fmt.Sprintf("%s is %v, %v, want %v", query, v, err, value)
		}
		return ""
	})
}

// question is a query, and the alert or the panel that asks it.
type question struct{ by, promql string }

// asksNobody holds for the Watchdog, whose answer is about no cluster and never partial.
func (q question) asksNobody() bool { return strings.TrimSpace(q.promql) == "vector(1)" }

// ruled are the expressions of the release's rules, and what these compare: most rules give nothing where nothing is wrong, and
// the left sides of their comparisons do.
func (e *env) ruled(t *testing.T) (all []question) {
	t.Helper()
	files, err := e.client.CoreV1().ConfigMaps("outrider").Get(t.Context(), rulesMap, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	expressions, err := rules.Expressions(files.Data)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range expressions {
		all = append(all, question{"rule " + x.Rule, x.PromQL})
		sides, err := x.Compared()
		if err != nil {
			t.Fatal(err)
		}
		for _, side := range sides {
			all = append(all, question{"rule " + x.Rule + " compares", side.PromQL})
		}
	}
	return all
}

// panels are the variables and panels of all dashboards, filled in by what a server has at a time, with a choice for the
// variable cluster and an interval for rates. They come in the same order from every server.
func panels(t *testing.T, c *promql.Client, at time.Time, cluster, rate string) (all []question) {
	t.Helper()
	models, err := dashboards.Models()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range models {
		expressions, err := m.Choosing("cluster", cluster).Expressions(rate, func(query string) (model.Vector, error) {
			return c.QueryAt(t.Context(), query, at)
		})
		if err != nil {
			t.Fatalf("%s: %v", m.UID, err)
		}
		for _, x := range expressions {
			all = append(all, question{m.UID + ": " + x.Asks, x.PromQL})
		}
	}
	return all
}

// answers asks all questions, four at a time.
func answers(t *testing.T, all []question, ask func(ctx context.Context, query string) (promql.Answer, error)) []promql.Answer {
	t.Helper()
	found, errs := make([]promql.Answer, len(all)), make([]error, len(all))
	var wg sync.WaitGroup
	slots := make(chan struct{}, 4)
	for i, q := range all {
		slots <- struct{}{}
		wg.Go(func() {
			found[i], errs[i] = ask(t.Context(), q.promql)
			<-slots
		})
	}
	wg.Wait()
	for i, err := range errs {
		if err != nil {
			t.Fatalf("%s: %v", all[i].by, err)
		}
	}
	return found
}

// at asks a server about one instant.
func at(c *promql.Client, when time.Time) func(context.Context, string) (promql.Answer, error) {
	return func(ctx context.Context, query string) (promql.Answer, error) { return c.Answer(ctx, query, when) }
}

// given is how many answers have series.
func given(all []promql.Answer) (n int) {
	for _, a := range all {
		if len(a.Series) > 0 {
			n++
		}
	}
	return n
}

// partial holds where an answer says that a Prometheus is missing from it.
func partial(a promql.Answer) bool {
	return slices.ContainsFunc(a.Warnings, func(w string) bool { return strings.Contains(w, "outrider-prometheus-") })
}

// configMap is the data of a ConfigMap of the release, rendered with values.
func (e *env) configMap(t *testing.T, values map[string]any, name string) map[string]string {
	t.Helper()
	rendered, err := e.release.Render(values, "1.37.0")
	if err != nil {
		t.Fatal(err)
	}
	data, err := manifest.ConfigMap(rendered, name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
