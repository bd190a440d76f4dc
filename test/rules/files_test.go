// Package rules_test holds the rules of the chart to what they promise: promtool reads and tests them, every rule has a
// test in which it fires and one in which it does not, every name in them exists, and each alert has its place in the
// runbook.
//
// # Decisions
//
// Prometheus' own promtool runs the tests: a runner of our own over promqltest would have to be believed first.
// The tests ask for ALERTS rather than with alert_rule_test, which compares annotations too and would hold each text twice;
// that the labels which a text names are there is checked here for all of them at once.
package rules_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"
)

const (
	folder  = "../../charts/outrider/files/rules"
	runbook = "../../charts/RUNBOOK.md"
)

// pack is a file of rules. Prometheus' own type for it would bring its whole query engine along.
type pack struct {
	Groups []struct {
		Name     string `yaml:"name"`
		Interval string `yaml:"interval"`
		Rules    []rule `yaml:"rules"`
	} `yaml:"groups"`
}

// rule records a series or raises an alert.
type rule struct {
	Record      string            `yaml:"record"`
	Alert       string            `yaml:"alert"`
	Expr        string            `yaml:"expr"`
	For         string            `yaml:"for"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

// packs are the chart's rules by the name of their file.
func packs(t *testing.T) map[string]pack {
	t.Helper()
	all := map[string]pack{}
	for _, path := range glob(t, folder+"/*.yaml") {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var p pack
		if err := yaml.Unmarshal(data, &p); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		all[strings.TrimSuffix(filepath.Base(path), ".yaml")] = p
	}
	return all
}

// rulesOf are the rules of all packs, those that record before those that use what is recorded.
func rulesOf(t *testing.T) []rule {
	t.Helper()
	var records, alerts []rule
	for _, p := range packs(t) {
		for _, g := range p.Groups {
			for _, r := range g.Rules {
				if r.Record != "" {
					records = append(records, r)
				} else {
					alerts = append(alerts, r)
				}
			}
		}
	}
	return append(records, alerts...)
}

// suite is the part of a promtool test file that is read here.
type suite struct {
	RuleFiles []string `yaml:"rule_files"`
	Tests     []struct {
		Name   string `yaml:"name"`
		Series []struct {
			Series string `yaml:"series"`
		} `yaml:"input_series"`
		Queries []struct {
			Expr    string `yaml:"expr"`
			Samples []struct {
				Labels string `yaml:"labels"`
			} `yaml:"exp_samples"`
		} `yaml:"promql_expr_test"`
	} `yaml:"tests"`
}

// suites are the test files of single rules, by path.
func suites(t *testing.T) map[string]suite {
	t.Helper()
	return read(t, "testdata/*_test.yaml")
}

// situations are the test files of what happens in a cluster, by path: a file a kind, in which whole packs of rules run and
// exactly those alerts fire that should.
func situations(t *testing.T) map[string]suite {
	t.Helper()
	return read(t, "testdata/kinds/*_test.yaml")
}

func read(t *testing.T, pattern string) map[string]suite {
	t.Helper()
	all := map[string]suite{}
	for _, path := range glob(t, pattern) {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var s suite
		if err := yaml.Unmarshal(data, &s); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		all[path] = s
	}
	return all
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("find %s: %v, %v", pattern, paths, err)
	}
	return paths
}

func parse(t *testing.T, expr string) parser.Expr {
	t.Helper()
	e, err := parser.NewParser(parser.Options{}).ParseExpr(expr)
	if err != nil {
		t.Fatalf("%s: %v", expr, err)
	}
	return e
}
