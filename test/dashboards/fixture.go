package dashboards

import (
	"errors"
	"fmt"
	"regexp/syntax"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/outrider-dev/outrider/test/metrics"
)

// Series is a made-up series.
type Series struct {
	Labels labels.Labels
	// Value is its value in the i-th minute.
	Value func(i int) float64
}

// Fixture returns a series for everything that the selectors of a query ask for, in two clusters with the same two
// namespaces, each with a pod of the same name. known are the labels of metrics. A query that cannot be read, and a matcher for
// which there is no value, are errors.
func Fixture(query string, known metrics.Set) ([]Series, error) {
	expr, err := parse(query)
	if err != nil {
		return nil, err
	}
	var all []Series
	seen := map[string]bool{}
	var problems []error
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		selector, ok := node.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		for _, cluster := range []string{"east", "west"} {
			for _, namespace := range []string{"shop", "staging"} {
				for _, le := range []string{"0.1", "1", "+Inf"} {
					name, err := seriesOf(selector, known, cluster, namespace, le)
					if err != nil {
						problems = append(problems, err)
					} else if !seen[name.String()] {
						seen[name.String()] = true
						all = append(all, Series{name, valueOf(selector.Name, le, namespace)})
					}
				}
			}
		}
		return nil
	})
	return all, errors.Join(problems...)
}

// Filled returns the panels' queries with every variable filled in: every cluster and namespace, or the first where only one can be
// chosen, and five minutes as the interval of rates.
func (m Model) Filled() ([]string, error) {
	var all []string
	for _, p := range m.Panels {
		for _, target := range p.Targets {
			query, err := fill(target.Expr, chosenIn(m))
			if err != nil {
				return nil, err
			}
			all = append(all, query)
		}
	}
	return all, nil
}

// chosenIn fills in a built dashboard's variables: every cluster and namespace, or the first where only one can be chosen.
func chosenIn(m Model) map[string]string {
	known := map[string]string{rateInterval[1:]: "5m"}
	for _, v := range m.Templating.List {
		switch {
		case v.IncludeAll:
			known[v.Name] = ".*"
		case v.Name == "namespace":
			known[v.Name] = "shop"
		default:
			known[v.Name] = "x"
		}
	}
	return known
}

// seriesOf is one series that a selector matches. What belongs to a node or to the cluster has no namespace.
func seriesOf(s *parser.VectorSelector, known metrics.Set, cluster, namespace, le string) (labels.Labels, error) {
	values := map[string]string{}
	for _, label := range slices.Concat(known[s.Name], metrics.Scraped) {
		values[label] = "x"
	}
	if _, ok := values["le"]; ok {
		values["le"] = le
	}
	values["namespace"] = namespace
	if own := known[s.Name]; !slices.Contains(own, "namespace") { // it is the target's
		values["instance"] = namespace
		if slices.Contains(own, "node") || strings.HasPrefix(s.Name, "node_") || strings.HasPrefix(s.Name, "apiserver_") {
			values["namespace"], values["instance"] = "x", "x"
		}
	}
	for _, m := range s.LabelMatchers {
		if m.Matches(values[m.Name]) && m.Name != "__name__" {
			continue
		}
		value, ok := example(m)
		if !ok {
			return labels.EmptyLabels(), fmt.Errorf("no value for %s", m)
		}
		values[m.Name] = value
	}
	values["cluster"] = cluster
	return labels.FromMap(values), nil
}

// example is a value that a matcher takes.
func example(m *labels.Matcher) (string, bool) {
	candidates := []string{m.Value, "x", "a", "true"}
	if m.Type == labels.MatchRegexp {
		if re, err := syntax.Parse(m.Value, syntax.Perl); err == nil {
			candidates = append(candidates, shortest(re.Simplify()))
		}
	}
	i := slices.IndexFunc(candidates, m.Matches)
	if i < 0 {
		return "", false
	}
	return candidates[i], true
}

// shortest is about the shortest text that a regular expression matches.
func shortest(re *syntax.Regexp) string {
	switch re.Op {
	case syntax.OpLiteral:
		return string(re.Rune)
	case syntax.OpCapture, syntax.OpPlus:
		return shortest(re.Sub[0])
	case syntax.OpAlternate:
		return shortest(re.Sub[0])
	case syntax.OpConcat:
		var b strings.Builder
		for _, sub := range re.Sub {
			b.WriteString(shortest(sub))
		}
		return b.String()
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return "x"
	case syntax.OpCharClass:
		return string(re.Rune[0])
	}
	return ""
}

// valueOf grows for a counter, and is 1 for the gauges that stand for something being there. The targets of staging are down.
func valueOf(name, le, namespace string) func(i int) float64 {
	if name == "up" && namespace == "staging" {
		return func(int) float64 { return 0 }
	}
	buckets := map[string]float64{"0.1": 1, "1": 2, "+Inf": 3}
	for _, suffix := range []string{"_total", "_count", "_sum", "_bucket"} {
		if strings.HasSuffix(name, suffix) {
			return func(i int) float64 {
				if suffix == "_bucket" {
					return float64(i) * buckets[le]
				}
				return float64(i)
			}
		}
	}
	if strings.HasPrefix(name, "kube_") || strings.HasSuffix(name, "_up") || name == "up" {
		return func(int) float64 { return 1 }
	}
	return func(i int) float64 { return 1 + float64(i)/1000 } // many a counter has no ending
}
