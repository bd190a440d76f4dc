package dashboards

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/outrider-dev/outrider/sidecars"
)

// TestVariables holds that a dashboard can be limited to a cluster, a job and a namespace, in this order.
func TestVariables(t *testing.T) {
	for _, d := range definitions(t) {
		all, err := d.variables()
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, v := range all {
			names = append(names, v.Name)
		}
		if len(names) < 3 || names[0] != "cluster" || names[1] != "job" || !slices.Contains(names, "namespace") {
			t.Errorf("%s has the variables %v, want cluster, job and namespace", d.Name, names)
		}
		text, err := d.JSON()
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if !strings.Contains(string(text), `~\"$`+name+`\"`) && !strings.Contains(string(text), `=\"$`+name+`\"`) {
				t.Errorf("%s: no query asks for $%s", d.Name, name)
			}
		}
	}
}

// TestRulesHaveADashboard holds that an exporter with alerts has a dashboard to look at when one fires. Both are found by
// the exporter's name.
func TestRulesHaveADashboard(t *testing.T) {
	all := definitions(t)
	found := 0
	for _, name := range sidecars.Builtin().Names() {
		if _, err := os.Stat("../../charts/outrider/files/rules/" + name + ".yaml"); err != nil {
			continue
		}
		found++
		if !slices.ContainsFunc(all, func(d Definition) bool { return d.Name == name }) {
			t.Errorf("exporter %s has alerts and no dashboard: add test/dashboards/%[1]s.yaml", name)
		}
	}
	if found == 0 {
		t.Error("no exporter has alerts")
	}
}

// panelsOf calls check for each query of each panel, as it is written in the definition.
func panelsOf(t *testing.T, check func(where string, p PanelDefinition, q QueryDefinition, expr parser.Expr)) {
	t.Helper()
	for _, d := range definitions(t) {
		for _, row := range d.Rows {
			for _, p := range row.Panels {
				for i, q := range p.queries() {
					expr, err := parse(q.Expr)
					if err != nil {
						t.Fatalf("%s, panel %q: %v", d.Name, p.Title, err)
					}
					check(fmt.Sprintf("%s, panel %q, query %s", d.Name, p.Title, refID(i)), p, q, expr)
				}
			}
		}
	}
}

// TestNoPadding holds that no query makes up what nobody measures: a constant has no place beside "or".
func TestNoPadding(t *testing.T) {
	panelsOf(t, func(where string, _ PanelDefinition, q QueryDefinition, expr parser.Expr) {
		parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
			if call, ok := node.(*parser.Call); ok && slices.Contains([]string{"vector", "absent", "absent_over_time"}, call.Func.Name) {
				t.Errorf("%s: %s makes up a value:\n%s", where, call.Func.Name, q.Expr)
			}
			if b, ok := node.(*parser.BinaryExpr); ok && b.Op == parser.MUL {
				for _, side := range []parser.Expr{b.LHS, b.RHS} {
					if n, ok := side.(*parser.NumberLiteral); ok && n.Val == 0 {
						t.Errorf("%s: 0 * is a value of nothing:\n%s", where, q.Expr)
					}
				}
			}
			return nil
		})
	})
}

// TestGrouping holds that namesakes in two namespaces stay apart: what keeps the pod, or a workload's name, keeps the namespace.
func TestGrouping(t *testing.T) {
	named := []string{"pod", "container", "workload", "deployment", "statefulset", "daemonset", "job_name", "topic", "consumergroup", "service"}
	lacks := func(kept []string) string {
		i := slices.IndexFunc(kept, func(label string) bool { return slices.Contains(named, label) })
		if i < 0 || slices.Contains(kept, "namespace") {
			return ""
		}
		return kept[i]
	}
	panelsOf(t, func(where string, _ PanelDefinition, q QueryDefinition, expr parser.Expr) {
		parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
			var kept []string
			switch node := node.(type) {
			case *parser.AggregateExpr:
				kept = node.Grouping
				if node.Without {
					t.Errorf("%s: by says what is kept, without does not:\n%s", where, q.Expr)
				}
			case *parser.BinaryExpr:
				if node.VectorMatching != nil && node.VectorMatching.On {
					kept = node.VectorMatching.MatchingLabels
				}
			}
			if label := lacks(kept); label != "" {
				t.Errorf("%s keeps %s without its namespace:\n%s", where, label, q.Expr)
			}
			return nil
		})
		if strings.Contains(q.Legend, "{{pod}}") && !strings.Contains(q.Legend, "{{namespace}}/{{pod}}") {
			t.Errorf("%s: legend %q, want {{namespace}}/{{pod}}", where, q.Legend)
		}
	})
}

