package sidecars

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
)

// Recognition is how workloads are recognized from their pods, as data for a program
// that has string look-ups and regular expressions (RE2) and nothing else: the
// API server's policies. It says the same as NewPlan goes by, or less where a
// definition is too strange to be written down; never more. What is the same for
// every catalog is Vocabulary. The keys may stand in a ConfigMap, and lists have one
// word a line:
//
//	exporters              list of all names
//	native                 list of the names of those that inject nothing
//	image.IMAGE            the exporter of the workload with that base name
//	tag.IMAGE.WORD         the exporter of the workload with that base name and a tag with that word;
//	                       without IMAGE of any image that is not known otherwise
//	name.NAME              list of the exporters of workloads of which containers and ports are so named
//	port.PORT              list of the exporters of workloads with that usual port
//	program.NAME           list of the exporters of which that program is the server; empty for a client
//	carries.IMAGE          list of the exporters in whose place a container with that base name stands
//	exporting.EXPORTER     what matches the names of other such containers that have the word exporter
//	env.EXPORTER           list of the variables that only a server reads
//	notArgs.EXPORTER, …    lists of what no server has: notArgs, notEnv, notPorts
//	endpoints, exemption   what the annotations scrape and exempt match
func (c Catalog) Recognition() map[string]string {
	data := map[string]string{
		"exporters": strings.Join(c.names, "\n"),
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
	for image, e := range c.byImage {
		add("image."+image, e.name)
	}
	for image, words := range c.byTag {
		image = strings.TrimPrefix(image, anyImage)
		for word, e := range words {
			add("tag."+image+"."+word, e.name)
		}
	}
	for program := range c.byProgram {
		data["program."+program] = ""
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
		for word := range e.names {
			add("name."+word, name)
		}
		for _, port := range r.Ports {
			add(fmt.Sprintf("port.%d", port), name)
		}
		for _, program := range r.Commands {
			add("program."+program, name)
		}
		for _, variable := range r.Env {
			add("env."+name, variable)
		}
		for _, arg := range r.NotArgs {
			add("notArgs."+name, arg)
		}
		for _, variable := range r.NotEnv {
			add("notEnv."+name, variable)
		}
		for _, port := range r.NotPorts {
			add("notPorts."+name, fmt.Sprint(port))
		}
		data["exporting."+name] = e.exporters.String()
	}
	return data
}

// Vocabulary is what the API server's policies have of recognition besides the
// catalog, as literals of their language: it compiles a pattern that is a literal
// once, and one from data for each pod.
//
//	idle                   list of the programs that serve nothing
//	proxies, stores, holders
//	                       lists of words of images: of proxies, of what keeps another workload's data, and of what keeps any
//	otherPorts             list of the names of ports that say what is spoken there
//	metricsPorts           list of the names of ports for a workload's own metrics
//	webPorts               list of the usual ports of web servers
//	folders                what matches images of which the folder's name says what they are
//	fronts                 what matches the words before the name of an image that do not say what it is
//	variants, tails        what matches the end of a name that does not say what it is: of an image, of any
//	others, tools, othersOfPorts, otherTags, otherPrograms
//	                       what matches names of what is no server: of images and containers, of those that end with a server's, ports, tags, programs
//	exporter               what matches names with the word exporter
//	portTails              what matches the end of a port's name that says nothing
//	script, words, behind, operand, passed, shell
//	                       how a command line is read, see program.go
//	positional, assigns    what matches scripts that use the words behind them, and that set variables
//	passwords, configurations
//	                       what matches names of variables with a password, and files with a configuration
func Vocabulary() map[string]string {
	literals := map[string]string{}
	for name, pattern := range map[string]string{
		"fronts": frontsPattern, "folders": foldersPattern, "variants": variantsPattern, "tails": tailsPattern,
		"others": othersPattern, "tools": toolsPattern, "othersOfPorts": wordPattern(othersOfPorts), "otherTags": wordPattern(otherTags), "otherPrograms": wordPattern(otherPrograms),
		"exporter": exporterPattern, "portTails": portTailsPattern,
		"script": scriptPattern, "words": wordsPattern, "behind": behindPattern, "operand": operandPattern, "passed": passedPattern, "shell": shellPattern,
		"positional": positionalPattern, "assigns": assignsPattern, "passwords": passwordPattern, "configurations": configurationPattern,
	} {
		literals[name] = strconv.QuoteToASCII(pattern)
	}
	for name, list := range map[string][]string{"idle": idle, "proxies": proxies, "stores": stores, "holders": holders, "otherPorts": otherPorts, "metricsPorts": metricsPorts, "webPorts": webPorts} {
		quoted := make([]string, len(list))
		for i, word := range list {
			quoted[i] = strconv.QuoteToASCII(word)
		}
		literals[name] = "[" + strings.Join(quoted, ", ") + "]"
	}
	return literals
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

// workloadNames are what images, containers and ports of a workload are called.
// Images of which the tag says what they are do not count: wordpress is an Apache,
// or PHP-FPM behind another server. Of a database it may be glued to its name: mysqldb.
func workloadNames(e v1alpha1.Exporter) map[string]bool {
	names := wordSet(e.Spec.Recognize.Images)
	for _, tagged := range e.Spec.Recognize.Tagged {
		image, _, _ := strings.Cut(tagged, ":")
		delete(names, image)
	}
	names[e.Name] = true
	if e.Spec.Credentials != nil {
		for _, name := range slices.Collect(maps.Keys(names)) {
			if name != "" && !strings.ContainsAny(name, separators) && !strings.HasSuffix(name, "db") {
				names[name+"db"] = true
			}
		}
	}
	return names
}

// exporterPattern matches names with the word exporter.
const exporterPattern = `(?:^|[-_.])exporters?(?:[-_.]|$)`

// workloadPattern matches names with one of a workload's, whatever separates the
// words of it.
func workloadPattern(names map[string]bool) string {
	var words []string
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if strings.HasSuffix(name, "db") && names[strings.TrimSuffix(name, "db")] {
			continue
		}
		parts := strings.FieldsFunc(name, separates)
		for i := range parts {
			parts[i] = regexp.QuoteMeta(parts[i])
		}
		words = append(words, strings.Join(parts, "[-_.]?"))
	}
	return `(?:^|[-_.])(?:` + strings.Join(words, "|") + `)(?:d|db)?(?:[-_.]|$)`
}
