package rules_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/outrider-dev/outrider/test/metrics"
)

// names is a set of labels.
type names map[string]bool

func named(labels ...string) names {
	n := names{}
	for _, l := range labels {
		n[l] = true
	}
	return n
}

// with returns a copy that has more labels.
func (n names) with(labels ...string) names {
	c := maps.Clone(n)
	for _, l := range labels {
		c[l] = true
	}
	return c
}

// known derives which labels the result of an expression may have, and collects what cannot be.
type known struct {
	series map[string]names // labels by the name of the series
	errs   []string
}

func newKnown(t *testing.T) *known {
	t.Helper()
	all, err := metrics.All()
	if err != nil {
		t.Fatal(err)
	}
	k := &known{series: map[string]names{}}
	for name, own := range all {
		k.series[name] = named(slices.Concat(own, metrics.Scraped)...)
	}
	return k
}

func (k *known) fail(format string, args ...any) {
	k.errs = append(k.errs, fmt.Sprintf(format, args...))
}

// need holds that labels are among those there are.
func (k *known) need(have names, what string, labels ...string) {
	for _, l := range labels {
		if !have[l] {
			k.fail("%s: there is no label %s, only %v", what, l, slices.Sorted(maps.Keys(have)))
		}
	}
}

// labels are those that the result of an expression may have.
func (k *known) labels(e parser.Expr) names {
	switch e := e.(type) {
	case *parser.VectorSelector:
		return k.selector(e)
	case *parser.MatrixSelector:
		return k.labels(e.VectorSelector)
	case *parser.ParenExpr:
		return k.labels(e.Expr)
	case *parser.UnaryExpr:
		return k.labels(e.Expr)
	case *parser.SubqueryExpr:
		return k.labels(e.Expr)
	case *parser.AggregateExpr:
		return k.aggregate(e)
	case *parser.BinaryExpr:
		return k.binary(e)
	case *parser.Call:
		return k.call(e)
	}
	return names{} // numbers and texts
}

func (k *known) selector(e *parser.VectorSelector) names {
	have, ok := k.series[e.Name]
	if !ok {
		k.fail("nothing is known to expose %q", e.Name)
		return names{}
	}
	for _, m := range e.LabelMatchers {
		if m.Name != "__name__" {
			k.need(have, e.Name, m.Name)
		}
	}
	return have
}

func (k *known) aggregate(e *parser.AggregateExpr) names {
	have := k.labels(e.Expr)
	if e.Op == parser.COUNT_VALUES {
		made := e.Param.(*parser.StringLiteral).Val
		return k.group(have.with(made), append(e.Grouping, made))
	}
	if e.Without {
		k.need(have, "without", e.Grouping...)
		rest := maps.Clone(have)
		for _, l := range e.Grouping {
			delete(rest, l)
		}
		return rest
	}
	return k.group(have, e.Grouping)
}

func (k *known) group(have names, by []string) names {
	k.need(have, "by", by...)
	return named(by...)
}

func (k *known) binary(e *parser.BinaryExpr) names {
	left, right := k.labels(e.LHS), k.labels(e.RHS)
	m := e.VectorMatching
	if m == nil { // one side is a number
		if e.LHS.Type() == parser.ValueTypeScalar {
			return right
		}
		return left
	}
	what := "ignoring"
	if m.On {
		what = "on"
	}
	k.need(left, what+" (left)", m.MatchingLabels...)
	k.need(right, what+" (right)", m.MatchingLabels...)
	k.need(right, "group_left", m.Include...)
	switch {
	case e.Op == parser.LOR:
		return left.with(slices.Collect(maps.Keys(right))...)
	case e.Op.IsSetOperator(), e.Op.IsComparisonOperator():
		return left
	case m.Card == parser.CardOneToOne && m.On:
		return named(m.MatchingLabels...)
	}
	return left.with(m.Include...)
}

func (k *known) call(e *parser.Call) names {
	have := names{}
	for _, arg := range e.Args {
		if t := arg.Type(); t == parser.ValueTypeVector || t == parser.ValueTypeMatrix {
			have = k.labels(arg)
		}
	}
	switch e.Func.Name {
	case "label_replace":
		if from := e.Args[3].(*parser.StringLiteral).Val; from != "" { // else the label is set to a constant
			k.need(have, "label_replace", from)
		}
		have = have.with(e.Args[1].(*parser.StringLiteral).Val)
	case "histogram_quantile":
		k.need(have, "histogram_quantile", "le")
		have = maps.Clone(have)
		delete(have, "le")
	}
	return have
}

// learn adds what a rule records, to what rules of the same name do.
func (k *known) learn(r rule, labels names) {
	before := slices.Collect(maps.Keys(k.series[r.Record]))
	k.series[r.Record] = labels.with(slices.Concat(before, slices.Collect(maps.Keys(r.Labels)))...)
}

var usedLabel = regexp.MustCompile(`\$labels\.(\w+)`)

// A name that does not exist is no error to Prometheus: the alert just never fires, or has a hole in its text.
func TestNamesExist(t *testing.T) {
	k := newKnown(t)
	rules := rulesOf(t)
	for _, r := range rules { // twice, since records use each other, and alerts remember themselves
		if r.Record == "" {
			r.Record = "ALERTS"
		}
		k.learn(r, k.labels(parse(t, r.Expr)))
	}
	for _, r := range rules {
		k.errs = nil
		have := k.labels(parse(t, r.Expr))
		if r.Record != "" {
			k.learn(r, have)
		}
		have = have.with(slices.Collect(maps.Keys(r.Labels))...)
		for _, text := range r.Annotations {
			for _, used := range usedLabel.FindAllStringSubmatch(text, -1) {
				k.need(have, "annotations", used[1])
			}
		}
		for _, err := range k.errs {
			t.Errorf("%s: %s", r.Record+r.Alert, err)
		}
	}
}

// What a test feeds to a rule must be what the component exposes, or the test holds nothing.
func TestSeriesOfTestsExist(t *testing.T) {
	k := newKnown(t)
	files := suites(t)
	maps.Copy(files, situations(t))
	for path, s := range files {
		for _, test := range s.Tests {
			for _, in := range test.Series {
				if in.Series == "unrelated" {
					continue
				}
				k.errs = nil
				k.selector(parse(t, in.Series).(*parser.VectorSelector))
				if len(k.errs) > 0 {
					t.Errorf("%s: %s: %s", path, test.Name, strings.Join(k.errs, "; "))
				}
			}
		}
	}
}
