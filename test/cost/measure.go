//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/test/servers"
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
func measure(ctx context.Context, e servers.Entry) ([]measured, error) {
	var all []measured
	for _, l := range append([]servers.Load{{}}, e.Loads...) {
		m, err := measureBoth(ctx, e, l)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", measured{of: l.Of, count: l.Count}, err)
		}
		all = append(all, m)
	}
	return all, nil
}

// measureBoth measures the profile full, and counts what the profile essential keeps of it. Where that has
// settings of its own, an exporter with them must still serve all that it keeps.
func measureBoth(ctx context.Context, e servers.Entry, l servers.Load) (measured, error) {
	m, err := measureOne(ctx, e, l, sidecars.Full)
	spec, _ := sidecars.Builtin().Spec(e.Exporter)
	if err != nil || len(spec.Essential.Args)+len(spec.Essential.Env) == 0 {
		return m, err
	}
	less, err := measureOne(ctx, e, l, sidecars.Essential)
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

func measureOne(ctx context.Context, e servers.Entry, l servers.Load, profile sidecars.Profile) (m measured, err error) {
	running, err := e.Start(ctx, l, profile)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, running.Stop()) }()
	m = measured{of: l.Of, count: l.Count, holds: l.Holds}
	names, err := running.Endpoint.Settled(ctx)
	m.series, m.kept = len(names), kept(e.Exporter, names)
	m.essential = len(m.kept)
	if err != nil || running.Exporter == running.Server {
		return m, err
	}
	before, err := running.Exporter.Usage()
	if err != nil {
		return m, err
	}
	for range scrapes {
		if _, err := running.Endpoint.Series(ctx); err != nil {
			return m, err
		}
	}
	after, err := running.Exporter.Usage()
	m.cpu, m.memory = (after.CPU-before.CPU)/scrapes, after.Resident
	return m, err
}
