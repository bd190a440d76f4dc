package coverage

import (
	"fmt"

	"github.com/outrider-dev/outrider/sidecars"
)

// State is how a pod came out of admission, for one exporter.
type State string

// The states.
const (
	Injected  State = "injected"  // it has the exporter, or is known as serving metrics itself
	Missed    State = "missed"    // it asked, or its namespace did, and nobody answered
	Stale     State = "stale"     // it has an older definition than the one in force
	Refused   State = "refused"   // it asked and cannot have it, see the Reason
	Suspended State = "suspended" // it would have it if the exporter were not suspended
)

// states in the order in which they are shown.
var states = []State{Injected, Missed, Stale, Refused, Suspended}

// Names that stand in the place of an exporter's.
const (
	unknown   = "unknown"   // names that the catalog does not have: users make them up
	endpoints = "endpoints" // the pod's own endpoints, which outrider.dev/scrape names
)

// exporterName is a decision's exporter as far as it may become the value of a
// label.
func exporterName(d sidecars.Decision, c sidecars.Catalog) string {
	if d.Exporter == "" && d.Key == sidecars.ScrapeKey {
		return endpoints
	}
	if c.Definition(d.Exporter) == "" {
		return unknown
	}
	return d.Exporter
}

// entriesOf are the entries of a pod's decisions; monitored says what one is that gives the pod an exporter.
func entriesOf(decisions []sidecars.Decision, c sidecars.Catalog, monitored func(*entry, sidecars.Decision)) []entry {
	var entries []entry
	for _, d := range decisions {
		e := entry{exporter: exporterName(d, c), reason: d.Reason, message: d.Message}
		switch d.Outcome {
		case sidecars.Injected, sidecars.Discovered:
			monitored(&e, d)
		case sidecars.Refused:
			e.state = refusal(d)
		default:
			continue
		}
		entries = append(entries, e)
	}
	return entries
}

// admitted are the entries of a pod that has a status.
func admitted(status []sidecars.Decision, c sidecars.Catalog) []entry {
	entries := entriesOf(status, c, func(e *entry, d sidecars.Decision) {
		e.state, e.native = Injected, d.Endpoint != "" || d.Outcome == sidecars.Discovered
		// One whose definition is gone runs on, and a restart would lose it.
		// An attached one lasts as long as its pod, which is not to be restarted.
		if now := c.Definition(d.Exporter); now != "" && d.Reason != sidecars.Attached && d.Definition != "" && d.Definition != now {
			e.state = Stale
		}
	})
	for i := range entries {
		entries[i].reported = true
	}
	return entries
}

// judged are the entries of a pod without a status, from what would be decided
// for it now: what would be injected was missed, and what would be refused is
// refused, so that nobody restarts it for nothing.
func judged(now []sidecars.Decision, c sidecars.Catalog) []entry {
	return entriesOf(now, c, func(e *entry, _ sidecars.Decision) {
		e.state, e.message = Missed, "created before it was asked for, or while Outrider was away"
	})
}

// left are the entries of a pod without a status that the API server's policies left,
// where there is no webhook: what would be injected is refused, and stays so.
func left(word string, entries []entry) []entry {
	text := sidecars.Left(word, true)
	if text == "" { // the policies did not look at it, or it is no word of theirs
		return entries
	}
	for i := range entries {
		if e := &entries[i]; e.state == Missed {
			e.state, e.reason, e.message = Refused, sidecars.LeftByPolicies, fmt.Sprintf("%s: left without an exporter (%s): %s", e.exporter, word, text)
		}
	}
	return entries
}

func refusal(d sidecars.Decision) State {
	if d.Reason == sidecars.Suspended {
		return Suspended
	}
	return Refused
}
