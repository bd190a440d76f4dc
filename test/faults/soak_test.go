package faults_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// flat are the metrics that must not grow, and by how much they may: a share of what they were, and
// something on top, which counts where they are small. The least of a window is what a collected heap holds.
var flat = []struct {
	metric       string
	of           func([]float64) float64
	share, extra float64
	unit         float64
}{
	{"process_resident_memory_bytes", median, 0.15, 4 << 20, 1 << 20},
	{"go_memstats_heap_alloc_bytes", slices.Min[[]float64], 0.15, 3 << 20, 1 << 20},
	{"go_goroutines", median, 0.05, 10, 1},
	{"process_open_fds", median, 0.05, 5, 1},
}

// testSoak changes everything that changes in a cluster, all the time, and holds that nothing of the
// replicas' grows between the first and the last third of that, the first fifth left out.
func testSoak(t *testing.T, e *env) {
	const keep = 50 // pods of each of the four creators: as many are deleted as created
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
	say(t, "soak of %s: %d pods created and %d left without exporter, %d creates or deletes failed; %d rollouts, %d changes of namespaces, %d of the catalogue",
		took.Round(time.Second), l.asked.Load(), l.missed.Load(), l.refused.Load(), c.rollouts.Load(), c.labels.Load(), c.exporters.Load())
	if n := l.missed.Load(); n > 0 {
		t.Errorf("%d pods were missed", n)
	}
	if l.refused.Load() > 0 {
		t.Errorf("%d creates or deletes failed, first %s", l.refused.Load(), l.first)
	}
	c.clean(t)
	for _, f := range flat {
		for _, name := range names {
			all := samples[name+" "+f.metric]
			all = all[len(all)/5:]
			if len(all) < 9 {
				t.Fatalf("%s has %d samples of %s, %d failed", name, len(all), f.metric, failed)
			}
			first, last := f.of(all[:len(all)/3]), f.of(all[2*len(all)/3:])
			say(t, "%s of %s: %.1f in the first third, %.1f in the last, of %d samples", f.metric, name, first/f.unit, last/f.unit, len(all))
			if last > first*(1+f.share)+f.extra {
				t.Errorf("%s of %s grew from %.0f to %.0f, by more than %.0f%% and %.0f", f.metric, name, first, last, 100*f.share, f.extra)
			}
		}
	}
	if n := e.apps.disturbed(t); n > 0 {
		t.Errorf("%d app pods were restarted or replaced", n)
	}
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// names are the replicas' pods.
func (e *env) names(t *testing.T) (names []string) {
	t.Helper()
	pods, err := e.controllers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, pod := range pods {
		names = append(names, pod.Name)
	}
	slices.Sort(names)
	return names
}

// churn changes what pods are not: it rolls Deployments out, labels namespaces and edits the catalogue.
type churn struct {
	rollouts, labels, exporters atomic.Int64
	stop                        func()

	mu    sync.Mutex
	wrong []string
}

func (e *env) startChurn(t *testing.T, l *load) *churn {
	t.Helper()
	l.rollOut(t)
	toggled := l.annotated + "-toggled"
	e.namespace(t, toggled, false)
	c := &churn{}
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	repeat := func(every time.Duration, n *atomic.Int64, do func(i int64) error) {
		all.Go(func() {
			tick := time.NewTicker(every)
			defer tick.Stop()
			for ctx.Err() == nil {
				if err := do(n.Add(1)); err != nil && ctx.Err() == nil {
					c.note(err)
				}
				select {
				case <-ctx.Done():
				case <-tick.C:
				}
			}
		})
	}
	repeat(8*time.Second, &c.rollouts, func(i int64) error {
		patch := fmt.Appendf(nil, `{"spec":{"template":{"metadata":{"annotations":{"example.org/run":"%d"}}}}}`, i)
		_, err := e.client.AppsV1().Deployments(l.rolled).Patch(ctx, "rolled-1", types.MergePatchType, patch, metav1.PatchOptions{})
		return err
	})
	repeat(time.Second, &c.labels, func(i int64) error {
		label := []string{`"enabled"`, `"disabled"`, `null`}[i%3]
		patch := fmt.Appendf(nil, `{"metadata":{"labels":{"outrider.dev/inject":%s},"annotations":{"outrider.dev/deny":"exporter-%d"}}}`, label, i%7)
		_, err := e.client.CoreV1().Namespaces().Patch(ctx, toggled, types.MergePatchType, patch, metav1.PatchOptions{})
		return err
	})
	repeat(2*time.Second, &c.exporters, func(i int64) error {
		manifest := fmt.Appendf(nil, custom, 11211+i%5)
		if i%4 == 0 {
			return e.applier.Delete(ctx, manifest)
		}
		return e.applier.Apply(ctx, manifest)
	})
	c.stop = sync.OnceFunc(func() {
		cancel()
		all.Wait()
		if err := e.applier.Delete(context.Background(), fmt.Appendf(nil, custom, 11211)); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(c.stop)
	return c
}

func (c *churn) note(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wrong = append(c.wrong, err.Error())
}

// clean holds that nothing refused the changes.
func (c *churn) clean(t *testing.T) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.wrong) > 0 {
		t.Errorf("%d changes failed: %s", len(c.wrong), strings.Join(c.wrong[:min(3, len(c.wrong))], "; "))
	}
}
