package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/outrider-dev/outrider/test/child"
	"github.com/outrider-dev/outrider/test/cluster/progress"
	"github.com/outrider-dev/outrider/test/population"
	"github.com/outrider-dev/outrider/test/relay"
)

// program is what is measured beside the Prometheis.
const program = "controller"

// figure is what one program cost among so many pods.
type figure struct {
	Pods, Monitored int
	Variant         string
	Targets         int           // of monitored pods
	Heap            int64         // live bytes; 0 for the controller
	Peak            int64         // most resident bytes until all was found
	CPU             time.Duration // from its start until all was found
	Received        int64         // bytes from the API server until then
	SweepCPU        time.Duration // of the controller, until its first sweep over pods without the label has ended; not in the CSV
	SweepReceived   int64         // bytes from the API server until then; not in the CSV
	ChurnCPU        time.Duration // in the time of the churn
	ChurnReceived   int64         // bytes from the API server in that time
	ChurnEvents     int           // changes of objects that Prometheus received in that time
}

// churn is how often the status of a pod changes that is not monitored, and for how long.
type churn struct {
	rate int // a second
	time time.Duration
}

// subject is a program under measurement.
type subject struct {
	figure
	*child.Process
	relay *relay.Relay
	prom  *server // nil for the controller
	stop  func()
}

// measure grows the cluster to n pods and returns what each variant and the controller cost there. The Prometheis start one
// after the other and then stand the same churn together.
func (c *cluster) measure(ctx context.Context, n int, churn churn) ([]figure, error) {
	if err := c.grow(ctx, n); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "outrider-scale-")
	if err != nil {
		return nil, fmt.Errorf("make a folder: %w", err)
	}
	defer os.RemoveAll(dir)
	subjects, err := c.findAll(ctx, dir, n)
	defer func() {
		for _, s := range subjects {
			s.stop()
		}
	}()
	if err != nil {
		return nil, err
	}
	if err := agree(ctx, subjects); err != nil {
		return nil, err
	}
	s, err := c.cover(ctx, dir, subjects[slices.Index(variants, outrider)].prom.address, n)
	if err != nil {
		return nil, fmt.Errorf("the controller with %d pods: %w", n, err)
	}
	subjects = append(subjects, s)
	if err := c.stand(ctx, subjects, n, churn); err != nil {
		return nil, err
	}
	var figures []figure
	for _, s := range subjects {
		figures = append(figures, s.figure)
	}
	return figures, nil
}

// findAll starts every variant: one after the other, unless the cluster is in a hurry. It also returns those that it has
// started when another fails.
func (c *cluster) findAll(ctx context.Context, dir string, n int) ([]*subject, error) {
	subjects, errs := make([]*subject, len(variants)), make([]error, len(variants))
	var wg sync.WaitGroup
	for i, variant := range variants {
		wg.Go(func() {
			var err error
			if subjects[i], err = c.find(ctx, filepath.Join(dir, fmt.Sprint(i)), variant, n); err != nil {
				errs[i] = fmt.Errorf("%s with %d pods: %w", variant, n, err)
			}
		})
		if !c.hurry {
			wg.Wait()
		}
	}
	wg.Wait()
	return slices.DeleteFunc(subjects, func(s *subject) bool { return s == nil }), errors.Join(errs...)
}

