package e2e_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/outrider-dev/outrider/cmd/outrider/release"
	"github.com/outrider-dev/outrider/test/promql"
)

// testClusters has two releases scrape the same workloads as the clusters east and west, and one query ask both: every rule and
// every query of the dashboards, limited to a cluster, gets the answer of that cluster's own Prometheus, to the last digit.
func testClusters(t *testing.T, e *env) {
	e.apply(t, []byte("apiVersion: v1\nkind: Namespace\nmetadata: {name: e2e-clusters}\n"))
	e.redis(t, "e2e-clusters", `outrider.dev/inject: redis`, "")
	e.settle(t, "e2e-clusters")
	cluster := func(name string, thanos map[string]any) map[string]any {
		values := e.small("5s")
		values["prometheus"].(map[string]any)["externalLabels"] = map[string]any{"cluster": name}
		thanos["replicas"] = 1
		values["thanos"] = map[string]any{"enabled": true, "query": thanos}
		return values
	}
	e.west(t, cluster("west", map[string]any{}))
	if _, err := e.release.Apply(t.Context(), cluster("east", map[string]any{"endpoints": []any{"west-outrider-thanos-query.west.svc:10901"}})); err != nil {
		t.Fatal(err)
	}
	query := e.asks(t, "outrider-thanos-query:9090")
	own := map[string]*promql.Client{}
	for name, namespace := range map[string]string{"east": "outrider", "west": "west"} {
		var err error
		if own[name], err = promql.New(e.cluster.RESTConfig(), namespace, strings.TrimPrefix(namespace+"-outrider-prometheus:9090", "outrider-")); err != nil {
			t.Fatal(err)
		}
	}
	// Every rate over five minutes has its samples, in both.
	e.longAgo(t, `count(count by (cluster) (redis_up{namespace="e2e-clusters"} offset 5m))`, 2)
	when := time.Now().Add(-15 * time.Second)

	rules := slices.DeleteFunc(e.ruled(t), question.asksNobody)
	got := answers(t, rules, at(query, when))
	mixed, series := 0, 0
	for name, prometheus := range own {
		want := answers(t, rules, at(prometheus, when))
		series += given(want)
		for i, q := range rules {
			part, err := got[i].Of("cluster", name).Without("cluster")
			if err != nil {
				t.Fatal(err)
			}
			if why := promql.Differ(want[i], part, promql.Tolerance{}); why != "" {
				mixed++
				t.Errorf("%s of %s:\n%s\n%s", q.by, name, why, q.promql)
			}
		}
	}
	say(t, "two releases as two clusters behind one query: %d of %d answers of rules, and of what they compare, are not those of a cluster's own Prometheus, %d have series", mixed, 2*len(rules), series)

	mixed, series, asked := 0, 0, 0
	for name, prometheus := range own {
		there := panels(t, prometheus, when, ".*", rateInterval)
		here := panels(t, query, when, name, rateInterval)
		if len(there) != len(here) {
			t.Fatalf("%d panels there, %d here", len(there), len(here))
		}
		want, got := answers(t, there, at(prometheus, when)), answers(t, here, at(query, when))
		series += given(want)
		for i, q := range here {
			if strings.HasSuffix(q.by, ": $cluster") {
				continue
			}
			asked++
			part, err := got[i].Without("cluster")
			if err != nil {
				t.Fatalf("%s: %v", q.by, err)
			}
			if why := promql.Differ(want[i], part, promql.Tolerance{}); why != "" {
				mixed++
				t.Errorf("%s of %s:\n%s\n%s", q.by, name, why, q.promql)
			}
		}
	}
	say(t, "the same of dashboards with one cluster chosen: %d of %d, %d have series", mixed, asked, series)

	refused := 0
	everything := panels(t, query, when, ".*", rateInterval)
	for i, a := range answers(t, everything, at(query, when)) {
		if a.Refused != nil {
			refused++
			t.Errorf("%s of both clusters: %v\n%s", everything[i].by, a.Refused, everything[i].promql)
		}
	}
	say(t, "%d of %d queries of dashboards fail with both clusters chosen", refused, len(everything))
}

// west installs a second release, without the definition of Exporter, of which a cluster has one, and with a port of its own
// on the nodes.
func (e *env) west(t *testing.T, values map[string]any) {
	t.Helper()
	maps.Copy(values, map[string]any{
		"webhook":      map[string]any{"mode": "webhook", "replicas": 1}, // what one injects the other leaves
		"nodeExporter": map[string]any{"port": 9101},
	})
	manifest, err := release.Release{Name: "west", Namespace: "west"}.Render(values, "1.37.0")
	if err != nil {
		t.Fatal(err)
	}
	objects := slices.DeleteFunc(strings.Split(manifest, "\n---\n"), func(o string) bool { return strings.Contains(o, "\nkind: CustomResourceDefinition\n") })
	e.apply(t, []byte("apiVersion: v1\nkind: Namespace\nmetadata: {name: west}\n---\n"+strings.Join(objects, "\n---\n")))
	e.settle(t, "west")
}
