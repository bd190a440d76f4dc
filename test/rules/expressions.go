// Package rules reads the expressions of rules as the chart has them.
package rules

import (
	"fmt"
	"maps"
	"slices"

	"github.com/prometheus/prometheus/promql/parser"
	"sigs.k8s.io/yaml"
)

// Expression is what a rule asks.
type Expression struct {
	// Rule is the name of the alert, or of the series that is recorded.
	Rule, PromQL string
}

// Expressions are those of files of rules, such as the data of the chart's ConfigMap, in the order of the files' names.
func Expressions(files map[string]string) ([]Expression, error) {
	var all []Expression
	for _, name := range slices.Sorted(maps.Keys(files)) {
		var file struct {
			Groups []struct {
				Rules []struct{ Alert, Record, Expr string }
			}
		}
		if err := yaml.Unmarshal([]byte(files[name]), &file); err != nil {
			return nil, fmt.Errorf("decode %s: %w", name, err)
		}
		for _, g := range file.Groups {
			for _, r := range g.Rules {
				all = append(all, Expression{r.Alert + r.Record, r.Expr})
			}
		}
	}
	return all, nil
}

// Compared are the left sides of the comparisons in an expression, which have values also where an alert does not fire.
func (e Expression) Compared() ([]Expression, error) {
	parsed, err := parser.NewParser(parser.Options{}).ParseExpr(e.PromQL)
	if err != nil {
		return nil, fmt.Errorf("parse %s: %w", e.Rule, err)
	}
	var all []Expression
	parser.Inspect(parsed, func(node parser.Node, _ []parser.Node) error {
		if b, ok := node.(*parser.BinaryExpr); ok && b.Op.IsComparisonOperator() && b.LHS.Type() == parser.ValueTypeVector {
			if side := (Expression{e.Rule, b.LHS.String()}); !slices.Contains(all, side) {
				all = append(all, side)
			}
		}
		return nil
	})
	return all, nil
}
