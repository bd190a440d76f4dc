package rules_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"
)

// walk calls f for an expression and all in it.
func walk(t *testing.T, expr string, f func(parser.Node)) {
	t.Helper()
	parser.Inspect(parse(t, expr), func(n parser.Node, _ []parser.Node) error {
		f(n)
		return nil
	})
}

// What was seen within a day is forgotten after one: an alert that asks for it goes on because of its own series.
func TestAlertsEndForACause(t *testing.T) {
	for _, r := range rulesOf(t) {
		var looksBack, latched bool
		walk(t, r.Expr, func(n parser.Node) {
			switch n := n.(type) {
			case *parser.Call:
				looksBack = looksBack || slices.Contains([]string{"max_over_time", "min_over_time"}, n.Func.Name) && strings.HasSuffix(n.String(), "[1d])")
			case *parser.VectorSelector:
				latched = latched || n.Name == "ALERTS" && matcher(n, "alertname") == r.Alert
			}
		})
		if r.Alert != "" && looksBack && !latched && !slices.Contains(endsOtherwise, r.Alert) {
			t.Errorf("%s looks back a day and does not look at ALERTS{alertname=%q}: it would end by age", r.Alert, r.Alert)
		}
	}
}

// endsOtherwise are alerts that no day ends: under-replicated partitions stay until the broker is back, and what was not up within a day is
// not up within the next.
var endsOtherwise = []string{"KafkaBrokerLost", "TargetsNeverUp"}

// A Prometheus may hold several clusters: nothing is summed or joined across them.
func TestClustersStayApart(t *testing.T) {
	for _, r := range rulesOf(t) {
		walk(t, r.Expr, func(n parser.Node) {
			switch n := n.(type) {
			case *parser.AggregateExpr:
				if slices.Contains(n.Grouping, "cluster") == n.Without {
					t.Errorf("%s%s: %s mixes clusters", r.Record, r.Alert, n)
				}
			case *parser.BinaryExpr:
				if m := n.VectorMatching; m != nil && (len(m.MatchingLabels) > 0 || m.On) && slices.Contains(m.MatchingLabels, "cluster") != m.On {
					t.Errorf("%s%s: %s joins clusters", r.Record, r.Alert, n)
				}
			}
		})
	}
}

// Two kube-state-metrics answer during a rollout of it: what it says of one thing is taken once before it is summed or counted.
func TestNothingIsCountedTwice(t *testing.T) {
	for _, r := range rulesOf(t) {
		parser.Inspect(parse(t, r.Expr), func(n parser.Node, path []parser.Node) error {
			v, ok := n.(*parser.VectorSelector)
			if !ok || !strings.HasPrefix(v.Name, "kube_") {
				return nil
			}
			for _, above := range slices.Backward(path) {
				switch a := above.(type) {
				case *parser.BinaryExpr:
					if a.Op.IsSetOperator() && inside(a.RHS, v) && a.Op != parser.LOR {
						return nil // only asks whether it is there
					}
				case *parser.AggregateExpr:
					if a.Op == parser.SUM || a.Op == parser.COUNT {
						t.Errorf("%s%s: %s takes %s twice while two kube-state-metrics run", r.Record, r.Alert, a, v.Name)
					}
					return nil
				}
			}
			return nil
		})
	}
}

// inside reports whether a selector stands within an expression.
func inside(e parser.Expr, v *parser.VectorSelector) bool {
	at := e.PositionRange()
	return at.Start <= v.PosRange.Start && v.PosRange.End <= at.End
}
