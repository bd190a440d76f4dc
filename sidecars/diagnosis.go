package sidecars

import (
	"fmt"
	"regexp"

	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
)

// mostDiagnosed is how much of a text is read, from its end.
const mostDiagnosed = 8 << 10

// Diagnose finds the cause that an exporter's definition knows for what was
// said: the one that was said last, of the last 8 KiB. The cause's words come
// from the definition, never from the text.
func (c Catalog) Diagnose(exporter, said string) (v1alpha1.Cause, bool) {
	e, ok := c.entries[exporter]
	if !ok || said == "" {
		return v1alpha1.Cause{}, false
	}
	said = said[max(0, len(said)-mostDiagnosed):]
	found, at := v1alpha1.Cause{}, -1
	for i, pattern := range e.causes {
		for _, match := range pattern.FindAllStringIndex(said, -1) {
			if match[0] > at {
				found, at = e.spec.Diagnosis.Causes[i], match[0]
			}
		}
	}
	return found, at >= 0
}

func compileCauses(d v1alpha1.Diagnosis) (patterns []*regexp.Regexp, errs []error) {
	var bad problems
	if m := d.ErrorMetric; m != nil && (!metricName.MatchString(m.Name) || !labelName.MatchString(m.Label)) {
		bad.add("spec.diagnosis.errorMetric", "%q with label %q: neither may be empty or hold other than letters, digits and underscores", m.Name, m.Label)
	}
	for i, cause := range d.Causes {
		field := fmt.Sprintf("spec.diagnosis.causes[%d]", i)
		re, err := regexp.Compile("(?i)" + cause.Pattern)
		switch {
		case err != nil:
			bad.add(field+".pattern", "%w", err)
		case re.MatchString(""):
			bad.add(field+".pattern", "%q matches everything", cause.Pattern)
		case cause.Cause == "":
			bad.add(field+".cause", "is required")
		}
		patterns = append(patterns, re)
	}
	return patterns, bad
}

var (
	metricName = regexp.MustCompile(`^[a-zA-Z_:][a-zA-Z0-9_:]*$`)
	labelName  = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)
)
