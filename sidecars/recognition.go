package sidecars

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
)

// Recognition is how workloads are told from their pods, as data for a program
// that has string look-ups and regular expressions (RE2) and nothing else: the
// API server's policies. It says the same as NewPlan goes by, or less where a
// definition is too strange to be written down; never more. The keys may stand
// in a ConfigMap, and lists have one word a line:
//
//	exporters             list of all names
//	native                list of the names of those that inject nothing
//	image.IMAGE           the exporter of the workload with that base name
//	port.PORT.NAME        list of the exporters of workloads with that port, in a container or under a port of that name
//	carries.IMAGE         list of the exporters in whose place a container with that base name stands
//	commands.EXPORTER     list of the programs that are the server; without it every program is
//	notArgs.EXPORTER      list of the words that a server's command line does not have
//	shell                 what a command line, its words joined by \x01, begins with where the next word is a script
//	passed                what a word in front of the program matches
//	endpoints, exemption  what the annotations scrape and exempt match
func (c Catalog) Recognition() map[string]string {
	data := map[string]string{
		"exporters": strings.Join(c.names, "\n"),
		"shell":     `^(?:[^\x01]*/)?` + oneOf(shells) + `/*\x01(?:[^\x01]*\x01)*?-(?:[^-\x01][^\x01]*)?c\x01`,
		"passed":    `^-|=|^(?s:.*/)?` + oneOf(wrappers) + `/*$`,
		"endpoints": endpointList(),
		"exemption": exemption.String(),
	}
	add := func(key, exporter string) {
		if len(validation.IsConfigMapKey(key)) > 0 {
			return
		}
		if list := lines(data[key]); !slices.Contains(list, exporter) {
			data[key] = strings.Join(append(list, exporter), "\n")
		}
	}
	for _, name := range c.names {
		e := c.entries[name]
		r := e.spec.Recognize
		if isNative(e) {
			add("native", name)
		}
		for _, image := range r.Exporters {
			add("carries."+image, name)
		}
		if !writable(r) {
			continue
		}
		for _, image := range r.Images {
			if c.byImage[image] == e {
				add("image."+image, name)
			}
			for _, port := range r.Ports {
				add(fmt.Sprintf("port.%d.%s", port, image), name)
			}
		}
		if len(r.Commands) > 0 {
			data["commands."+name] = strings.Join(r.Commands, "\n")
		}
		if len(r.NotArgs) > 0 {
			data["notArgs."+name] = strings.Join(r.NotArgs, "\n")
		}
	}
	return data
}

// writable reports whether programs and arguments can be written one a line.
func writable(r v1alpha1.Recognition) bool {
	return !slices.ContainsFunc(slices.Concat(r.Commands, r.NotArgs), func(word string) bool {
		return word == "" || strings.Contains(word, "\n")
	})
}

func lines(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// oneOf matches each of the words and nothing else.
func oneOf(words []string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = regexp.QuoteMeta(word)
	}
	return "(?:" + strings.Join(quoted, "|") + ")"
}

// endpointList is what a scrape annotation matches, but for what takes counting.
func endpointList() string {
	one := " {0,9}" + strings.TrimSuffix(strings.TrimPrefix(endpoint.String(), "^"), "$") + " {0,9}"
	return fmt.Sprintf("^%s(?:,%[1]s){0,%d}$", one, MostEndpoints-1)
}
