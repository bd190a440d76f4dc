package dashboards

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/outrider-dev/outrider/test/metrics"
)

// some are values that would break a query if they were not written as Grafana writes them.
func some(promql string) (model.Vector, error) {
	_, label, _ := strings.Cut(promql, "group by (")
	label, _, _ = strings.Cut(label, ")")
	var vector model.Vector
	for _, value := range []model.LabelValue{`c"d\e`, `a.b`} {
		vector = append(vector, &model.Sample{Metric: model.Metric{model.LabelName(label): value}, Value: 1})
	}
	return vector, nil
}

// TestQueries reads every query with Prometheus' own parser, and holds every metric and label in it against those that
// have been seen.
func TestQueries(t *testing.T) {
	known, err := metrics.All()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, d := range definitions(t) {
		t.Run(d.Name, func(t *testing.T) {
			text, err := d.JSON()
			if err != nil {
				t.Fatal(err)
			}
			m, err := Read(string(text))
			if err != nil {
				t.Fatal(err)
			}
			expressions, err := m.Expressions("1m", some)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range expressions {
				n++
				expr, err := parser.NewParser(parser.Options{}).ParseExpr(e.PromQL)
				if err != nil {
					t.Errorf("panel %q: %v\n%s", e.Asks, err, e.PromQL)
					continue
				}
				for _, wrong := range unknown(expr, known) {
					t.Errorf("panel %q: %s\n%s", e.Asks, wrong, e.Written)
				}
			}
		})
	}
	t.Logf("%d queries", n)
}

// scraped are the labels that no component has of its own. A Prometheus that collects from several clusters adds cluster.
var scraped = append([]string{"cluster"}, metrics.Scraped...)

// unknown lists the metrics and labels that an expression asks for and nobody has.
func unknown(expr parser.Expr, known metrics.Set) (wrong []string) {
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		switch node := node.(type) {
		case *parser.VectorSelector:
			has, ok := known[node.Name]
			if !ok {
				wrong = append(wrong, fmt.Sprintf("no component has been seen to have a metric %q", node.Name))
				return nil
			}
			for _, m := range node.LabelMatchers {
				if m.Name != "__name__" && !slices.Contains(has, m.Name) && !slices.Contains(scraped, m.Name) {
					wrong = append(wrong, fmt.Sprintf("%s has no label %s, only %v", node.Name, m.Name, has))
				}
			}
		case *parser.AggregateExpr:
			has := labelsOf(node.Expr, known)
			for _, label := range node.Grouping {
				if !has[label] {
					wrong = append(wrong, fmt.Sprintf("nothing in %s has a label %s, only %v", node.Expr, label, slices.Sorted(maps.Keys(has))))
				}
			}
		}
		return nil
	})
	return wrong
}

// labelsOf are the labels that some series of an expression may have.
func labelsOf(expr parser.Expr, known metrics.Set) map[string]bool {
	has := map[string]bool{}
	for _, label := range scraped {
		has[label] = true
	}
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		switch node := node.(type) {
		case *parser.VectorSelector:
			for _, label := range known[node.Name] {
				has[label] = true
			}
		case *parser.Call:
			if node.Func.Name == "label_replace" {
				has[node.Args[1].(*parser.StringLiteral).Val] = true
			}
		}
		return nil
	})
	return has
}

// linked is the variable of a link's address.
var linked = regexp.MustCompile(`(?:labels|fields)\.(\w+)`)

// TestLegends holds that a legend names labels only that the query leaves, and so does a link.
func TestLegends(t *testing.T) {
	for _, d := range definitions(t) {
		m, err := d.Model()
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range m.Panels {
			for _, target := range p.Targets {
				expr, err := parse(target.Expr)
				if err != nil {
					t.Fatal(err)
				}
				left, aggregated := leaves(expr)
				for _, link := range p.FieldConfig.Defaults.Links {
					if label := linked.FindStringSubmatch(link.URL)[1]; !left[label] {
						t.Errorf("%s, panel %q: %s has no label for the link %s", d.Name, p.Title, target.Expr, link.URL)
					}
				}
				for part := range strings.SplitSeq(target.LegendFormat, "{{") {
					label, _, ok := strings.Cut(part, "}}")
					if ok && aggregated && !left[label] {
						t.Errorf("%s, panel %q: legend %q names a label that the query takes away:\n%s", d.Name, p.Title, target.LegendFormat, target.Expr)
					}
				}
				if target.LegendFormat != "" && !strings.Contains(target.LegendFormat, "{{") && aggregated && len(left) > 0 {
					t.Errorf("%s, panel %q: legend %q is the same for each of %v:\n%s", d.Name, p.Title, target.LegendFormat, slices.Sorted(maps.Keys(left)), target.Expr)
				}
			}
		}
	}
}

