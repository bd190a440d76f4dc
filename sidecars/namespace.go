package sidecars

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Namespace is what a decision may depend on of the pod's namespace. The zero
// value asks for nothing and sets nothing.
type Namespace struct {
	Labels      map[string]string
	Annotations map[string]string
}

// lists are the exporters that may be recognized in a namespace: all, or those
// that allow names, without those that deny names.
type lists struct{ allow, deny []string }

// leaveOut returns the key of the list by which an exporter that the pod does not name
// is excluded, or "".
func (l lists) leaveOut(exporter string) string {
	switch {
	case slices.Contains(l.deny, exporter):
		return DenyKey
	case len(l.allow) > 0 && !slices.Contains(l.allow, exporter):
		return AllowKey
	}
	return ""
}

// readLists reads the namespace's lists and answers what is wrong with them.
func (p *planner) readLists() lists {
	read := func(key string) []string {
		value, ok := p.Namespace.Annotations[key]
		if !ok {
			return nil
		}
		words := listed(value)
		if len(words) == 0 {
			p.ignore(key, BadValue, inNamespace+"%s names no exporter and has no effect; write names separated by commas; %s", key, listExporters)
			return nil
		}
		for _, word := range words {
			if _, known := p.catalog.entries[word]; !known { // one is enough to go and look
				p.ignore(key, UnknownExporter, inNamespace+"%s: there is no exporter %q%s", key, shorten(word), p.catalog.didYouMean(word))
				break
			}
		}
		return words
	}
	return lists{allow: read(AllowKey), deny: read(DenyKey)}
}

// listed are the words of a comma-separated list.
func listed(value string) []string {
	var words []string
	for word := range strings.SplitSeq(value, ",") {
		if word = strings.TrimSpace(word); word != "" {
			words = append(words, word)
		}
	}
	return words
}

// readDefaults collects the namespace's defaults for parameters. Those of
// exporters that do not exist are answered here, the rest where it is used.
func (p *planner) readDefaults() {
	for _, key := range p.readKeys("namespace", p.Namespace.Annotations) {
		exporter, name, _ := ownKey(key)
		if exporter == "" {
			continue
		}
		if _, known := p.catalog.entries[exporter]; !known {
			p.ignore(key, UnknownKey, inNamespace+"%s: there is no exporter %q%s", shorten(key), shorten(exporter), p.catalog.didYouMean(exporter))
			continue
		}
		p.defaults = set(p.defaults, exporter, name, p.Namespace.Annotations[key])
	}
}

// undeclared tells of parameters that an exporter does not have, in the pod's
// annotations or in its namespace's, as where says.
func (p *planner) undeclared(e *entry, annotations map[string]map[string]string, where string) {
	for _, name := range slices.Sorted(maps.Keys(annotations[e.name])) {
		_, declared := e.patterns[name]
		key := parameterKey(e.name, name)
		switch {
		case declared || name == profileParameter || name == secretParameter && e.spec.Credentials != nil || !isNative(e) && slices.Contains(resourceParameters, name):
		case name == containerParameter && where == "":
		case name == containerParameter:
			p.ignore(key, UnknownParameter, "%s%s has no effect: a container's name belongs on its pod", where, key)
		default:
			p.ignore(key, UnknownParameter, "%s%s: the %s exporter has no such parameter%s", where, key, e.name, didYouMean(name, slices.Sorted(maps.Keys(e.patterns))))
		}
	}
}

// set adds to a map of maps.
func set(m map[string]map[string]string, exporter, name, value string) map[string]map[string]string {
	if m == nil {
		m = map[string]map[string]string{}
	}
	if m[exporter] == nil {
		m[exporter] = map[string]string{}
	}
	m[exporter][name] = value
	return m
}

// exemption is a reason, or "until", the last day on which it holds, and a
// reason.
var exemption = regexp.MustCompile(`^until [0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01]): *\S`)

// exemptionProblem says what is wrong with an exempt annotation, or "". The
// policy that reads it goes by the same grammar.
func exemptionProblem(value string) string {
	if strings.TrimSpace(value) == "" {
		return "it needs a reason, or until YYYY-MM-DD: and a reason"
	}
	if strings.HasPrefix(value, exemptUntil) && !exemption.MatchString(value) {
		return fmt.Sprintf("%q is not understood; write a reason, or until YYYY-MM-DD: and a reason", shorten(value))
	}
	return ""
}
