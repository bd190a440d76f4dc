package monitors

import (
	"fmt"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/relabel"
)

// relabelings are the rules of an endpoint, each of which Prometheus takes.
func (t *translation) relabelings(at string, all []relabeling) (made rules) {
	for i, r := range all {
		at := fmt.Sprintf("%s[%d]", at, i)
		if err := r.check(); err != nil {
			t.problem(at, "%v; the endpoint is skipped", err)
			continue
		}
		made = append(made, r.rule())
	}
	return made
}

// rule is the relabeling as Prometheus' configuration has it.
func (r relabeling) rule() map[string]any {
	made := map[string]any{}
	if len(r.SourceLabels) > 0 {
		made["source_labels"] = r.SourceLabels
	}
	if r.Separator != nil {
		made["separator"] = *r.Separator
	}
	for key, value := range map[string]string{"target_label": r.TargetLabel, "regex": r.Regex, "action": strings.ToLower(r.Action)} {
		if value != "" {
			made[key] = value
		}
	}
	if r.Modulus != 0 {
		made["modulus"] = r.Modulus
	}
	if r.Replacement != nil {
		made["replacement"] = *r.Replacement
	}
	return made
}

// check returns what Prometheus would say of the rule.
func (r relabeling) check() error {
	c := relabel.DefaultRelabelConfig
	for _, l := range r.SourceLabels {
		c.SourceLabels = append(c.SourceLabels, model.LabelName(l))
		if !model.UTF8Validation.IsValidLabelName(l) {
			return fmt.Errorf("%q is no label's name", l)
		}
	}
	if r.Separator != nil {
		c.Separator = *r.Separator
	}
	if r.Regex != "" {
		var err error
		if c.Regex, err = relabel.NewRegexp(r.Regex); err != nil {
			return err
		}
	}
	if r.Replacement != nil {
		c.Replacement = *r.Replacement
	}
	if r.Action != "" {
		c.Action = relabel.Action(strings.ToLower(r.Action))
		if !known[c.Action] {
			return fmt.Errorf("%q is no action of Prometheus", r.Action)
		}
	}
	c.TargetLabel, c.Modulus = r.TargetLabel, r.Modulus
	return c.Validate(model.UTF8Validation)
}

// known are Prometheus' actions. Its own check of them is in the reading of YAML.
var known = map[relabel.Action]bool{
	relabel.Replace: true, relabel.Keep: true, relabel.Drop: true, relabel.KeepEqual: true, relabel.DropEqual: true, relabel.HashMod: true,
	relabel.LabelMap: true, relabel.LabelDrop: true, relabel.LabelKeep: true, relabel.Lowercase: true, relabel.Uppercase: true,
}
