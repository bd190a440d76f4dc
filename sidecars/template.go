package sidecars

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
)

var placeholder = regexp.MustCompile(`\$\{([^}]*)\}`)

// expand puts the values of parameters in the place of their ${name}. A value
// stays literal: each $ is doubled, or Kubernetes would expand a $(VAR) in it.
func expand(text string, values map[string]string) string {
	if !strings.Contains(text, "${") {
		return text
	}
	return placeholder.ReplaceAllStringFunc(text, func(found string) string {
		return strings.ReplaceAll(values[found[2:len(found)-1]], "$", "$$")
	})
}

// unknownPlaceholders finds every ${name} that no parameter declares.
func unknownPlaceholders(spec v1alpha1.ExporterSpec, declared map[string]*regexp.Regexp) []error {
	var errs []error
	check := func(field, text string) {
		for _, m := range placeholder.FindAllStringSubmatch(text, -1) {
			if _, ok := declared[m[1]]; !ok {
				errs = append(errs, fmt.Errorf("%s: %s is no declared parameter", field, m[0]))
			}
		}
	}
	for i, arg := range spec.Args {
		check(fmt.Sprintf("spec.args[%d]", i), arg)
	}
	for i, env := range spec.Env {
		check(fmt.Sprintf("spec.env[%d].value", i), env.Value)
	}
	return errs
}
