// Package forecast sums what the exporters of many pods are expected to take.
//
// # Expected is not measured
//
// Requests are what the scheduler sets aside. Series are those of servers that hold nothing, from the
// definitions, and what each further thing adds is a note: how many databases a server will have is written
// in no manifest. What --count says of it is counted. Refused: a guess of an average server,
// which would be a figure that is right nowhere.
package forecast

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
)

// Counts are how many things each server holds, by EXPORTER/KIND.
type Counts map[string]int32

// Line is one exporter in the pods of one workload, or a sum.
type Line struct {
	Namespace string `json:"namespace,omitempty"`
	Workload  string `json:"workload,omitempty"`
	Exporter  string `json:"exporter,omitempty"`
	// Pods with the exporter.
	Pods int32 `json:"pods"`
	// Sidecars are containers; zero where the workload serves metrics itself.
	Sidecars int32 `json:"sidecars"`
	// CPU in millicores and Memory in MiB that the sidecars request.
	CPU    int64 `json:"cpuMillicores"`
	Memory int64 `json:"memoryMiB"`
	// Series, and samples a second.
	Series  int64   `json:"series"`
	Samples float64 `json:"samplesPerSecond"`
	// Unknown says that no series are expected because the definition has no cost.
	Unknown bool `json:"unknown,omitempty"`
	// Unmeasured says that series are documented or estimated, and not measured.
	Unmeasured bool `json:"unmeasured,omitempty"`
}

// Forecast is what was summed.
type Forecast struct {
	Lines []Line `json:"lines"`
	// Namespaces are the sums of each, and Total that of all.
	Namespaces []Line `json:"namespaces"`
	Total      Line   `json:"total"`
	// Per are what further things add, by exporter.
	Per map[string][]v1alpha1.SeriesPer `json:"per,omitempty"`

	interval time.Duration
	counts   Counts
	used     map[string]bool
}

// New returns an empty forecast for scrapes at an interval.
func New(interval time.Duration, counts Counts) *Forecast {
	return &Forecast{interval: interval, counts: counts, used: map[string]bool{}, Per: map[string][]v1alpha1.SeriesPer{}}
}

// Add counts the exporters of a workload's pods. An exporter that reports on a whole set is in one of
// them only.
func (f *Forecast) Add(namespace, workload string, pods int32, plan sidecars.Plan, catalog sidecars.Catalog) {
	for _, e := range plan.Expected(catalog) {
		spec, _ := catalog.Spec(e.Exporter)
		n := pods
		if spec.OncePerSet {
			n = min(n, 1)
		}
		line := Line{Namespace: namespace, Workload: workload, Exporter: e.Exporter, Pods: n, Unknown: e.Cost == nil, Unmeasured: e.Unmeasured() != ""}
		if spec.Type != v1alpha1.Native {
			line.Sidecars = n
		}
		line.CPU = int64(n) * e.Requests.Cpu().MilliValue()
		line.Memory = mebi(e.Requests[corev1.ResourceMemory]) * int64(n)
		series := e.Series()
		for _, per := range e.Per() {
			key := e.Exporter + "/" + per.Of
			f.used[key] = true
			if count, given := f.counts[key]; given {
				series += count * per.Series
			} else if !slices.Contains(f.Per[e.Exporter], per) {
				f.Per[e.Exporter] = append(f.Per[e.Exporter], per)
			}
		}
		line.Series = int64(n) * int64(series)
		f.add(line)
	}
}

// add merges pods of the same workload.
func (f *Forecast) add(line Line) {
	line.Samples = float64(line.Series) / f.interval.Seconds()
	same := func(l Line) bool {
		return l.Namespace == line.Namespace && l.Workload == line.Workload && l.Exporter == line.Exporter
	}
	if i := slices.IndexFunc(f.Lines, same); i >= 0 {
		f.Lines[i].plus(line)
		return
	}
	f.Lines = append(f.Lines, line)
}

func (l *Line) plus(more Line) {
	l.Pods += more.Pods
	l.Sidecars += more.Sidecars
	l.CPU += more.CPU
	l.Memory += more.Memory
	l.Series += more.Series
	l.Samples += more.Samples
	l.Unknown = l.Unknown || more.Unknown
	l.Unmeasured = l.Unmeasured || more.Unmeasured
}

// Sum sorts the lines and sums them. An error names counts of things that no exporter here counts.
func (f *Forecast) Sum() error {
	slices.SortFunc(f.Lines, func(a, b Line) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Workload, b.Workload), cmp.Compare(a.Exporter, b.Exporter))
	})
	for _, l := range f.Lines {
		if n := len(f.Namespaces); n == 0 || f.Namespaces[n-1].Namespace != l.Namespace {
			f.Namespaces = append(f.Namespaces, Line{Namespace: l.Namespace})
		}
		f.Namespaces[len(f.Namespaces)-1].plus(l)
		f.Total.plus(l)
	}
	var unknown []string
	for key := range f.counts {
		if !f.used[key] {
			unknown = append(unknown, key)
		}
	}
	if len(unknown) > 0 && len(f.Lines) > 0 {
		slices.Sort(unknown)
		var known []string
		for key := range f.used {
			known = append(known, key)
		}
		slices.Sort(known)
		return fmt.Errorf("--count %s: no exporter here counts it; there are: %s", strings.Join(unknown, ", "), cmp.Or(strings.Join(known, ", "), "none"))
	}
	return nil
}

func mebi(q resource.Quantity) int64 { return (q.Value() + 1<<20 - 1) >> 20 }
