package breaker

import (
	"fmt"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/webhook/decider"
)

// gate answers admissions by the suspensions that are stored. Every replica has
// its own, and counts its own half-open probes.
type gate struct {
	definition func(exporter string) string
	now        func() time.Time
	probes     int           // pods that one window lets through
	window     time.Duration // after which there are probes again, if none was judged

	mu    sync.Mutex
	held  map[key]Suspension
	taken map[window]int

	changed chan event.GenericEvent // holds one; nil where nobody listens
}

// window is one span of time in which one half-open suspension has probes. A
// replica derives it from its own clock.
type window struct {
	key
	until  time.Time
	number int64
}

// Held are the suspended exporters, each as EXPORTER or NAMESPACE/EXPORTER and sorted,
// without those that are half-open where probing is set, and when the first of them
// becomes so; zero is never.
func (g *gate) Held(probing bool) (held []string, until time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	for k, s := range g.held {
		if g.definition(s.Exporter) != s.Definition || probing && s.halfOpen(now) {
			continue
		}
		if probing && (until.IsZero() || s.Until.Before(until)) {
			until = s.Until
		}
		name := k.exporter
		if k.namespace != "" {
			name = k.namespace + "/" + name
		}
		held = append(held, name)
	}
	slices.Sort(held)
	return held, until
}

// Changed receives an event when the suspensions have changed since it was last
// received.
func (g *gate) Changed() <-chan event.GenericEvent { return g.changed }

// load replaces the suspensions, and forgets the windows of those that ended.
func (g *gate) load(all []Suspension) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.held = make(map[key]Suspension, len(all))
	for _, s := range all {
		g.held[s.key()] = s
	}
	for t := range g.taken {
		if s, ok := g.held[t.key]; !ok || !s.Until.Equal(t.until) {
			delete(g.taken, t)
		}
	}
	select {
	case g.changed <- event.GenericEvent{Object: &corev1.ConfigMap{}}:
	default: // not received yet, or by nobody; one is enough
	}
}

// Suspended implements decider.Breaker.
func (g *gate) Suspended(namespace string) map[string]string {
	g.mu.Lock()
	defer g.mu.Unlock()
	var why map[string]string
	for k, s := range g.held {
		if k.namespace != "" && k.namespace != namespace {
			continue
		}
		if reason := g.holds(s, false); reason != "" {
			if why == nil {
				why = map[string]string{}
			}
			why[k.exporter] = reason
		}
	}
	return why
}

// Try implements decider.Breaker.
func (g *gate) Try(namespace, exporter string) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	var tried []Suspension
	for _, k := range []key{{exporter, namespace}, {exporter, ""}} {
		if s, ok := g.held[k]; ok {
			if reason := g.holds(s, false); reason != "" {
				return reason
			}
			tried = append(tried, s)
		}
	}
	for _, s := range tried {
		g.holds(s, true)
	}
	return ""
}

// holds returns why a suspension holds back now, or ""; take takes one of its
// half-open probes.
func (g *gate) holds(s Suspension, take bool) string {
	now := g.now()
	switch {
	case g.definition(s.Exporter) != s.Definition:
		return "" // what failed is not what would be injected
	case !s.halfOpen(now):
		return s.Why()
	}
	t := window{s.key(), s.Until, int64(now.Sub(s.Until) / g.window)}
	if g.taken[t] >= g.probes {
		return fmt.Sprintf("%s (%s); it is being tried on another pod", s.failure(), s.Reason)
	}
	if take {
		if g.taken == nil {
			g.taken = map[window]int{}
		}
		for earlier := range g.taken {
			if earlier.key == t.key && earlier != t {
				delete(g.taken, earlier)
			}
		}
		g.taken[t]++
	}
	return ""
}

// Stored answers by what a ConfigMap holds now, for one that only reads it.
func Stored(cm *corev1.ConfigMap, exporters interface{ Catalog() sidecars.Catalog }) (decider.Breaker, error) {
	s, err := parse(cm)
	g := &gate{definition: func(name string) string { return exporters.Catalog().Definition(name) }, now: time.Now, probes: 1, window: time.Minute}
	g.load(s.suspensions)
	return g, err
}
