package sidecars

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
)

// placeholder is ${name}, or ${name:+text} for a text where name has a value.
var placeholder = regexp.MustCompile(`\$\{([^}:]*)(?::\+([^}]*))?\}`)

// expand puts the values of parameters in the place of their ${name}; whole is
// false where one has none, or nothing is left: the text is left out then. A
// value stays literal: each $ is doubled, or Kubernetes would expand a $(VAR) in it.
func expand(text string, values map[string]string) (expanded string, whole bool) {
	if !strings.Contains(text, "${") {
		return text, true
	}
	if n := strings.IndexByte(text, '}'); n == len(text)-1 && strings.HasPrefix(text, "${") {
		return replaced(text[2:n], values) // nothing else: most are
	}
	var out strings.Builder
	out.Grow(len(text) + 24)
	whole = true
	for {
		i := strings.Index(text, "${")
		n := -1
		if i >= 0 {
			n = strings.IndexByte(text[i:], '}')
		}
		if n < 0 {
			out.WriteString(text)
			return out.String(), whole && out.Len() > 0
		}
		out.WriteString(text[:i])
		value, has := replaced(text[i+2:i+n], values)
		out.WriteString(value)
		whole = whole && (has || strings.Contains(text[i:i+n], ":+"))
		text = text[i+n+1:]
	}
}

// replaced is what stands in the place of a ${…}, and whether it is anything.
func replaced(name string, values map[string]string) (text string, has bool) {
	name, alternative, isAlternative := strings.Cut(name, ":+")
	value := values[name]
	switch {
	case isAlternative && isSet(value):
		return alternative, true
	case isAlternative || value == "":
		return "", false
	case value == podAddress:
		return value, true
	}
	return strings.ReplaceAll(value, "$", "$$"), true
}

// expandAll expands texts and leaves out those without a value.
func expandAll(texts []string, values map[string]string) []string {
	if len(texts) == 0 {
		return nil
	}
	all := make([]string, 0, len(texts)+1)
	for _, text := range texts {
		if expanded, whole := expand(text, values); whole {
			all = append(all, expanded)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all
}

// forTexts visits the texts of a definition in which parameters stand.
func forTexts(spec v1alpha1.ExporterSpec, visit func(field, text string)) {
	for i, word := range spec.Command {
		visit(fmt.Sprintf("spec.command[%d]", i), word)
	}
	for i, arg := range spec.Args {
		visit(fmt.Sprintf("spec.args[%d]", i), arg)
	}
	for i, env := range spec.Env {
		visit(fmt.Sprintf("spec.env[%d].value", i), env.Value)
	}
	for i, env := range spec.SecretEnv {
		visit(fmt.Sprintf("spec.secretEnv[%d].secret", i), env.Secret)
	}
	for i, v := range spec.Volumes {
		visit(fmt.Sprintf("spec.volumes[%d]", i), v.Secret+v.ConfigMap)
	}
	for i, p := range spec.Parameters {
		for j, flag := range p.FromArgs {
			visit(fmt.Sprintf("spec.parameters[%d].fromArgs[%d]", i, j), flag)
		}
	}
	if s := spec.Socket; s != nil {
		for i, env := range s.Env {
			visit(fmt.Sprintf("spec.socket.env[%d].value", i), env.Value)
		}
		for i, arg := range s.Args {
			visit(fmt.Sprintf("spec.socket.args[%d]", i), arg)
		}
	}
}

// unknownPlaceholders finds every ${name} that no parameter declares.
func unknownPlaceholders(spec v1alpha1.ExporterSpec, declared map[string]*regexp.Regexp) []error {
	var errs []error
	forTexts(spec, func(field, text string) {
		for _, m := range placeholder.FindAllStringSubmatch(text, -1) {
			if _, ok := declared[m[1]]; !ok && (m[1] != socketParameter || !strings.HasPrefix(field, "spec.socket.")) {
				errs = append(errs, fmt.Errorf("%s: %s is no declared parameter", field, m[0]))
			}
		}
	})
	return errs
}
