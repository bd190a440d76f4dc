package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/prometheus/common/model"

	"github.com/outrider-dev/outrider/test/cluster/progress"
	"github.com/outrider-dev/outrider/test/promql"
)

const (
	// arrivalsNamespace is where the pods arrive whose first samples are waited for.
	arrivalsNamespace = "arrivals"
	// gap is the mean time between two arrivals. It is random, so that it keeps step with nothing.
	gap = 4 * time.Second
)

// intervals are the scrape intervals: the chart's default, and a short one.
var intervals = []time.Duration{30 * time.Second, 5 * time.Second}

// place is where pods arrive.
type place interface {
	// Kubeconfig is a file for the Prometheis.
	Kubeconfig() string
	// Arrive brings pod number i and returns when it was ready.
	Arrive(ctx context.Context, i int) (time.Time, error)
}

// observer is a Prometheus that is to find the pods.
type observer struct {
	name     string
	interval time.Duration
	prom     *promql.Client
}

// observers starts a Prometheus for each interval with our jobs, and one with the job for annotated pods.
func observers(ctx context.Context, dir string, p place) (_ []observer, stop func(), err error) {
	var servers []*server
	stop = func() {
		for _, s := range servers {
			s.stop()
		}
	}
	var all []observer
	for _, interval := range intervals {
		for _, variant := range []string{outrider, annotated} {
			jobs, err := jobs(variant, 0)
			if err != nil {
				return nil, stop, err
			}
			name := fmt.Sprintf("%s-%s", strings.ReplaceAll(variant, " ", "-"), interval)
			s, err := startServer(ctx, filepath.Join(dir, name), configuration(jobs, p.Kubeconfig(), interval.String()))
			if err != nil {
				return nil, stop, err
			}
			servers = append(servers, s)
			prom, err := promql.At("http://" + s.address)
			if err != nil {
				return nil, stop, err
			}
			all = append(all, observer{variant, interval, prom})
		}
	}
	return all, stop, nil
}

// watch brings n pods to a place and prints how long each observer took from a pod's being ready to its first sample.
func watch(ctx context.Context, w io.Writer, p place, all []observer, n int) error {
	ready, err := arriveAll(ctx, p, n)
	if err != nil {
		return err
	}
	t := tabwriter.NewWriter(w, 0, 8, 1, ' ', 0)
	fmt.Fprintln(t, "\n| what\t| scrape interval\t| pods\t| p50, s\t| p90, s\t| p99, s\t| most, s\t|")
	fmt.Fprintln(t, "|---\t|---\t|---\t|---\t|---\t|---\t|---\t|")
	for _, o := range all {
		waits, err := o.waits(ctx, ready)
		if err != nil {
			return err
		}
		fmt.Fprintf(t, "| %s\t| %s\t| %d\t| %.1f\t| %.1f\t| %.1f\t| %.1f\t|\n", o.name, o.interval, len(waits),
			quantile(waits, .5).Seconds(), quantile(waits, .9).Seconds(), quantile(waits, .99).Seconds(), waits[len(waits)-1].Seconds())
	}
	fmt.Fprintln(t)
	return t.Flush()
}

// arriveAll returns when each pod was ready, by its name.
func arriveAll(ctx context.Context, p place, n int) (map[string]time.Time, error) {
	defer progress.Start(ctx, "%d pods arrive", n)()
	ready := map[string]time.Time{}
	var first error
	var lock sync.Mutex
	var wg sync.WaitGroup
	defer wg.Wait()
	for i := range n {
		wg.Go(func() {
			at, err := p.Arrive(ctx, i)
			lock.Lock()
			defer lock.Unlock()
			if err != nil && first == nil {
				first = err
			}
			ready[arrival(i)] = at
		})
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(time.Duration(rand.Int64N(int64(2 * gap)))):
		}
	}
	wg.Wait()
	return ready, first
}

func arrival(i int) string { return fmt.Sprintf("arrival-%d", i) }

// waits are the times from each pod's being ready to its first sample, the shortest first. A sample that was taken before the
// pod was ready makes a time of 0: the target was known by then.
func (o observer) waits(ctx context.Context, ready map[string]time.Time) ([]time.Duration, error) {
	defer progress.Start(ctx, "%s has scraped all once, every %s", o.name, o.interval)()
	found := map[string]time.Duration{}
	err := poll(ctx, 2*o.interval+30*time.Second, func() error {
		series, err := o.prom.Samples(ctx, fmt.Sprintf(`up{namespace=%q}[1h]`, arrivalsNamespace))
		if err != nil {
			return err
		}
		clear(found)
		for _, s := range series {
			for _, v := range s.Values {
				name := string(s.Metric[model.LabelName("pod")])
				if at, ours := ready[name]; ours && v.Value == 1 {
					found[name] = max(0, v.Timestamp.Time().Sub(at))
					break
				}
			}
		}
		if len(found) < len(ready) {
			return fmt.Errorf("%s has samples of %d of %d pods", o.name, len(found), len(ready))
		}
		return nil
	})
	return slices.Sorted(maps.Values(found)), err
}

// quantile is the least of the sorted values that a share of them does not exceed.
func quantile(sorted []time.Duration, share float64) time.Duration {
	i := int(share*float64(len(sorted))+0.999999) - 1
	return sorted[min(max(i, 0), len(sorted)-1)]
}

// latency measures at a place that prepare makes, with files in a folder of its own.
func latency(ctx context.Context, w io.Writer, prepare func(ctx context.Context, dir string) (place, func(), error), n int) error {
	dir, err := os.MkdirTemp("", "outrider-latency-")
	if err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	defer os.RemoveAll(dir)
	p, end, err := prepare(ctx, dir)
	if err != nil {
		return err
	}
	defer end()
	all, stop, err := observers(ctx, dir, p)
	defer stop()
	if err != nil {
		return err
	}
	if beside, ok := p.(interface{ Beside() []observer }); ok {
		all = append(all, beside.Beside()...)
	}
	return watch(ctx, w, p, all, n)
}
