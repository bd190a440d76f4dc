package alarms_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"
)

// shrinkRule divides every duration of a rule by a factor.
func shrinkRule(rule map[string]any, factor int) error {
	for _, field := range []string{"for", "keep_firing_for"} {
		if text, ok := rule[field].(string); ok {
			shorter, err := shrinkDuration(text, factor)
			if err != nil {
				return err
			}
			rule[field] = shorter
		}
	}
	expr, err := shrinkExpr(fmt.Sprint(rule["expr"]), factor)
	rule["expr"] = expr
	return err
}

func shrinkDuration(text string, factor int) (string, error) {
	d, err := model.ParseDuration(text)
	return (d / model.Duration(factor)).String(), err
}

// shrinkExpr divides the ranges, offsets and steps of an expression, how far it predicts, and the seconds that it compares an age
// with.
func shrinkExpr(expr string, factor int) (string, error) {
	p := parser.NewParser(parser.Options{})
	parsed, err := p.ParseExpr(expr)
	if err != nil {
		return "", fmt.Errorf("shrink %s: %w", expr, err)
	}
	by := time.Duration(factor)
	parser.Inspect(parsed, func(node parser.Node, _ []parser.Node) error {
		switch n := node.(type) {
		case *parser.VectorSelector:
			n.OriginalOffset /= by
		case *parser.MatrixSelector:
			n.Range /= by
		case *parser.SubqueryExpr:
			n.Range, n.OriginalOffset, n.Step = n.Range/by, n.OriginalOffset/by, n.Step/by
		case *parser.Call:
			if n.Func.Name == "predict_linear" {
				n.Args[1] = divided(n.Args[1], factor)
			}
		case *parser.BinaryExpr:
			if n.Op.IsComparisonOperator() && constant(n.RHS) && tellsAge(n.LHS) {
				n.RHS = divided(n.RHS, factor)
			}
		}
		return nil
	})
	return parsed.String(), nil
}

func divided(e parser.Expr, factor int) parser.Expr {
	return &parser.BinaryExpr{Op: parser.DIV, LHS: &parser.ParenExpr{Expr: e}, RHS: &parser.NumberLiteral{Val: float64(factor)}}
}

// constant tells whether an expression is made of numbers alone.
func constant(e parser.Expr) bool {
	numbers := true
	parser.Inspect(e, func(node parser.Node, _ []parser.Node) error {
		switch node.(type) {
		case nil, *parser.NumberLiteral, *parser.BinaryExpr, *parser.ParenExpr, *parser.UnaryExpr:
		default:
			numbers = false
		}
		return nil
	})
	return numbers
}

// tellsAge tells whether an expression subtracts from, or is subtracted from, the time.
func tellsAge(e parser.Expr) bool {
	found := false
	parser.Inspect(e, func(node parser.Node, _ []parser.Node) error {
		if call, ok := node.(*parser.Call); ok && call.Func.Name == "time" {
			found = true
		}
		return nil
	})
	return found
}

func TestShrink(t *testing.T) {
	for expr, want := range map[string]string{
		`rate(a[5m])`:                                  `rate(a[30s])`,
		`a offset 10m`:                                 `a offset 1m`,
		`max_over_time((a - b)[7d:3h])`:                `max_over_time((a - b)[16h48m:18m])`,
		`predict_linear(a[6h], 2 * 24 * 3600) < 0`:     `predict_linear(a[36m], (2 * 24 * 3600) / 10) < 0`,
		`time() - max by (pod) (a) > 1800`:             `time() - max by (pod) (a) > (1800) / 10`,
		`a - time() < 5 * 24 * 3600 and a < b / 6`:     `a - time() < (5 * 24 * 3600) / 10 and a < b / 6`,
		`rate(a{le="604800"}[1h]) > 0.5 unless b == 3`: `rate(a{le="604800"}[6m]) > 0.5 unless b == 3`,
	} {
		got, err := shrinkExpr(expr, 10)
		if err != nil || got != want {
			t.Errorf("%s becomes %s (%v), want %s", expr, got, err, want)
		}
	}
}
