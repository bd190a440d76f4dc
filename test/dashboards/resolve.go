package dashboards

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
)

// All is how Grafana writes that every value of a variable is chosen.
const All = "$__all"

// Expression is what a panel asks, or a variable.
type Expression struct {
	// Asks is the panel's title, or the variable's name with a $ before it.
	Asks string
	// PromQL with every variable filled in.
	PromQL string
	// Written is the query before.
	Written string
	// MayBeEmpty holds where the panel's description says what no data means.
	MayBeEmpty bool
}

// Query asks a Prometheus for what an expression gives now.
type Query func(promql string) (model.Vector, error)

// Answers is what Prometheus gave for a dashboard.
type Answers struct {
	// Shown are the expressions that gave series, Quiet those that gave none and whose panel says why, Silent the others.
	Shown, Quiet, Silent []Expression
}

// Queries is how many there are in all panels.
func (m Model) Queries() int {
	n := 0
	for _, p := range m.Panels {
		n += len(p.Targets)
	}
	return n
}

// Ask asks for every variable and every query of every panel. A value that is no number is nothing: Grafana draws no line for it.
func (m Model) Ask(rate string, query Query) (Answers, error) {
	all, err := m.Expressions(rate, query)
	if err != nil {
		return Answers{}, err
	}
	var a Answers
	for _, e := range all {
		vector, err := query(e.PromQL)
		if err != nil {
			return Answers{}, fmt.Errorf("%s of %s: %w", e.Asks, m.UID, err)
		}
		switch {
		case slices.ContainsFunc(vector, func(s *model.Sample) bool { return !math.IsNaN(float64(s.Value)) }):
			a.Shown = append(a.Shown, e)
		case e.MayBeEmpty:
			a.Quiet = append(a.Quiet, e)
		default:
			a.Silent = append(a.Silent, e)
		}
	}
	return a, nil
}

var labelValues = regexp.MustCompile(`^label_values\((.+), *([a-zA-Z_][a-zA-Z0-9_]*)\)$`)

// reference is each way of Grafana's to write a variable. A $1 is label_replace's.
var reference = regexp.MustCompile(`\$\{?([a-zA-Z_]\w*)\}?|\[\[(\w+)\]\]`)

// Expressions fills in the variables as Grafana does when the dashboard is opened: each has all of its values, or the first
// where only one can be chosen; $__rate_interval is rate, in Prometheus' notation. A variable without values is filled in
// as nothing, so that its panels find nothing. A reference to a variable that the dashboard lacks is an error.
func (m Model) Expressions(rate string, query Query) ([]Expression, error) {
	known := map[string]string{"__rate_interval": rate}
	var all []Expression
	for _, v := range m.Templating.List {
		if v.Type != "query" {
			continue
		}
		parts := labelValues.FindStringSubmatch(v.Definition)
		if parts == nil {
			return nil, fmt.Errorf("variable %s: %q is not label_values(series, label)", v.Name, v.Definition)
		}
		series, err := fill(parts[1], known)
		if err != nil {
			return nil, fmt.Errorf("variable %s: %w", v.Name, err)
		}
		// vector(0) has no labels: what has not got this one either is not among the values.
		e := Expression{Asks: "$" + v.Name, Written: v.Definition, PromQL: fmt.Sprintf("group by (%s) (%s) unless on (%[1]s) vector(0)", parts[2], series)}
		e.MayBeEmpty = v.Name == "cluster" // only a Prometheus that collects from several clusters has the label
		vector, err := query(e.PromQL)
		if err != nil {
			return nil, fmt.Errorf("values of variable %s: %w", v.Name, err)
		}
		known[v.Name] = chosen(vector, model.LabelName(parts[2]), v.IncludeAll)
		if v.AllValue != "" {
			known[v.Name] = v.AllValue
		}
		all = append(all, e)
	}
	for _, p := range m.Panels {
		for _, t := range p.Targets {
			promql, err := fill(t.Expr, known)
			if err != nil {
				return nil, fmt.Errorf("panel %q: %w", p.Title, err)
			}
			all = append(all, Expression{Asks: p.Title, PromQL: promql, Written: t.Expr, MayBeEmpty: strings.Contains(p.Description, empty)})
		}
	}
	return all, nil
}

// Choosing is the dashboard with a choice made for a variable, such as cluster.
func (m Model) Choosing(variable, value string) Model {
	m.Templating.List = slices.Clone(m.Templating.List)
	for i := range m.Templating.List {
		if v := &m.Templating.List[i]; v.Name == variable {
			v.AllValue = quoted(value)
		}
	}
	return m
}

// chosen is a variable's text in a query: one value, or a regular expression for all of them.
func chosen(vector model.Vector, label model.LabelName, all bool) string {
	var values []string
	for _, s := range vector {
		values = append(values, string(s.Metric[label]))
	}
	slices.Sort(values)
	if len(values) == 0 {
		return ""
	}
	if !all {
		return quoted(values[0])
	}
	for i, v := range values {
		values[i] = quoted(regexp.QuoteMeta(v))
	}
	if len(values) == 1 {
		return values[0]
	}
	return "(" + strings.Join(values, "|") + ")"
}

// quoted is a text as it stands between quotes in PromQL.
func quoted(s string) string { return strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) }

func fill(expr string, known map[string]string) (filled string, err error) {
	filled = reference.ReplaceAllStringFunc(expr, func(written string) string {
		parts := reference.FindStringSubmatch(written)
		value, ok := known[parts[1]+parts[2]]
		if !ok {
			err = fmt.Errorf("%s is no variable of the dashboard, in: %s", written, expr)
		}
		return value
	})
	return filled, err
}
