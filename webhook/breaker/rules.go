package breaker

import (
	"maps"
	"slices"
	"time"
)

// Rules are when an exporter is suspended, and when it comes back.
type Rules struct {
	// Pods that fail in a row in one namespace suspend the exporter there. Default 3.
	Pods int
	// Timeout is how long a single pod may be held up by nothing but the exporter
	// before that suspends it, too: a rollout that keeps all its pods shows one
	// such pod and then waits. Default 60s.
	Timeout time.Duration
	// Stable is how long an exporter has to run to count as healthy. Default 60s.
	Stable time.Duration
	// Namespaces in which it is suspended suspend it everywhere. Default 3.
	Namespaces int
	// Backoff is how long the first suspension lasts; each further one lasts
	// twice as long, up to MaxBackoff. Defaults 1m and 1h.
	Backoff, MaxBackoff time.Duration
}

// DefaultRules are the defaults of Rules.
func DefaultRules() Rules {
	return Rules{Pods: 3, Timeout: time.Minute, Stable: time.Minute, Namespaces: 3, Backoff: time.Minute, MaxBackoff: time.Hour}
}

// transitionKind says what became of a suspension.
type transitionKind string

// The kinds of transition.
const (
	tripped  transitionKind = "tripped"  // it begins
	reopened transitionKind = "reopened" // a pod that it was tried on failed
	widened  transitionKind = "widened"  // those of several namespaces became one for all
	closed   transitionKind = "closed"   // the exporter works again
	lifted   transitionKind = "lifted"   // its definition is another one, or gone
)

// transition is what became of a suspension, to be logged and reported.
type transition struct {
	kind       transitionKind
	suspension Suspension
	// Pods that failed, where that is why.
	pods []Observation
}

// judge returns which suspensions there are to be now, and what changed. It depends
// on its arguments alone: the suspensions so far, what all pods show, and the
// hash of each exporter's definition in force.
func (r Rules) judge(before []Suspension, seen []Observation, definition func(exporter string) string, now time.Time) (after []Suspension, changes []transition) {
	j := judgement{Rules: r, now: now, held: map[key]Suspension{}, evidence: map[key]*evidence{}}
	j.weigh(seen, definition)
	for _, s := range ordered(slices.Clone(before)) {
		j.reconsider(s, definition)
	}
	j.trip()
	j.widen()
	for _, s := range j.held {
		after = append(after, s)
	}
	return ordered(after), j.changes
}

// lasts is how long the given suspension in a row holds.
func (r Rules) lasts(trips int) time.Duration {
	d := r.Backoff
	for i := 1; i < trips && d < r.MaxBackoff; i++ {
		d *= 2
	}
	return min(d, r.MaxBackoff)
}

// until is when a suspension of now becomes half-open, in whole seconds: times of
// pods have no fractions, and those of a probe must not look older than it is.
func (r Rules) until(trips int, now time.Time) time.Time {
	at := now.UTC().Add(r.lasts(trips))
	if whole := at.Truncate(time.Second); whole.Before(at) {
		return whole.Add(time.Second)
	}
	return at
}

// evidence is what the pods of one namespace, or of all, show of one exporter's
// definition in force.
type evidence struct {
	failing []Observation
	worked  time.Time // the last start of one that is healthy; zero without any
}

// inARow are the pods that fail and were created after the exporter last
// started well.
func (e *evidence) inARow() []Observation {
	return slices.DeleteFunc(slices.Clone(e.failing), func(o Observation) bool { return e.worked.After(o.Created) })
}

// judgement is one call of judge.
type judgement struct {
	Rules
	now      time.Time
	held     map[key]Suspension
	evidence map[key]*evidence // with an empty namespace: of all of them
	keys     []key             // of namespaces, in order
	changes  []transition
}

