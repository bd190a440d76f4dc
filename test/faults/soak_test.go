package faults_test

import (
	"slices"
	"testing"
	"time"
)

// flat are the metrics that must not grow, and by how much they may: a share of what they were, and
// something on top, which counts where they are small. The least of a window is what a collected heap holds.
var flat = []struct {
	metric       string
	of           func([]float64) float64
	share, extra float64
	unit         float64
	name         string
}{
	{"process_resident_memory_bytes", median, 0.15, 4 << 20, 1 << 20, "MiB"},
	{"go_memstats_heap_alloc_bytes", slices.Min[[]float64], 0.15, 3 << 20, 1 << 20, "MiB"},
	{"go_goroutines", median, 0.05, 10, 1, "of them"},
	{"process_open_fds", median, 0.05, 5, 1, "of them"},
}

// long is a soak in which memory may grow by a third of what it may in a short one: it has had time to settle.
const long = 20 * time.Minute

// testSoak changes everything that changes in a cluster, all the time, and holds that no pod is missed and that nothing
// of the replicas' grows between the first and the last third of that, the first fifth left out.
func testSoak(t *testing.T, e *env) {
	const keep = 50 // pods of each creator: as many are deleted as created
	l := e.startLoadOf(t, false, keep)
	c := e.startChurn(t, l)
	names := e.names(t)
	samples := map[string][]float64{} // by replica and metric
	failed := 0
	began := time.Now()
	during(*soak, func() {
		for _, name := range names {
			series, err := e.metrics(t.Context(), name)
			if err != nil {
				failed++
				continue
			}
			for _, f := range flat {
				samples[name+" "+f.metric] = append(samples[name+" "+f.metric], series[f.metric])
			}
		}
	})
	took := time.Since(began)
	c.stop()
	l.stop()
	if again := e.names(t); !slices.Equal(names, again) || e.restarts(t) > 0 {
		t.Fatalf("the replicas were %v and are %v, restarted %d times", names, again, e.restarts(t))
	}
	if err := e.applier.Settle(t.Context(), l.rolled, patience); err != nil {
		t.Fatal(err)
	}
	asked := []string{l.annotated, l.optedIn, l.rolled, c.switched} // in which each pod is to have its exporter
	left, err := e.counted(t.Context(), asked...)
	if err != nil {
		t.Fatal(err)
	}
	say(t, "soak of %s: %d pods created and %d left without exporter, %d creates or deletes failed; %d rollouts, %d changes of namespaces, %d of the catalog; of %d pods at the end %d with their exporter",
		took.Round(time.Second), l.asked.Load(), l.missed.Load(), l.refused.Load(), c.rollouts.Load(), c.labels.Load(), c.exporters.Load(), left.pods, left.injected)
	if n := l.missed.Load(); n > 0 {
		t.Errorf("%d pods were missed, first %s", n, l.firstMissed)
	}
	if left.injected != left.pods {
		t.Errorf("of the pods that are left, %+v", left)
	}
	if l.refused.Load() > 0 {
		t.Errorf("%d creates or deletes failed, first %s", l.refused.Load(), l.first)
	}
	c.clean(t)
	e.reported(t, left, asked...)
	grew(t, names, samples, failed)
	if n := e.apps.disturbed(t); n > 0 {
		t.Errorf("%d app pods were restarted, replaced or not ready", n)
	}
}

// grew holds that nothing did, and says by how much it did.
func grew(t *testing.T, names []string, samples map[string][]float64, failed int) {
	t.Helper()
	for _, f := range flat {
		if *soak >= long && f.name == "MiB" {
			f.share, f.extra = f.share/3, f.extra/3
		}
		for _, name := range names {
			all := samples[name+" "+f.metric]
			if failed > len(all)/20 {
				t.Fatalf("%s has %d samples of %s, %d failed", name, len(all), f.metric, failed)
			}
			all = all[len(all)/5:]
			if len(all) < 9 {
				t.Fatalf("%s has only %d samples of %s", name, len(all), f.metric)
			}
			first, last := f.of(all[:len(all)/3]), f.of(all[2*len(all)/3:])
			say(t, "%s of %s: %.1f %s in the first third, %.1f in the last, of %d samples", f.metric, name, first/f.unit, f.name, last/f.unit, len(all))
			if last > first*(1+f.share)+f.extra {
				t.Errorf("%s of %s grew from %.0f to %.0f, by more than %.0f%% and %.0f", f.metric, name, first, last, 100*f.share, f.extra)
			}
		}
	}
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// names are the replicas' pods.
func (e *env) names(t *testing.T) (names []string) {
	t.Helper()
	pods, err := e.replicas(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, pod := range pods {
		names = append(names, pod.Name)
	}
	slices.Sort(names)
	return names
}