// TestObjectsCountOnce holds that an object counts once although it is reported twice: by two kube-state-metrics during a
// rollout, by cAdvisor under two jobs, before and after a container's restart, or by two Prometheus. What is reported of it
// goes through max, min or group before it is summed up; a quotient of two sums is the same anyway.
func TestObjectsCountOnce(t *testing.T) {
	panelsOf(t, func(where string, _ PanelDefinition, q QueryDefinition, expr parser.Expr) {
		parser.Inspect(expr, func(node parser.Node, path []parser.Node) error {
			s, ok := node.(*parser.VectorSelector)
			if !ok || !strings.HasPrefix(s.Name, "kube_") && !strings.HasPrefix(s.Name, "container_") || strings.HasPrefix(s.Name, "container_cpu_cfs_") {
				return nil
			}
			for _, above := range slices.Backward(path) {
				if a, ok := above.(*parser.AggregateExpr); ok {
					if a.Op != parser.MAX && a.Op != parser.MIN && a.Op != parser.GROUP {
						t.Errorf("%s: %s of %s counts an object as often as it is reported:\n%s", where, a.Op, s.Name, q.Expr)
					}
					return nil
				}
			}
			t.Errorf("%s: %s as often as it is reported:\n%s", where, s.Name, q.Expr)
			return nil
		})
	})
}

// TestUnits holds that a panel's unit is what its metric's name says.
func TestUnits(t *testing.T) {
	panelsOf(t, func(where string, p PanelDefinition, q QueryDefinition, expr parser.Expr) {
		unit := p.unit()
		if q.Unit != "" {
			unit = q.Unit
		}
		if want := unitsOf(expr); want != nil && !slices.Contains(want, unit) {
			t.Errorf("%s: unit %s, want one of %v:\n%s", where, unit, want, q.Expr)
		}
	})
}

var perSecond = []string{"ops", "cps", "reqps", "pps"}

// unitsOf are the units that an expression can have, or nil where its metrics do not say.
func unitsOf(expr parser.Expr) []string {
	switch e := expr.(type) {
	case *parser.ParenExpr:
		return unitsOf(e.Expr)
	case *parser.AggregateExpr:
		if e.Op == parser.COUNT || e.Op == parser.GROUP {
			return []string{"short", "none"}
		}
		return unitsOf(e.Expr)
	case *parser.VectorSelector:
		switch {
		case strings.HasSuffix(e.Name, "_timestamp_seconds"):
			return nil
		case strings.HasSuffix(e.Name, "_bytes"):
			return []string{"bytes"}
		case strings.HasSuffix(e.Name, "_seconds"):
			return []string{"s", "dtdurations"}
		case strings.HasSuffix(e.Name, "_ratio"):
			return []string{"percentunit", "short"}
		}
	case *parser.Call:
		switch e.Func.Name {
		case "rate":
			return unitsOfRate(e.Args[0].(*parser.MatrixSelector).VectorSelector.(*parser.VectorSelector).Name)
		case "histogram_quantile":
			if name := e.Args[1].String(); strings.Contains(name, "_seconds_bucket") {
				return []string{"s"}
			} else if strings.Contains(name, "_bytes_bucket") {
				return []string{"bytes"}
			}
		case "clamp_min":
			return unitsOf(e.Args[0])
		}
	case *parser.BinaryExpr:
		if e.Op == parser.LOR || e.Op == parser.LAND || e.Op == parser.LUNLESS || e.Op.IsComparisonOperator() && !e.ReturnBool {
			return unitsOf(e.LHS)
		}
		if n, ok := e.LHS.(*parser.NumberLiteral); ok && n.Val == 1 && e.Op == parser.SUB {
			if b, ok := e.RHS.(*parser.BinaryExpr); ok && b.Op == parser.DIV { // 1 - a/b
				return []string{"percentunit"}
			}
		}
		if e.Op == parser.ADD && unitsOf(e.LHS) != nil {
			return unitsOf(e.LHS)
		}
	}
	return nil
}

func unitsOfRate(name string) []string {
	name = strings.TrimSuffix(name, "_total")
	switch {
	case strings.HasSuffix(name, "_bytes"):
		return []string{"Bps"}
	case strings.HasSuffix(name, "_seconds"):
		return []string{"none", "percentunit", "short"} // seconds per second
	case strings.Contains(name, "bytes") || strings.Contains(name, "kilobytes") || strings.HasSuffix(name, "_sum"):
		return nil
	}
	if strings.Contains(name, "innodb_data_") || strings.Contains(name, "throttled") {
		return nil
	}
	return append([]string{"short"}, perSecond...)
}

// TestEmptyIsExplained holds that a panel whose query filters by value, as "> 0" does, says what no data means: the filter
// leaves nothing in a healthy or an idle system.
func TestEmptyIsExplained(t *testing.T) {
	panelsOf(t, func(where string, p PanelDefinition, q QueryDefinition, expr parser.Expr) {
		parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
			b, ok := node.(*parser.BinaryExpr)
			if ok && p.Empty == "" && !b.ReturnBool && (b.Op == parser.GTR || b.Op == parser.LSS || b.Op == parser.EQLC && b == expr) {
				t.Errorf("%s: %s can leave nothing, and the panel has no \"empty\":\n%s", where, b.Op, q.Expr)
			}
			return nil
		})
		if strings.Contains(p.Description, empty) {
			t.Errorf("%s: what no data means belongs into the key empty", where)
		}
	})
}
