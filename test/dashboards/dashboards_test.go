package dashboards

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/outrider-dev/outrider/test/golden"
)

// chart is the folder of the chart's dashboards.
const chart = "../../charts/outrider/files/dashboards"

func definitions(t *testing.T) []Definition {
	t.Helper()
	all, err := Definitions()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestChartFiles holds that the chart's dashboards are those of this folder.
func TestChartFiles(t *testing.T) {
	const repair = "go test ./test/dashboards -run TestChartFiles -update"
	present, err := filepath.Glob(filepath.Join(chart, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range definitions(t) {
		path := filepath.Join(chart, d.Name+".json")
		present = slices.DeleteFunc(present, func(p string) bool { return p == path })
		want, err := d.JSON()
		if err != nil {
			t.Fatal(err)
		}
		golden.Compare(t, path, string(want), repair)
	}
	for _, path := range present {
		golden.Orphan(t, path, repair)
	}
}

// units are those of Grafana's units that the dashboards use; it takes any other text for a suffix.
var units = []string{
	"none", "short", "percent", "percentunit", "bytes", "Bps", "s", "ms", "µs", "dtdurations", "ops", "cps", "pps", "reqps",
}

// TestPanels holds what Grafana would not say: it shows what it can, and nothing for the rest.
func TestPanels(t *testing.T) {
	uids := map[string]bool{}
	for _, d := range definitions(t) {
		t.Run(d.Name, func(t *testing.T) {
			m, err := d.Model()
			if err != nil {
				t.Fatal(err)
			}
			if uids[m.UID] || len(m.UID) > 40 {
				t.Errorf("uid %s is taken or longer than Grafana's 40 characters", m.UID)
			}
			uids[m.UID] = true
			if !sentence(m.Description) {
				t.Errorf("description %q is no sentence", m.Description)
			}
			if v := m.Templating.List[0]; v.Name != "datasource" || v.Type != "datasource" || v.Query != "prometheus" {
				t.Errorf("the first variable is %v, want the datasource", v)
			}
			ids, titles := map[int]bool{}, map[string]bool{}
			for _, p := range m.Panels {
				if p.ID <= 0 || ids[p.ID] {
					t.Errorf("panel %q: id %d is taken or none", p.Title, p.ID)
				}
				ids[p.ID] = true
				if p.Title == "" || titles[p.Title] && p.Type != "row" {
					t.Errorf("title %q is there twice, or empty", p.Title)
				}
				titles[p.Title] = true
				checkPanel(t, p)
			}
			checkGrid(t, m.Panels)
		})
	}
}

func sentence(s string) bool { return strings.HasSuffix(s, ".") && !strings.Contains(s, "\n") }

func checkPanel(t *testing.T, p Panel) {
	t.Helper()
	if p.Type == "row" {
		if len(p.Targets) > 0 || p.Panels == nil {
			t.Errorf("row %q has queries, or no list of panels", p.Title)
		}
		return
	}
	if p.Datasource == nil || *p.Datasource != (Datasource{Type: "prometheus", UID: "${datasource}"}) {
		t.Errorf("panel %q: datasource %v, want the variable", p.Title, p.Datasource)
	}
	if !sentence(p.Description) {
		t.Errorf("panel %q: description %q is no sentence", p.Title, p.Description)
	}
	if len(p.Targets) == 0 {
		t.Errorf("panel %q has no query", p.Title)
	}
	unit := p.FieldConfig.Defaults.Unit
	if !slices.Contains(units, unit) {
		t.Errorf("panel %q: unit %q is none of %v", p.Title, unit, units)
	}
	legends := map[string]bool{}
	for i, target := range p.Targets {
		if target.RefID != refID(i) {
			t.Errorf("panel %q: query %d is %q", p.Title, i, target.RefID)
		}
		if target.Instant == target.Range {
			t.Errorf("panel %q: query %s is to be either of one moment or of a range", p.Title, target.RefID)
		}
		if p.Type == "timeseries" && (target.LegendFormat == "" || legends[target.LegendFormat]) {
			t.Errorf("panel %q: legend %q of query %s is there twice, or empty", p.Title, target.LegendFormat, target.RefID)
		}
		legends[target.LegendFormat] = true
	}
}

// checkGrid holds that panels lie on the grid, one beside the other, and leave no hole.
func checkGrid(t *testing.T, panels []Panel) {
	t.Helper()
	taken := map[[2]int]string{}
	cells, bottom := 0, 0
	for _, p := range panels {
		g := p.GridPos
		if g.X < 0 || g.Y < 0 || g.W <= 0 || g.H <= 0 || g.X+g.W > width {
			t.Errorf("panel %q at %+v is not on the grid", p.Title, g)
		}
		for x := g.X; x < g.X+g.W; x++ {
			for y := g.Y; y < g.Y+g.H; y++ {
				if other, ok := taken[[2]int{x, y}]; ok {
					t.Fatalf("panel %q lies over %q", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
				cells++
			}
		}
		bottom = max(bottom, g.Y+g.H)
	}
	if cells != bottom*width {
		t.Errorf("the panels leave %d of %d cells empty", bottom*width-cells, bottom*width)
	}
}

// TestNeeds holds that a dashboard that is never run live says why.
func TestNeeds(t *testing.T) {
	for _, d := range definitions(t) {
		if what, why, _ := strings.Cut(d.Needs, ": "); d.Needs != "" && (what == "" || !sentence(why)) {
			t.Errorf("%s needs %q, want WHAT: why it cannot run.", d.Name, d.Needs)
		}
	}
}

// TestLinks holds that each link leads to a dashboard that has the variable it hands on.
func TestLinks(t *testing.T) {
	all := definitions(t)
	for _, d := range all {
		for _, row := range d.Rows {
			for _, p := range row.Panels {
				if p.Link == nil {
					continue
				}
				found := slices.ContainsFunc(all, func(to Definition) bool {
					variables, err := to.variables()
					return err == nil && to.Name == p.Link.To && slices.ContainsFunc(variables, func(v VariableDefinition) bool { return v.Name == p.Link.Variable })
				})
				if !found {
					t.Errorf("%s, panel %q: there is no dashboard %s with a variable %s", d.Name, p.Title, p.Link.To, p.Link.Variable)
				}
			}
		}
	}
}

func TestBadDefinitions(t *testing.T) {
	for name, p := range map[string]PanelDefinition{
		`kind "graph" is none of`: {Kind: "graph"},
		`alarm "high" is neither`: {Kind: "stat", Expr: "up", Alarm: "high"},
		`alarm "1" is neither`:    {Kind: "stat", Expr: "up", Alarm: "1"},
		`alarm ">x": strconv`:     {Kind: "stat", Expr: "up", Alarm: ">x"},
		`alarm "=1" is neither`:   {Kind: "table", Queries: []QueryDefinition{{Expr: "up", Alarm: "=1"}}},
	} {
		if _, err := p.build(nil); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got %v, want %q", err, name)
		}
	}
}
