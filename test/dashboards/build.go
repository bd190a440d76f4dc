package dashboards

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// Tag is what all our dashboards have, and what the menu on each of them lists.
const Tag = "outrider"

const schemaVersion = 41

var source = Datasource{Type: "prometheus", UID: "${datasource}"}

// JSON is the dashboard as the chart has it: one line, with an end.
func (d Definition) JSON() ([]byte, error) {
	m, err := d.Model()
	if err != nil {
		return nil, fmt.Errorf("dashboard %s: %w", d.Name, err)
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false) // it is never part of a page's source, and > is in many a query
	if err := encoder.Encode(m); err != nil {
		return nil, fmt.Errorf("encode dashboard %s: %w", d.Name, err)
	}
	return b.Bytes(), nil
}

// Model builds the dashboard.
func (d Definition) Model() (Model, error) {
	m := Model{
		UID:           "outrider-" + d.Name,
		Title:         "Outrider / " + d.Title,
		Description:   d.Description,
		Tags:          []string{Tag},
		SchemaVersion: schemaVersion,
		Editable:      true,
		GraphTooltip:  1, // the cursor's moment is shown in every panel
		Refresh:       "30s",
		Time:          TimeRange{From: "now-1h", To: "now"},
		Annotations:   Annotations{List: []any{}},
		Links:         []Link{{Title: "Outrider", Type: "dashboards", Tags: []string{Tag}, AsDropdown: true, KeepTime: true}},
		Templating: Templating{List: []Variable{{
			Name: "datasource", Type: "datasource", Label: "Data source", Query: "prometheus", Refresh: 1, Current: &Current{},
		}}},
	}
	variables, err := d.variables()
	if err != nil {
		return Model{}, err
	}
	for _, v := range variables {
		m.Templating.List = append(m.Templating.List, v.build())
	}
	y := 0
	for _, row := range d.Rows {
		closed := false
		m.Panels = append(m.Panels, Panel{
			ID: len(m.Panels) + 1, Type: "row", Title: row.Title, Collapsed: &closed, Panels: &[]Panel{}, GridPos: GridPos{Y: y, W: width, H: 1},
		})
		y++
		for _, line := range lines(row.Panels) {
			x := 0
			for i, p := range line {
				limits, err := d.limits(p)
				if err != nil {
					return Model{}, err
				}
				panel, err := p.build(limits)
				if err != nil {
					return Model{}, fmt.Errorf("panel %q: %w", p.Title, err)
				}
				panel.ID = len(m.Panels) + 1
				panel.GridPos = GridPos{X: x, Y: y, W: share(len(line), i), H: p.height()}
				x += panel.GridPos.W
				m.Panels = append(m.Panels, panel)
			}
			y += line[0].height()
		}
	}
	return m, nil
}

func (v VariableDefinition) build() Variable {
	label := v.Label
	if label == "" {
		label = v.Name
	}
	query := fmt.Sprintf("label_values(%s, %s)", v.Series, label)
	built := Variable{
		Name: v.Name, Type: "query", Label: strings.ToUpper(v.Name[:1]) + v.Name[1:], Datasource: &source,
		Query: VariableQuery{Query: query, RefID: "PrometheusVariableQueryEditor-VariableQuery", Type: 1}, Definition: query,
		Refresh: 2, // when the time range changes
		Sort:    1, // by name
		Multi:   !v.One, IncludeAll: !v.One, Current: &Current{},
	}
	if !v.One {
		built.Current = &Current{Text: []string{"All"}, Value: []string{All}}
		if v.Name != "job" { // all jobs are those of the variable: another program's process_cpu_seconds_total is not among them
			built.AllValue = ".*"
		}
	}
	return built
}
