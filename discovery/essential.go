package discovery

import (
	"cmp"
	_ "embed"
	"maps"
	"slices"
	"strings"
	"sync"

	promlabels "github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"
	"sigs.k8s.io/yaml"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
)

//go:embed essential.yaml
var essentialYAML []byte

// essential is the list, read once.
var essential = sync.OnceValue(func() map[string][]string {
	var lists map[string][]string
	if err := yaml.Unmarshal(essentialYAML, &lists); err != nil {
		panic(err) // a file of this package, which any call of Jobs shows
	}
	return lists
})

// Essential returns the metrics that the profile essential keeps, by exporter. One that has no list keeps all. Each call
// returns a map of its own; the lists are shared and must not be changed.
func Essential() map[string][]string { return maps.Clone(essential()) }

// list is an exporter with its metrics, as regular expressions.
type list struct{ Name, Metrics string }

// kept is what jobs of one kind keep.
type kept struct {
	Of    string
	First bool // the lists stand here, and others refer to them
	Lists []list
}

// lists are those of sidecars, or of workloads that serve metrics themselves: each
// kind has jobs of its own, and a list has no use in the other's.
func lists(of v1alpha1.ExporterType) []list {
	var all []list
	for _, name := range slices.Sorted(maps.Keys(essential())) {
		if spec, _ := sidecars.Builtin().Spec(name); cmp.Or(spec.Type, v1alpha1.Sidecar) == of {
			all = append(all, list{name, alternatives(essential()[name])})
		}
	}
	return all
}

// alternatives is a pattern of sorted names: those of one prefix share it, as most of
// an exporter's do, and the chart is stored in a Secret.
func alternatives(names []string) string {
	var groups []string
	for len(names) > 0 {
		prefix, _, _ := strings.Cut(names[0], "_")
		prefix += "_"
		n := 1
		for n < len(names) && strings.HasPrefix(names[n], prefix) {
			n++
		}
		group := names[0]
		if n > 1 {
			var rest []string
			for _, name := range names[:n] {
				rest = append(rest, strings.TrimPrefix(name, prefix))
			}
			group = prefix + "(?:" + strings.Join(rest, "|") + ")"
		}
		groups, names = append(groups, group), names[n:]
	}
	return strings.Join(groups, "|")
}

// Kept reports whether the jobs keep a metric of an exporter, by its job, that has the profile essential.
func Kept(exporter, metric string) bool {
	jobs, err := parsed()
	if err != nil {
		return true
	}
	b := promlabels.NewBuilder(promlabels.FromMap(map[string]string{"__name__": metric, "job": exporter}))
	if _, listed := essential()[exporter]; listed {
		b.Set(profileLabel, "essential")
	}
	job := jobs[0]
	if spec, _ := sidecars.Builtin().Spec(exporter); spec.Type == v1alpha1.Native {
		job = jobs[len(jobs)-1]
	}
	return relabel.ProcessBuilder(b, job.metricRules...)
}

// profileLabel is a target's label, of its up too, which its series lose again.
const profileLabel = "outrider_profile"
