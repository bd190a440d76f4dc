package dashboards

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"strings"

	"go.yaml.in/yaml/v3"
)

//go:embed *.yaml
var files embed.FS

// Definition is one dashboard as it stands in a file of this folder.
type Definition struct {
	// Name of the file without its ending; the dashboard's uid is outrider-NAME.
	Name string `yaml:"-"`
	// Title as Grafana lists it.
	Title string
	// Description in a sentence.
	Description string
	// Instances is a series that every instance has, such as redis_up: it gives the variables namespace and pod.
	Instances string
	// Variables beside those of Instances, each of which may use the ones before it.
	Variables []VariableDefinition
	// Rows from top to bottom.
	Rows []RowDefinition
}

// VariableDefinition is a choice at the top of the dashboard: the values of a label.
type VariableDefinition struct {
	// Name as $name in queries; it is also the label whose values there are to choose from, unless Label says otherwise.
	Name string
	// Label whose values there are to choose from. Default Name.
	Label string
	// Series that have the label.
	Series string
	// One allows a single choice only. Default false: several, and "All" at first.
	One bool
}

// RowDefinition is a titled group of panels.
type RowDefinition struct {
	Title  string
	Panels []PanelDefinition
}

// PanelDefinition is one panel. Its place follows from its kind and from what stands beside it.
type PanelDefinition struct {
	// Title in a few words.
	Title string
	// Description in a sentence: what it shows, or what to do about it.
	Description string
	// Kind is timeseries, stat, table or heatmap. Default timeseries.
	Kind string
	// Unit by Grafana's own name. Default short.
	Unit string
	// Stack puts the series of a timeseries on top of one another.
	Stack bool
	// Max of the axis. Default none.
	Max *float64
	// Alarm colours the value red: ">0" from above 0 (at least 1 for whole numbers), "<1" below 1. Default never.
	Alarm string
	// Expr and Legend are the only query, where there is one.
	Expr, Legend string
	// Queries where there are several.
	Queries []QueryDefinition
	// Link opens another dashboard from a value, with this row's or series' label chosen there.
	Link *LinkDefinition
}

// QueryDefinition is one query of a panel, and in a table one column.
type QueryDefinition struct {
	// Expr in PromQL.
	Expr string
	// Legend of the series, such as {{pod}}; in a table the title of the column.
	Legend string
	// Unit of the column, where it is not the panel's.
	Unit string
	// Alarm of the column, as in PanelDefinition.
	Alarm string
}

// LinkDefinition leads to a dashboard.
type LinkDefinition struct {
	// To is its name.
	To string
	// Variable of that dashboard, and label of this series, that is handed on.
	Variable string
}

// Definitions reads all dashboards, sorted by name. A key that is not one of Definition's is an error.
func Definitions() ([]Definition, error) {
	names, err := fs.Glob(files, "*.yaml")
	if err != nil {
		return nil, err
	}
	var all []Definition
	for _, name := range names {
		raw, err := files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		d := Definition{Name: strings.TrimSuffix(name, ".yaml")}
		decoder := yaml.NewDecoder(bytes.NewReader(raw))
		decoder.KnownFields(true)
		if err := decoder.Decode(&d); err != nil {
			return nil, fmt.Errorf("decode %s: %w", name, err)
		}
		all = append(all, d)
	}
	return all, nil
}

// variables are all choices, in the order in which they stand.
func (d Definition) variables() []VariableDefinition {
	if d.Instances == "" {
		return d.Variables
	}
	selector := "{"
	if head, ok := strings.CutSuffix(d.Instances, "}"); ok { // a selector of its own goes on
		selector, d.Instances = ",", head
	}
	namespace := VariableDefinition{Name: "namespace", Series: d.Instances}
	if selector == "," {
		namespace.Series += "}"
	}
	pod := VariableDefinition{Name: "pod", Series: d.Instances + selector + `namespace=~"$namespace"}`}
	return append([]VariableDefinition{namespace, pod}, d.Variables...)
}

// queries are a panel's, however they are written.
func (p PanelDefinition) queries() []QueryDefinition {
	if p.Expr != "" {
		return append([]QueryDefinition{{Expr: p.Expr, Legend: p.Legend}}, p.Queries...)
	}
	return p.Queries
}
