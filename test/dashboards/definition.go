package dashboards

import (
	"bytes"
	"cmp"
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/outrider-dev/outrider/sidecars"
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
	// Instances is a series that every instance has, such as redis_up: it gives the variables job, namespace and pod, and
	// every query is limited to what is chosen there.
	Instances string
	// Identity is the label that tells instances of a namespace apart. Default pod.
	Identity string
	// Clusters is the series whose label cluster there is to choose from. Default Instances, or up without.
	Clusters string
	// Variables beside cluster and those of Instances, each of which may use the ones before it.
	Variables []VariableDefinition
	// Needs is what the panels need and the test cluster cannot run, and why: "a Kafka broker: it is a Java program." Default nothing.
	Needs string
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
	// Alarm is what is bad: ">0" is above 0 (at least 1 for whole numbers), "<1" below 1. It colors the value of a stat or a
	// table red; in a timeseries it draws a line, and above 0 the series themselves are red. Default nothing.
	Alarm string
	// Empty completes "No data means that", where a panel shows nothing in a healthy system, such as "no container waits".
	Empty string
	// Everything asks for all of the cluster, whatever instances are chosen. Default false.
	Everything bool
	// Expr and Legend are the only query, where there is one.
	Expr, Legend string
	// Queries where there are several.
	Queries []QueryDefinition
	// Link opens another dashboard from a value, with this row's or series' label chosen there.
	Link *LinkDefinition
}

// QueryDefinition is one query of a panel, and in a table one column.
type QueryDefinition struct {
	// Expr in PromQL. reservedJobs stands for the regular expression of the stack's own jobs.
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

// Models builds all dashboards, sorted by name.
func Models() ([]Model, error) {
	definitions, err := Definitions()
	if err != nil {
		return nil, err
	}
	var all []Model
	for _, d := range definitions {
		m, err := d.Model()
		if err != nil {
			return nil, fmt.Errorf("dashboard %s: %w", d.Name, err)
		}
		all = append(all, m)
	}
	return all, nil
}

// variables are all choices, in the order in which they stand. Cluster comes first: it limits every query of the dashboard.
func (d Definition) variables() ([]VariableDefinition, error) {
	series := cmp.Or(d.Clusters, d.Instances, "up")
	all := []VariableDefinition{{Name: "cluster", Series: series}}
	if d.Instances != "" {
		for _, name := range []string{"job", "namespace", cmp.Or(d.Identity, "pod")} {
			expr, err := limited(d.Instances, all)
			if err != nil {
				return nil, err
			}
			all = append(all, VariableDefinition{Name: name, Series: expr.String()})
		}
	}
	for _, v := range d.Variables {
		expr, err := limited(v.Series, all[:1])
		if err != nil {
			return nil, err
		}
		v.Series = expr.String()
		all = append(all, v)
	}
	return all, nil
}

// limits are the variables that a panel's queries are limited to without saying so.
func (d Definition) limits(p PanelDefinition) ([]VariableDefinition, error) {
	all, err := d.variables()
	if err != nil || d.Instances != "" && !p.Everything {
		return all, err
	}
	return all[:1], nil
}

// queries are a panel's, however they are written.
func (p PanelDefinition) queries() []QueryDefinition {
	all := slices.Clone(p.Queries)
	if p.Expr != "" {
		all = slices.Insert(all, 0, QueryDefinition{Expr: p.Expr, Legend: p.Legend})
	}
	for i := range all {
		all[i].Expr = strings.ReplaceAll(all[i].Expr, "reservedJobs", sidecars.ReservedJobs())
	}
	return all
}
