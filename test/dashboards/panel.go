package dashboards

import (
	"fmt"
	"strconv"
)

// width of Grafana's grid.
const width = 24

// kinds of panels: how many stand in a line, and how high they are.
var kinds = map[string]struct{ perLine, height int }{
	"timeseries": {3, 8},
	"heatmap":    {3, 8},
	"table":      {2, 9},
	"stat":       {6, 4},
}

func (p PanelDefinition) kind() string {
	if p.Kind == "" {
		return "timeseries"
	}
	return p.Kind
}

func (p PanelDefinition) height() int { return kinds[p.kind()].height }

// lines puts panels that follow one another and are equally high into as few lines as their kind allows, and as many into
// each as into the others.
func lines(panels []PanelDefinition) [][]PanelDefinition {
	var all [][]PanelDefinition
	for len(panels) > 0 {
		run := 1
		for run < len(panels) && panels[run].height() == panels[0].height() {
			run++
		}
		perLine := max(kinds[panels[0].kind()].perLine, 1)
		count := (run + perLine - 1) / perLine
		for i := range count {
			n := (run + i) / count // the longer lines come last
			all = append(all, panels[:n])
			panels = panels[n:]
		}
	}
	return all
}

// share is the width of the i-th of n panels in a line.
func share(n, i int) int { return (i+1)*width/n - i*width/n }

func (p PanelDefinition) build(limits []VariableDefinition) (Panel, error) {
	kind := p.kind()
	if _, ok := kinds[kind]; !ok {
		return Panel{}, fmt.Errorf("kind %q is none of timeseries, stat, table and heatmap", p.Kind)
	}
	defaults := FieldDefaults{Unit: p.unit(), Max: p.Max}
	if p.Alarm != "" {
		alarm, err := thresholds(p.Alarm)
		if err != nil {
			return Panel{}, err
		}
		defaults.Thresholds = alarm
	}
	if p.Link != nil {
		defaults.Links = []Link{p.Link.build(kind)}
	}
	targets, err := p.targets(limits)
	if err != nil {
		return Panel{}, err
	}
	built := Panel{Type: kind, Title: p.Title, Description: p.description(), Datasource: &source, Targets: targets}
	switch kind {
	case "timeseries":
		zero := 0.0
		defaults.Min = &zero
		defaults.Custom = map[string]any{"fillOpacity": 10, "showPoints": "never"}
		if p.Stack {
			defaults.Custom = map[string]any{"fillOpacity": 30, "showPoints": "never", "stacking": map[string]any{"mode": "normal"}}
		}
		if p.Alarm == ">0" { // whatever is drawn here is bad
			defaults.Thresholds, defaults.Color = nil, map[string]any{"mode": "shades", "fixedColor": "red"}
		} else if p.Alarm != "" {
			defaults.Custom["thresholdsStyle"] = map[string]any{"mode": "dashed"}
		}
		built.Options = map[string]any{"tooltip": map[string]any{"mode": "multi", "sort": "desc"}}
	case "stat":
		if p.Alarm == "" { // Grafana's own thresholds are red from 80
			defaults.Thresholds = &Thresholds{Mode: "absolute", Steps: []Step{{Color: "blue"}}}
		}
		defaults.Color = map[string]any{"mode": "thresholds"}
		built.Options = map[string]any{"graphMode": "none"}
		if p.Alarm != "" {
			built.Options["colorMode"] = "background"
		}
	case "heatmap":
		built.Options = map[string]any{"calculate": false, "yAxis": map[string]any{"unit": p.unit()}, "color": map[string]any{"scheme": "Oranges", "steps": 64}}
	}
	built.FieldConfig = &FieldConfig{Defaults: defaults, Overrides: []Override{}}
	if kind == "table" {
		return p.asTable(built)
	}
	return built, nil
}

func (p PanelDefinition) unit() string {
	if p.Unit == "" {
		return "short"
	}
	return p.Unit
}

// empty begins the sentence about a panel that shows nothing.
const empty = "No data means that "

func (p PanelDefinition) description() string {
	if p.Empty == "" {
		return p.Description
	}
	return p.Description + " " + empty + p.Empty + "."
}

func (p PanelDefinition) targets(limits []VariableDefinition) ([]Target, error) {
	var targets []Target
	for i, q := range p.queries() {
		expr, err := limited(q.Expr, limits)
		if err != nil {
			return nil, err
		}
		t := Target{RefID: refID(i), Expr: written(expr)}
		switch p.kind() {
		case "timeseries":
			t.Range, t.LegendFormat = true, legend(q.Legend, expr)
		case "heatmap":
			t.Range, t.LegendFormat, t.Format = true, "{{le}}", "heatmap"
		case "table":
			t.Instant, t.Format = true, "table"
		default:
			t.Instant, t.LegendFormat = true, legend(q.Legend, expr)
		}
		targets = append(targets, t)
	}
	return targets, nil
}

func refID(i int) string { return string(rune('A' + i)) }

// asTable makes one column of each query, and one row of what has the same labels.
func (p PanelDefinition) asTable(built Panel) (Panel, error) {
	rename := map[string]any{}
	for i, q := range p.queries() {
		value := "Value"
		if len(p.queries()) > 1 {
			value = "Value #" + refID(i)
		}
		rename[value] = q.Legend
		var properties []Property
		if q.Unit != "" {
			properties = append(properties, Property{"unit", q.Unit})
		}
		if q.Alarm != "" {
			alarm, err := thresholds(q.Alarm)
			if err != nil {
				return Panel{}, err
			}
			properties = append(properties, Property{"thresholds", alarm}, Property{"custom.cellOptions", map[string]any{"type": "color-text"}})
		}
		if len(properties) > 0 {
			built.FieldConfig.Overrides = append(built.FieldConfig.Overrides, Override{Matcher{"byName", q.Legend}, properties})
		}
	}
	built.Transformations = []Transformation{
		{ID: "merge", Options: map[string]any{}},
		{ID: "organize", Options: map[string]any{"excludeByName": map[string]any{"Time": true}, "renameByName": rename}},
	}
	return built, nil
}

// thresholds are those of an alarm such as ">0" or "<1".
func thresholds(alarm string) (*Thresholds, error) {
	if len(alarm) < 2 || alarm[0] != '>' && alarm[0] != '<' {
		return nil, fmt.Errorf("alarm %q is neither >NUMBER nor <NUMBER", alarm)
	}
	at, err := strconv.ParseFloat(alarm[1:], 64)
	if err != nil {
		return nil, fmt.Errorf("alarm %q: %w", alarm, err)
	}
	below, above := "green", "red"
	if alarm[0] == '<' {
		below, above = above, below
	} else if at == 0 {
		at = 1e-9 // a step begins at its value: 0 itself is not yet red
	}
	return &Thresholds{Mode: "absolute", Steps: []Step{{Color: below}, {Color: above, Value: &at}}}, nil
}

func (l LinkDefinition) build(kind string) Link {
	label := "${__field.labels." + l.Variable + "}"
	if kind == "table" {
		label = "${__data.fields." + l.Variable + "}"
	}
	return Link{Title: "Show this " + l.Variable, URL: fmt.Sprintf("/d/outrider-%s?var-%s=%s&${cluster:queryparam}&${datasource:queryparam}&${__url_time_range}", l.To, l.Variable, label)}
}
