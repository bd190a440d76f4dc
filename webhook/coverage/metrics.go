package coverage

import (
	"cmp"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
)

var (
	podsDesc = prometheus.NewDesc("outrider_coverage_pods",
		"Live pods by how they came out of admission: injected, missed, stale, refused or suspended. Exported by the leader only; injected and missed also at 0, for every exporter that has pods in a namespace. A series without a namespace sums up what the limit left out.",
		[]string{"namespace", "exporter", "state"}, nil)
	proofDesc = prometheus.NewDesc("outrider_coverage_proof",
		"Live pods whose exporter is injected, by whether it is known to reach its workload: up, down or unproven. Exported by the leader only, and only where a Prometheus is asked; up and down also at 0.",
		[]string{"namespace", "exporter", "proof"}, nil)
	superusersDesc = prometheus.NewDesc("outrider_coverage_superusers",
		"Live pods whose exporter logs in as an account that may do everything, as far as the pod shows it. Exported by the leader only, where there are any.",
		[]string{"namespace", "exporter"}, nil)
	droppedDesc = prometheus.NewDesc("outrider_coverage_dropped_series",
		"Series of outrider_coverage_pods, outrider_coverage_proof and outrider_coverage_superusers that were summed up without their namespace, because of --coverage-series.",
		nil, nil)
)

// tally counts the pods of one exporter in one namespace.
type tally struct {
	states     map[State]int
	proofs     map[Proof]int
	superusers int
}

type place struct{ namespace, exporter string }

// tallies counts all rows.
func (c *Controller) tallies() map[place]*tally {
	all := map[place]*tally{}
	c.inv.mu.Lock()
	defer c.inv.mu.Unlock()
	for _, w := range c.inv.workloads {
		for i := range w.rows {
			r := &w.rows[i]
			at := place{r.Namespace, r.Exporter}
			if all[at] == nil {
				all[at] = &tally{states: map[State]int{}, proofs: map[Proof]int{}}
			}
			all[at].states[r.State] += r.Pods
			if r.Proof != "" {
				all[at].proofs[r.Proof] += r.Pods
			}
			all[at].superusers += r.Superusers
		}
	}
	return all
}

func (t *tally) add(o *tally) {
	for s, n := range o.states {
		t.states[s] += n
	}
	for p, n := range o.proofs {
		t.proofs[p] += n
	}
	t.superusers += o.superusers
}

// troubled reports whether anything needs attention.
func (t *tally) troubled() bool {
	return t.states[Missed]+t.states[Refused]+t.states[Suspended]+t.proofs[Down] > 0
}

// collector makes the gauges at each scrape from the rows. A replica that does
// not lead has none.
type collector struct{ *Controller }

// Describe sends what Collect may send.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	ch <- podsDesc
	ch <- proofDesc
	ch <- superusersDesc
	ch <- droppedDesc
}

// Collect sends the gauges, those of troubled namespaces first, as far as the
// limit allows; the rest are summed up by exporter.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	if !c.leads.Load() {
		return
	}
	all := c.tallies()
	places := make([]place, 0, len(all))
	for at := range all {
		places = append(places, at)
	}
	slices.SortFunc(places, func(a, b place) int {
		if ta, tb := all[a].troubled(), all[b].troubled(); ta != tb {
			if ta {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(a.namespace, b.namespace), cmp.Compare(a.exporter, b.exporter))
	})
	sent, dropped := 0, 0
	rest := map[place]*tally{}
	for _, at := range places {
		series := all[at].series(at)
		if sent+len(series) <= c.MostSeries {
			sent += len(series)
			send(ch, series)
			continue
		}
		dropped += len(series)
		sum := place{exporter: at.exporter}
		if rest[sum] == nil {
			rest[sum] = &tally{states: map[State]int{}, proofs: map[Proof]int{}}
		}
		rest[sum].add(all[at])
	}
	for at, t := range rest {
		send(ch, t.series(at))
	}
	ch <- prometheus.MustNewConstMetric(droppedDesc, prometheus.GaugeValue, float64(dropped))
}

// series of one tally. What alerts and graphs look for is there at 0 too.
func (t *tally) series(at place) []prometheus.Metric {
	var all []prometheus.Metric
	for _, s := range states {
		if n := t.states[s]; n > 0 || s == Injected || s == Missed {
			all = append(all, prometheus.MustNewConstMetric(podsDesc, prometheus.GaugeValue, float64(n), at.namespace, at.exporter, string(s)))
		}
	}
	if t.superusers > 0 {
		all = append(all, prometheus.MustNewConstMetric(superusersDesc, prometheus.GaugeValue, float64(t.superusers), at.namespace, at.exporter))
	}
	if len(t.proofs) == 0 {
		return all
	}
	for _, p := range []Proof{Up, Down, Unproven} {
		if n := t.proofs[p]; n > 0 || p != Unproven {
			all = append(all, prometheus.MustNewConstMetric(proofDesc, prometheus.GaugeValue, float64(n), at.namespace, at.exporter, string(p)))
		}
	}
	return all
}

func send(ch chan<- prometheus.Metric, all []prometheus.Metric) {
	for _, m := range all {
		ch <- m
	}
}