func (j *judgement) weigh(seen []Observation, definition func(string) string) {
	for _, o := range seen {
		if o.Definition == "" || o.Definition != definition(o.Exporter) {
			continue
		}
		for _, k := range []key{{o.Exporter, o.Namespace}, {o.Exporter, ""}} {
			e := j.evidence[k]
			if e == nil {
				e = &evidence{}
				j.evidence[k] = e
				if k.namespace != "" {
					j.keys = append(j.keys, k)
				}
			}
			switch {
			case o.Health == Failing:
				e.failing = append(e.failing, o)
			case o.Health == Healthy && o.Started.After(e.worked):
				e.worked = o.Started
			}
		}
	}
	slices.SortFunc(j.keys, compareKeys)
}

func (j *judgement) of(k key) *evidence {
	if e := j.evidence[k]; e != nil {
		return e
	}
	return &evidence{}
}

// reconsider closes, prolongs or keeps one suspension.
func (j *judgement) reconsider(s Suspension, definition func(string) string) {
	if definition(s.Exporter) != s.Definition {
		j.changes = append(j.changes, transition{kind: lifted, suspension: s})
		return
	}
	e := j.of(s.key())
	works := e.worked.After(s.Failed)
	if s.halfOpen(j.now) {
		tried := slices.DeleteFunc(e.inARow(), func(o Observation) bool { return !s.tried(o) })
		// Everywhere, one place where it works is enough: where it does not, it is
		// suspended on its own.
		if len(tried) > 0 && (!works || s.Namespace != "") {
			s.Trips++
			s.Until = j.until(s.Trips, j.now)
			s.because(tried)
			j.held[s.key()] = s
			j.changes = append(j.changes, transition{kind: reopened, suspension: s, pods: tried})
			return
		}
	}
	if works {
		j.changes = append(j.changes, transition{kind: closed, suspension: s})
		return
	}
	j.held[s.key()] = s
}

// trip suspends where pods failed in a row, or one has waited long enough.
func (j *judgement) trip() {
	for _, k := range j.keys {
		_, here := j.held[k]
		_, everywhere := j.held[key{exporter: k.exporter}]
		if here || everywhere {
			continue
		}
		failed := j.of(k).inARow()
		stuck := slices.ContainsFunc(failed, func(o Observation) bool { return !o.Stuck.IsZero() && j.now.Sub(o.Stuck) >= j.Timeout })
		if len(failed) < j.Pods && !stuck {
			continue
		}
		s := Suspension{
			Exporter: k.exporter, Namespace: k.namespace, Definition: failed[0].Definition,
			Since: j.now.UTC().Truncate(time.Second), Until: j.until(1, j.now), Trips: 1,
		}
		s.because(failed)
		j.held[k] = s
		j.changes = append(j.changes, transition{kind: tripped, suspension: s, pods: failed})
	}
}

// widen makes the suspensions of several namespaces one for all: of those where
// it failed after it last started well anywhere.
func (j *judgement) widen() {
	of := map[string][]Suspension{}
	for _, s := range j.held {
		if s.Namespace != "" && !j.of(key{exporter: s.Exporter}).worked.After(s.Failed) {
			of[s.Exporter] = append(of[s.Exporter], s)
		}
	}
	for _, exporter := range slices.Sorted(maps.Keys(of)) {
		list := ordered(of[exporter])
		if _, everywhere := j.held[key{exporter: exporter}]; everywhere || len(list) < j.Namespaces {
			continue
		}
		all := list[0]
		for _, s := range list {
			delete(j.held, s.key())
			if s.Failed.After(all.Failed) {
				all.Failed, all.Reason = s.Failed, s.Reason
			}
			if s.Until.After(all.Until) {
				all.Until = s.Until
			}
			all.Trips = max(all.Trips, s.Trips)
		}
		all.Namespace = ""
		all.Message = "" // one namespace's text is not for all
		// A pod that was let in where nothing was suspended is no probe of this one.
		for _, o := range j.of(all.key()).failing {
			if o.Created.After(all.Failed) {
				all.Failed = o.Created.UTC()
			}
		}
		j.held[all.key()] = all
		j.changes = append(j.changes, transition{kind: widened, suspension: all})
	}
}
