package rules_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/outrider-dev/outrider/test/cluster/build"
)

func promtool(t *testing.T, args ...string) {
	t.Helper()
	path, err := build.Binary(t.Context(), "promtool")
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), path, args...).CombinedOutput(); err != nil {
		t.Errorf("promtool %v: %v\n%s", args, err, out)
	}
}

func TestPromtoolChecks(t *testing.T) {
	promtool(t, append([]string{"check", "rules", "--lint=all", "--lint-fatal"}, glob(t, folder+"/*.yaml")...)...)
}

func TestPromtoolTests(t *testing.T) {
	for _, files := range []map[string]suite{suites(t), situations(t)} {
		for path := range files {
			t.Run(strings.TrimPrefix(path, "testdata/"), func(t *testing.T) {
				t.Parallel() // promtool uses one CPU
				promtool(t, "test", "rules", path)
			})
		}
	}
}

// tested says what has been asked of one rule, by what promtool then holds.
type tested struct{ fires, quiet bool }

// Each alert of each severity, and each recorded series, must appear in a test and be missing in another.
func TestEveryRuleIsTested(t *testing.T) {
	seen := map[string]*tested{}
	of := func(name string) *tested {
		if seen[name] == nil {
			seen[name] = &tested{}
		}
		return seen[name]
	}
	for path, s := range suites(t) {
		for _, file := range s.RuleFiles {
			glob(t, filepath.Join(filepath.Dir(path), file))
		}
		for _, test := range s.Tests {
			for _, q := range test.Queries {
				selector, ok := parse(t, q.Expr).(*parser.VectorSelector)
				if !ok {
					t.Errorf("%s: %s: %s is no selector of one rule", path, test.Name, q.Expr)
					continue
				}
				name := selector.Name
				if name == "ALERTS" {
					name = matcher(selector, "alertname")
				}
				if len(q.Samples) == 0 {
					of(name).quiet = true
				}
				for _, sample := range q.Samples {
					of(name + "/" + severity(t, sample.Labels)).fires = true
				}
			}
		}
	}
	for _, r := range rulesOf(t) {
		name := r.Record + r.Alert
		if !of(name).quiet && r.Expr != "vector(1)\n" { // the Watchdog is never quiet
			t.Errorf("no test holds when %s is not there", name)
		}
		if !of(name + "/" + r.Labels["severity"]).fires {
			t.Errorf("no test holds when %s %s is there", name, r.Labels["severity"])
		}
	}
}

func severity(t *testing.T, series string) string {
	t.Helper()
	return matcher(parse(t, series).(*parser.VectorSelector), "severity")
}

// matcher is the value that a selector asks of a label, or empty.
func matcher(s *parser.VectorSelector, label string) string {
	for _, m := range s.LabelMatchers {
		if m.Name == label {
			return m.Value
		}
	}
	return ""
}
