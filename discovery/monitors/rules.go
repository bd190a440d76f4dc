package monitors

import (
	"errors"
	"fmt"
	"strings"
	"text/template"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"
)

// rules makes the groups of a PrometheusRule. Their names are those of one file, so the object's go before them.
func (t *translation) rules() {
	seen := map[string]bool{}
	for i, g := range t.o.Spec.Groups {
		at := fmt.Sprintf("spec.groups[%d]", i)
		if g.Name == "" || seen[g.Name] {
			t.problem(at+".name", "%q is empty or that of an earlier group; the group is skipped", g.Name)
			continue
		}
		seen[g.Name] = true
		made := map[string]any{"name": t.o.Metadata.Namespace + "/" + t.o.Metadata.Name + "/" + g.Name}
		if !t.group(made, at, g) {
			continue
		}
		var all rules
		for j, r := range g.Rules {
			at := fmt.Sprintf("%s.rules[%d]", at, j)
			if field, err := r.check(); err != nil {
				t.problem(at+"."+field, "%v; the rule is skipped", err)
				continue
			}
			all = append(all, r.rule())
		}
		if len(all) > 0 {
			made["rules"] = all
			t.groups = append(t.groups, made)
		}
	}
}

// group sets the fields of a group, and reports whether Prometheus takes them.
func (t *translation) group(made map[string]any, at string, g group) bool {
	t.skip = false
	for _, d := range []setting{{"interval", g.Interval}, {"query_offset", g.QueryOffset}} {
		if d.value == "" {
			continue
		}
		if _, err := model.ParseDuration(d.value); err != nil {
			t.problem(at+"."+d.key, "%v; the group is skipped", err)
		}
		made[d.key] = d.value
	}
	if g.Limit > 0 {
		made["limit"] = g.Limit
	}
	if err := checkLabels(g.Labels); err != nil {
		t.problem(at+".labels", "%v; the group is skipped", err)
	}
	if len(g.Labels) > 0 {
		made["labels"] = g.Labels
	}
	return !t.skip
}

// rule is the rule as a rule file has it.
func (r rule) rule() map[string]any {
	made := map[string]any{"expr": r.Expr.String()}
	for key, value := range map[string]string{"record": r.Record, "alert": r.Alert, "for": r.For, "keep_firing_for": r.KeepFiringFor} {
		if value != "" {
			made[key] = value
		}
	}
	if len(r.Labels) > 0 {
		made["labels"] = r.Labels
	}
	if len(r.Annotations) > 0 {
		made["annotations"] = r.Annotations
	}
	return made
}

var promql = parser.NewParser(parser.Options{})

// check returns what Prometheus would refuse of the rule, and the field.
func (r rule) check() (field string, err error) {
	if (r.Record == "") == (r.Alert == "") {
		return "alert", errors.New("want one of record and alert")
	}
	if expr := r.Expr.String(); strings.TrimSpace(expr) == "" {
		return "expr", errors.New("it is empty")
	} else if _, err := promql.ParseExpr(expr); err != nil {
		return "expr", err
	}
	for _, d := range []setting{{"for", r.For}, {"keep_firing_for", r.KeepFiringFor}} {
		if d.value == "" {
			continue
		}
		if _, err := model.ParseDuration(d.value); err != nil {
			return d.key, err
		}
		if r.Record != "" {
			return d.key, errors.New("a recording rule has none")
		}
	}
	if field, err := r.checkRecord(); err != nil {
		return field, err
	}
	if err := checkLabels(r.Labels); err != nil {
		return "labels", err
	}
	return r.checkTemplates()
}

// setting is a field of a rule file and its value.
type setting struct{ key, value string }

func (r rule) checkRecord() (field string, err error) {
	if r.Record != "" {
		if !model.UTF8Validation.IsValidMetricName(r.Record) || strings.ContainsAny(r.Record, "{}") {
			return "record", fmt.Errorf("%q is no metric's name", r.Record)
		}
		if len(r.Annotations) > 0 {
			return "annotations", errors.New("a recording rule has none")
		}
	}
	return "", nil
}

func (r rule) checkTemplates() (field string, err error) {
	for _, name := range sortedKeys(r.Annotations) {
		if !model.UTF8Validation.IsValidLabelName(name) {
			return "annotations", fmt.Errorf("%q is no name", name)
		}
	}
	if r.Alert == "" {
		return "", nil
	}
	for _, name := range sortedKeys(r.Labels) {
		if err := checkTemplate(r.Labels[name]); err != nil {
			return "labels." + name, err
		}
	}
	for _, name := range sortedKeys(r.Annotations) {
		if err := checkTemplate(r.Annotations[name]); err != nil {
			return "annotations." + name, err
		}
	}
	return "", nil
}

func checkLabels(all map[string]string) error {
	for _, name := range sortedKeys(all) {
		value := all[name]
		if !model.UTF8Validation.IsValidLabelName(name) || name == model.MetricNameLabel || !model.LabelValue(value).IsValid() {
			return fmt.Errorf("%q: %q is no label", name, value)
		}
	}
	return nil
}

// functions are those of Prometheus' templates by name. They are not run: a text that calls another one is refused.
var functions = func() template.FuncMap {
	all := template.FuncMap{}
	for _, name := range []string{
		"query", "first", "label", "value", "strvalue", "args", "reReplaceAll", "safeHtml", "match", "title", "toUpper", "toLower", "graphLink", "tableLink",
		"sortByLabel", "stripPort", "stripDomain", "humanize", "humanize1024", "humanizeDuration", "humanizePercentage", "humanizeTimestamp", "toTime", "toDuration",
		"now", "pathPrefix", "externalURL", "parseDuration", "tmpl", "urlQueryEscape",
	} {
		all[name] = func(...any) (string, error) { return "", nil }
	}
	return all
}()

const variables = "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}"

// checkTemplate returns what keeps a text from being a template of an alert.
func checkTemplate(text string) error {
	_, err := template.New("").Funcs(functions).Option("missingkey=zero").Parse(variables + text)
	return err
}
