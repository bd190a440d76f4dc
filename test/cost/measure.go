//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/test/sandbox"
)

// measured is what an exporter took beside one server.
type measured struct {
	of     string // what the server holds; empty for nothing
	count  int
	holds  map[string]int // and other things, of loads before
	series int
	// essential are the series that the profile of that name keeps.
	essential int
	kept      []string      // their names
	cpu       time.Duration // of one scrape
	memory    int64         // bytes
}

func (m measured) String() string {
	if m.of == "" {
		return "empty"
	}
	return fmt.Sprintf("%d × %s", m.count, m.of)
}

// scrapes are those over which CPU is measured, whose clock has steps of 10 ms.
const scrapes = 50

// measure measures the empty server and then each load.
func (e entry) measure(ctx context.Context) ([]measured, error) {
	var all []measured
	for _, l := range append([]load{{}}, e.Loads...) {
		m, err := e.measureBoth(ctx, l)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", measured{of: l.Of, count: l.Count}, err)
		}
		all = append(all, m)
	}
	return all, nil
}

// measureBoth measures the profile full, and counts what the profile essential keeps of it. Where that has
// settings of its own, an exporter with them must still serve all that it keeps.
func (e entry) measureBoth(ctx context.Context, l load) (measured, error) {
	m, err := e.measureOne(ctx, l, sidecars.Full)
	spec, _ := sidecars.Builtin().Spec(e.Exporter)
	if err != nil || len(spec.Essential.Args)+len(spec.Essential.Env) == 0 {
		return m, err
	}
	less, err := e.measureOne(ctx, l, sidecars.Essential)
	if err != nil {
		return m, fmt.Errorf("profile essential: %w", err)
	}
	for _, name := range m.kept {
		if !slices.Contains(less.kept, name) {
			return m, fmt.Errorf("spec.essential loses %s, which rules or dashboards ask for", name)
		}
	}
	m.essential = less.essential
	return m, nil
}

func (e entry) measureOne(ctx context.Context, l load, profile sidecars.Profile) (m measured, err error) {
	options := sandbox.Options{Values: e.Values, Files: e.Files}
	if l.Files != nil {
		options.Files = l.Files
	}
	var running []*sandbox.Container
	defer func() {
		for i := len(running) - 1; i >= 0; i-- {
			err = errors.Join(err, running[i].Stop())
		}
	}()
	start := func(c *corev1.Container) (*sandbox.Container, error) {
		made, err := sandbox.Start(ctx, c, options)
		if err == nil {
			running = append(running, made)
		}
		return made, err
	}
	if e.Beside != nil {
		if _, err := start(e.Beside); err != nil {
			return m, err
		}
	}
	made, err := e.planned(profile)
	if err != nil {
		return m, err
	}
	for i := range made.Spec.Containers {
		if _, err := start(&made.Spec.Containers[i]); err != nil {
			return m, err
		}
	}
	server, exporter := running[len(running)-len(made.Spec.Containers)], running[len(running)-1]
	t := sandbox.EndpointOf(made)
	if err := t.Wait(ctx, running...); err != nil {
		return m, err
	}
	if l.Run != "" {
		if _, err := server.Exec(ctx, nil, "sh", "-c", l.Run); err != nil {
			return m, fmt.Errorf("load: %w", err)
		}
	}
	m = measured{of: l.Of, count: l.Count, holds: l.Holds}
	names, err := t.Settled(ctx)
	m.series, m.kept = len(names), kept(e.Exporter, names)
	m.essential = len(m.kept)
	if err != nil || exporter == server {
		return m, err
	}
	before, err := exporter.Usage()
	if err != nil {
		return m, err
	}
	for range scrapes {
		if _, err := t.Series(ctx); err != nil {
			return m, err
		}
	}
	after, err := exporter.Usage()
	m.cpu, m.memory = (after.CPU-before.CPU)/scrapes, after.Resident
	return m, err
}