// find starts a Prometheus and waits until it has found what it looks for.
func (c *cluster) find(ctx context.Context, dir, variant string, n int) (_ *subject, err error) {
	defer progress.Start(ctx, "%s finds %d of %d pods", variant, population.Count(n), n)()
	s := &subject{figure: figure{Pods: n, Monitored: population.Count(n), Variant: variant}}
	if s.relay, err = relay.Start("127.0.0.1", 0, c.host()); err != nil {
		return nil, err
	}
	s.stop = s.relay.Close
	defer func() {
		if err != nil {
			s.stop()
		}
	}()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make a folder: %w", err)
	}
	kubeconfig, err := c.admin(dir, s.relay.Address())
	if err != nil {
		return nil, err
	}
	jobs, err := jobs(variant, n)
	if err != nil {
		return nil, err
	}
	if s.prom, err = startServer(ctx, dir, configuration(jobs, kubeconfig, "1d")); err != nil {
		return nil, err
	}
	s.Process, s.stop = s.prom.Process, func() { s.prom.stop(); s.relay.Close() }
	if variant != empty {
		s.Targets = s.Monitored
	}
	cost, err := s.prom.settle(ctx, s.Targets+extra(variant))
	if err != nil {
		return nil, err
	}
	s.CPU, s.Peak, s.Received = cost.CPU, cost.Peak, s.relay.Received.Load()
	if s.Heap, err = s.prom.live(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// cover starts the controller and waits until it knows what became of every monitored pod.
func (c *cluster) cover(ctx context.Context, dir, prometheus string, n int) (*subject, error) {
	defer progress.Start(ctx, "the controller looks at %d pods", n)()
	ctl, err := c.startController(ctx, dir, prometheus)
	if err != nil {
		return nil, err
	}
	s := &subject{figure: figure{Pods: n, Monitored: population.Count(n), Variant: program}, Process: ctl.Process, relay: ctl.relay, stop: ctl.stop}
	s.Targets = s.Monitored
	if err := ctl.knows(ctx, s.Monitored); err != nil {
		s.stop()
		return nil, err
	}
	now, err := s.Usage()
	if err != nil {
		s.stop()
		return nil, err
	}
	s.CPU, s.Peak, s.Received = now.CPU, now.Peak, s.relay.Received.Load()
	if err := s.sweep(ctx); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

// quiet is how long the controller receives next to nothing when no sweep is under way: it is longer than between two pages of one.
const quiet = 8 * time.Second

// sweep waits until the controller's first sweep over the pods without the label has ended, which is of those from before the
// policies, and adds what it cost.
func (s *subject) sweep(ctx context.Context) error {
	defer progress.Start(ctx, "the controller sweeps over the pods without the label")()
	before, since := s.relay.Received.Load(), time.Now()
	for time.Since(since) < quiet {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
		if now := s.relay.Received.Load(); now > before+housekeeping {
			before, since = now, time.Now()
		}
	}
	now, err := s.Usage()
	if err != nil {
		return err
	}
	s.SweepCPU, s.SweepReceived, s.Peak = now.CPU-s.CPU, s.relay.Received.Load()-s.Received, now.Peak
	return nil
}

// stand has pods change that are not monitored, and adds to each figure what that cost.
func (c *cluster) stand(ctx context.Context, subjects []*subject, n int, churn churn) error {
	defer progress.Start(ctx, "%d changes a second of pods that are not monitored", churn.rate)()
	for _, s := range subjects {
		if err := s.count(-1); err != nil {
			return err
		}
	}
	during, end := context.WithTimeout(ctx, churn.time)
	defer end()
	made, err := c.filler.Churn(during, n, churn.rate)
	if err != nil {
		return err
	}
	if want := int(churn.time.Seconds() * float64(churn.rate)); made < want/2 {
		return fmt.Errorf("only %d of %d changes were made: the machine is too busy to measure anything", made, want)
	} else if made < want*9/10 {
		progress.Say(ctx, "only %d of %d changes were made", made, want)
	}
	for _, s := range subjects {
		if err := s.count(1); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// count adds sign times what the subject has cost so far to the figures of the churn.
func (s *subject) count(sign int) error {
	now, err := s.Usage()
	if err != nil {
		return err
	}
	s.ChurnCPU += time.Duration(sign) * now.CPU
	s.ChurnReceived += int64(sign) * s.relay.Received.Load()
	if s.prom == nil {
		s.Peak = max(s.Peak, now.Peak)
		return nil
	}
	events, err := s.prom.events()
	s.ChurnEvents += sign * events
	return err
}

// agree requires that the variants which find the monitored pods scrape the same addresses.
func agree(ctx context.Context, subjects []*subject) error {
	var want map[string]bool
	for _, s := range subjects {
		if s.Variant == empty {
			continue
		}
		got, err := s.prom.urls(ctx, func(pool string) bool { return s.Variant != usual || pool == "annotated-pods" })
		if err != nil {
			return err
		}
		if want == nil {
			want = got
		}
		if len(got) != s.Monitored {
			return fmt.Errorf("%s scrapes %d addresses, not %d", s.Variant, len(got), s.Monitored)
		}
		for url := range got {
			if !want[url] {
				return fmt.Errorf("%s scrapes %s, which the others do not", s.Variant, url)
			}
		}
	}
	return nil
}