// TestFillIn holds that variables are filled in as Grafana does.
func TestFillIn(t *testing.T) {
	m := Model{
		Templating: Templating{List: []Variable{
			{Name: "datasource", Type: "datasource", Query: "prometheus"},
			{Name: "namespace", Type: "query", Definition: "label_values(up, namespace)", Multi: true, IncludeAll: true},
			{Name: "pod", Type: "query", Definition: `label_values(up{namespace=~"$namespace"}, pod)`},
			{Name: "node", Type: "query", Definition: `label_values(up, node)`, Multi: true, IncludeAll: true, AllValue: ".*"},
		}},
		Panels: []Panel{{Title: "p", Targets: []Target{{
			Expr: `label_replace(rate(x{namespace=~"${namespace}",pod="[[pod]]",node=~"$node"}[$__rate_interval]), "a", "$1", "pod", "(.+)$")`,
		}}}},
	}
	var asked []string
	expressions, err := m.Expressions("8s", func(promql string) (model.Vector, error) {
		asked = append(asked, promql)
		return some(promql)
	})
	if err != nil {
		t.Fatal(err)
	}
	const all = `(a\\.b|c\"d\\\\e)`
	wantAsked := []string{
		"group by (namespace) (up) unless on (namespace) vector(0)",
		`group by (pod) (up{namespace=~"` + all + `"}) unless on (pod) vector(0)`,
		"group by (node) (up) unless on (node) vector(0)",
	}
	if diff := cmp.Diff(wantAsked, asked); diff != "" {
		t.Errorf("values asked for (-want +got):\n%s", diff)
	}
	want := `label_replace(rate(x{namespace=~"` + all + `",pod="a.b",node=~".*"}[8s]), "a", "$1", "pod", "(.+)$")`
	if got := expressions[len(expressions)-1].PromQL; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	m.Panels[0].Targets[0].Expr = `x{pod="$nowhere"}`
	if _, err := m.Expressions("8s", some); err == nil || !strings.Contains(err.Error(), "$nowhere is no variable of the dashboard") {
		t.Errorf("an unknown variable: %v", err)
	}
}

// TestAsk holds that what gives nothing is found: no series, or no number.
func TestAsk(t *testing.T) {
	m := Model{Panels: []Panel{
		{Title: "p", Targets: []Target{{Expr: "none"}, {Expr: "nan"}, {Expr: "zero"}, {Expr: "mixed"}}},
		{Title: "q", Description: "Explained. " + empty + "all is well.", Targets: []Target{{Expr: "none"}, {Expr: "zero"}}},
	}}
	answers := map[string]model.Vector{
		"nan":   {{Value: model.SampleValue(math.NaN())}},
		"zero":  {{Value: 0}},
		"mixed": {{Value: model.SampleValue(math.NaN())}, {Value: 1}},
	}
	got, err := m.Ask("1m", func(promql string) (model.Vector, error) { return answers[promql], nil })
	if err != nil {
		t.Fatal(err)
	}
	p := func(expr string) Expression { return Expression{Asks: "p", PromQL: expr, Written: expr} }
	q := func(expr string) Expression {
		return Expression{Asks: "q", PromQL: expr, Written: expr, MayBeEmpty: true}
	}
	want := Answers{Shown: []Expression{p("zero"), p("mixed"), q("zero")}, Quiet: []Expression{q("none")}, Silent: []Expression{p("none"), p("nan")}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := m.Ask("1m", func(string) (model.Vector, error) { return nil, errors.New("gone") }); err == nil {
		t.Error("an error of Prometheus is taken for silence")
	}
}
