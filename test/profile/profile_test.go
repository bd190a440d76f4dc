// Package profile_test holds the profile essential to what it promises: every rule and every panel of the chart works on it.
//
// # The list is generated
//
// discovery/essential.yaml has, for each exporter, the metrics that the chart's rules and dashboards ask for, and those by
// which the controller proves that the exporter works. Refused: a list by hand, which would be wrong with the next panel.
package profile_test

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"sigs.k8s.io/yaml"

	"github.com/outrider-dev/outrider/charts"
	"github.com/outrider-dev/outrider/discovery"
	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/test/dashboards"
	"github.com/outrider-dev/outrider/test/golden"
	"github.com/outrider-dev/outrider/test/metrics"
)

const list = "../../discovery/essential.yaml"

const head = "# The metrics of each exporter that the chart's rules, its dashboards and the controller ask for: the profile essential.\n" +
	"# Written by: go test ./test/profile -update\n"

// TestEssential compares the list with what is asked for.
func TestEssential(t *testing.T) {
	want := map[string][]string{}
	catalog := sidecars.Builtin()
	used := selectors(t)
	for _, component := range metrics.Components() {
		spec, known := catalog.Spec(component)
		if !known {
			continue
		}
		has, err := metrics.Of(component)
		if err != nil {
			t.Fatal(err)
		}
		names := []string{spec.UpMetric}
		if m := spec.Diagnosis.ErrorMetric; m != nil {
			names = append(names, m.Name)
		}
		for _, s := range used {
			if _, ok := has[s.Name]; ok && asks(s, component) {
				names = append(names, s.Name)
			}
		}
		slices.Sort(names)
		want[component] = slices.Compact(names)
	}
	text, err := yaml.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, list, head+string(text), "go test ./test/profile -update")
}

// asks reports whether a selector may be about an exporter's job.
func asks(s *parser.VectorSelector, exporter string) bool {
	return !slices.ContainsFunc(s.LabelMatchers, func(m *labels.Matcher) bool { return m.Name == "job" && !m.Matches(exporter) })
}

// selectors are those of all rules and panels.
func selectors(t *testing.T) []*parser.VectorSelector {
	t.Helper()
	var all []*parser.VectorSelector
	read := func(where, promql string) {
		expr, err := parser.NewParser(parser.Options{}).ParseExpr(promql)
		if err != nil {
			t.Fatalf("%s: %v", where, err)
		}
		parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
			if s, ok := node.(*parser.VectorSelector); ok {
				if s.Name == "" {
					t.Errorf("%s: %s names no metric, so the profile cannot keep it", where, s)
				}
				all = append(all, s)
			}
			return nil
		})
	}
	for where, text := range chartFiles(t, "files/rules/*.yaml") {
		var pack struct {
			Groups []struct {
				Rules []struct{ Expr string }
			}
		}
		if err := yaml.Unmarshal(text, &pack); err != nil {
			t.Fatalf("%s: %v", where, err)
		}
		for _, g := range pack.Groups {
			for _, r := range g.Rules {
				read(where, r.Expr)
			}
		}
	}
	for where, text := range chartFiles(t, "files/dashboards/*.json") {
		m, err := dashboards.Read(string(text))
		if err != nil {
			t.Fatalf("%s: %v", where, err)
		}
		expressions, err := m.Expressions("1m", everything)
		if err != nil {
			t.Fatalf("%s: %v", where, err)
		}
		for _, e := range expressions {
			read(fmt.Sprintf("%s: panel %q", where, e.Asks), e.PromQL)
		}
	}
	return all
}

// everything answers a variable with a value that every matcher of a panel then lets pass.
func everything(promql string) (model.Vector, error) {
	_, label, _ := strings.Cut(promql, "group by (")
	label, _, _ = strings.Cut(label, ")")
	var all model.Vector
	for _, value := range append(sidecars.Builtin().Names(), "other") {
		all = append(all, &model.Sample{Metric: model.Metric{model.LabelName(label): model.LabelValue(value)}, Value: 1})
	}
	return all, nil
}

func chartFiles(t *testing.T, pattern string) map[string][]byte {
	t.Helper()
	chart := charts.Outrider()
	paths, err := fs.Glob(chart, pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("find %s in the chart: %v", pattern, err)
	}
	files := map[string][]byte{}
	for _, p := range paths {
		if files[path.Base(p)], err = fs.ReadFile(chart, p); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// TestKeeps holds that the scrape jobs keep of an essential target what is on the list, and all of every other.
func TestKeeps(t *testing.T) {
	for exporter, names := range discovery.Essential() {
		for _, name := range names {
			if !discovery.Kept(exporter, name) {
				t.Errorf("%s of %s is on the list and dropped", name, exporter)
			}
		}
		if discovery.Kept(exporter, "go_gc_cycles_automatic_gc_cycles_total") {
			t.Errorf("a metric of %s is kept that nobody asks for", exporter)
		}
	}
	if !discovery.Kept("an-exporter-of-yours", "go_goroutines") {
		t.Error("an exporter without a list loses series")
	}
}
