// Package metrics knows which metrics exist: the names and labels that components have been seen to expose. Rules and
// dashboards are compared with it, because Prometheus answers a misspelled name with silence, not an error.
//
// # Decision: one file for each component, one line for each series name
//
// A line is the name and its own labels; those that a scrape adds are in [Scraped]. The first line says where it was
// seen. The command gather adds what a /metrics page shows and never removes anything, because many series appear only
// after an event. Refused: asking the components during the test, which has no Elasticsearch, MongoDB or kubelet. If a
// program could not be run, the names are from its source, and the first line says so.
package metrics

import (
	"bufio"
	"embed"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
)

//go:embed testdata/*.txt
var files embed.FS

// Set holds labels by the name of the series: histograms by _bucket, _sum and _count.
type Set map[string][]string

// Scraped are the labels that Prometheus and the chart's scrape jobs add; which of them depends on the job. cluster is an
// external label, and on the series of a Prometheus that holds several clusters.
var Scraped = []string{"job", "instance", "namespace", "pod", "container", "node", "cluster"}

// Components lists the components that have a file, sorted.
func Components() []string {
	paths, err := fs.Glob(files, "testdata/*.txt")
	if err != nil {
		panic(err) // the pattern is a literal
	}
	for i, p := range paths {
		paths[i] = strings.TrimSuffix(path.Base(p), ".txt")
	}
	return paths
}

// Of returns what one component exposes, or an error that lists the components there are.
func Of(component string) (Set, error) {
	f, err := files.Open("testdata/" + component + ".txt")
	if err != nil {
		return nil, fmt.Errorf("find the metrics of %s: there are those of %v", component, Components())
	}
	defer f.Close()
	_, set, err := Read(f)
	return set, err
}

// All returns what all components expose.
func All() (Set, error) {
	all := Set{}
	for _, component := range Components() {
		set, err := Of(component)
		if err != nil {
			return nil, err
		}
		all.Add(set)
	}
	return all, nil
}

// Add puts other's names and labels into s.
func (s Set) Add(other Set) {
	for name, labels := range other {
		s[name] = slices.Compact(slices.Sorted(slices.Values(slices.Concat(s[name], labels))))
	}
}

// Read reads a file of testdata: its comment, and what it lists.
func Read(r io.Reader) (comment string, set Set, err error) {
	set = Set{}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line := lines.Text()
		if strings.HasPrefix(line, "#") {
			comment += line + "\n"
		} else if fields := strings.Fields(line); len(fields) > 0 {
			set[fields[0]] = fields[1:]
		}
	}
	if err := lines.Err(); err != nil {
		return "", nil, fmt.Errorf("read a list of metrics: %w", err)
	}
	return comment, set, nil
}

// Write writes a file of testdata.
func (s Set) Write(w io.Writer, comment string) error {
	var b strings.Builder
	b.WriteString(comment)
	for _, name := range slices.Sorted(maps.Keys(s)) {
		b.WriteString(strings.Join(append([]string{name}, s[name]...), " ") + "\n")
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write a list of metrics: %w", err)
	}
	return nil
}

var (
	declaration = regexp.MustCompile(`^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (\w+)$`)
	sample      = regexp.MustCompile(`^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{.*\})? `)
	label       = regexp.MustCompile(`([a-zA-Z_][a-zA-Z0-9_]*)="(?:[^"\\]|\\.)*"`)
)

// Parse reads what a component answers at /metrics, in Prometheus' text format. A metric that is declared and has no
// series yet counts too, without labels.
func Parse(r io.Reader) (Set, error) {
	set := Set{}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		if m := declaration.FindStringSubmatch(lines.Text()); m != nil {
			for _, suffix := range suffixes(m[2]) {
				set.Add(Set{m[1] + suffix: nil})
			}
			continue
		}
		m := sample.FindStringSubmatch(lines.Text())
		if m == nil {
			continue
		}
		var names []string
		for _, pair := range label.FindAllStringSubmatch(m[2], -1) {
			names = append(names, pair[1])
		}
		set.Add(Set{m[1]: names})
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read metrics: %w", err)
	}
	return set, nil
}

// suffixes are those of the series that a metric of this type consists of.
func suffixes(kind string) []string {
	switch kind {
	case "histogram":
		return []string{"_bucket", "_sum", "_count"}
	case "summary":
		return []string{"", "_sum", "_count"}
	}
	return []string{""}
}
