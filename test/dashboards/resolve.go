package dashboards

import (
	"fmt"
	"regexp"
	"strings"
)

// All is how Grafana writes that every value of a variable is chosen.
const All = "$__all"

// Expression is what one query of a panel asks, or one variable.
type Expression struct {
	// Panel is its title, or the variable's name with a $ before it.
	Panel string
	// PromQL with every variable filled in.
	PromQL string
	// Written is the query before.
	Written string
}

// Values gives the values of a variable's label among the series of a selector, as Grafana asks for them.
type Values func(series, label string) ([]string, error)

var labelValues = regexp.MustCompile(`^label_values\((.+), *([a-zA-Z_][a-zA-Z0-9_]*)\)$`)

// reference is each way of Grafana's to write a variable, and what it defines itself.
var reference = regexp.MustCompile(`\$\{?(\w+)\}?|\[\[(\w+)\]\]`)

// Expressions fills in the variables as Grafana does when the dashboard is opened: each has all of its values, or the first
// where only one can be chosen; $__rate_interval is rateInterval, in Prometheus' notation. An error of values ends it; a
// variable without values is filled in as nothing, so that its panels find nothing.
func (m Model) Expressions(rateInterval string, values Values) ([]Expression, error) {
	known := map[string]string{"__rate_interval": rateInterval}
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
		found, err := values(series, parts[2])
		if err != nil {
			return nil, fmt.Errorf("values of variable %s: %w", v.Name, err)
		}
		known[v.Name] = chosen(found, v.IncludeAll)
		all = append(all, Expression{Panel: "$" + v.Name, PromQL: fmt.Sprintf(`count by (%s) (%s) unless on (%[1]s) vector(0)`, parts[2], series), Written: v.Definition})
	}
	for _, p := range m.Panels {
		for _, t := range p.Targets {
			promql, err := fill(t.Expr, known)
			if err != nil {
				return nil, fmt.Errorf("panel %q: %w", p.Title, err)
			}
			all = append(all, Expression{Panel: p.Title, PromQL: promql, Written: t.Expr})
		}
	}
	return all, nil
}

// chosen is a variable's text in a query.
func chosen(values []string, all bool) string {
	if len(values) == 0 {
		return ""
	}
	if !all {
		return escape(values[0], false)
	}
	escaped := make([]string, len(values))
	for i, v := range values {
		escaped[i] = escape(v, true)
	}
	if len(escaped) == 1 {
		return escaped[0]
	}
	return "(" + strings.Join(escaped, "|") + ")"
}

// escape writes a value so that it stands for itself inside of quotes, and there in a regular expression.
func escape(value string, pattern bool) string {
	if pattern {
		value = regexp.QuoteMeta(value)
	}
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value)
}

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
