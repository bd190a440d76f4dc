package dashboards

import (
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// $__rate_interval is Grafana's. While a query is parsed a range that nobody writes stands for it.
const (
	rateInterval = "$__rate_interval"
	standIn      = "2h11m59s"
)

// perCluster are labels whose values repeat in every cluster: a query that keeps one of them keeps the cluster too.
var perCluster = []string{"job", "instance", "namespace", "pod", "node"}

func parse(query string) (parser.Expr, error) {
	return parser.NewParser(parser.Options{}).ParseExpr(strings.ReplaceAll(query, rateInterval, standIn))
}

// written is the query as Grafana gets it.
func written(expr parser.Expr) string {
	return strings.ReplaceAll(expr.String(), standIn, rateInterval)
}

// limited parses a query and limits each selector in it to what is chosen at the top of the dashboard; every by and on that
// names something of a cluster names the cluster too.
func limited(query string, by []VariableDefinition) (parser.Expr, error) {
	expr, err := parse(query)
	if err != nil {
		return nil, fmt.Errorf("parse %q: %w", query, err)
	}
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		switch node := node.(type) {
		case *parser.VectorSelector:
			node.LabelMatchers = append(node.LabelMatchers, matchers(by, node)...)
		case *parser.AggregateExpr:
			if !node.Without {
				node.Grouping = withCluster(node.Grouping)
			}
		case *parser.BinaryExpr:
			if node.VectorMatching != nil && node.VectorMatching.On {
				node.VectorMatching.MatchingLabels = withCluster(node.VectorMatching.MatchingLabels)
			}
		}
		return nil
	})
	return expr, nil
}

func matchers(by []VariableDefinition, of *parser.VectorSelector) []*labels.Matcher {
	var all []*labels.Matcher
	for _, v := range by {
		if v.Name == "cluster" && slices.ContainsFunc(of.LabelMatchers, func(m *labels.Matcher) bool { return m.Name == v.Name }) {
			continue
		}
		kind := labels.MatchRegexp
		if v.One {
			kind = labels.MatchEqual
		}
		all = append(all, labels.MustNewMatcher(kind, v.Name, "$"+v.Name))
	}
	return all
}

func withCluster(kept []string) []string {
	if slices.Contains(kept, "cluster") || !slices.ContainsFunc(kept, func(label string) bool { return slices.Contains(perCluster, label) }) {
		return kept
	}
	return append([]string{"cluster"}, kept...)
}

// leaves are the labels that a query's outermost aggregation leaves, and whether there is one.
func leaves(expr parser.Expr) (left map[string]bool, aggregated bool) {
	left = map[string]bool{}
	switch e := expr.(type) {
	case *parser.ParenExpr:
		return leaves(e.Expr)
	case *parser.Call:
		if e.Func.Name == "histogram_quantile" {
			found, ok := leaves(e.Args[1])
			delete(found, "le")
			return found, ok
		}
		for _, arg := range e.Args {
			if found, ok := leaves(arg); ok {
				return found, true
			}
		}
	case *parser.BinaryExpr:
		if e.VectorMatching == nil || e.VectorMatching.Card != parser.CardOneToMany {
			if found, ok := leaves(e.LHS); ok {
				return found, true
			}
		}
		return leaves(e.RHS)
	case *parser.AggregateExpr:
		if e.Op == parser.TOPK {
			return leaves(e.Expr)
		}
		for _, label := range e.Grouping {
			left[label] = true
		}
		return left, true
	}
	return left, false
}

// legend names the cluster where a query keeps it. Without several clusters the label is missing, and nothing is added.
func legend(text string, expr parser.Expr) string {
	left, aggregated := leaves(expr)
	if text == "" || strings.Contains(text, "{{cluster}}") || aggregated && !left["cluster"] {
		return text
	}
	return text + " {{cluster}}"
}
