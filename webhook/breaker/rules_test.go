package breaker

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var begin = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// at is a time, in seconds after the beginning.
func at(seconds int) time.Time { return begin.Add(time.Duration(seconds) * time.Second) }

// failed, stuck and works are what pods of the exporter redis, definition v1, show.
func failed(ns string, created int) Observation {
	return Observation{Namespace: ns, Pod: fmt.Sprint("p", created), Exporter: "redis", Definition: "v1", Health: Failing, Created: at(created), Reason: "ImagePullBackOff"}
}

func stuck(ns string, created, since int) Observation {
	o := failed(ns, created)
	o.Stuck = at(since)
	return o
}

func works(ns string, created, started int) Observation {
	return Observation{Namespace: ns, Pod: fmt.Sprint("p", created), Exporter: "redis", Definition: "v1", Health: Healthy, Created: at(created), Started: at(started)}
}

func young(ns string, created int) Observation {
	return Observation{Namespace: ns, Exporter: "redis", Definition: "v1", Health: Unproven, Created: at(created)}
}

func of(definition string, all ...Observation) []Observation {
	for i := range all {
		all[i].Definition = definition
	}
	return all
}

// step is what is seen at a time, under a definition (v1 where empty), and what
// is reported of it: "kind namespace trips".
type step struct {
	at         int
	definition string
	seen       []Observation
	changes    []string
	held       []string // namespaces afterwards
}

func TestJudge(t *testing.T) {
	three := []Observation{failed("a", 1), failed("a", 2), failed("a", 3)}
	tripped := step{at: 10, seen: three, changes: []string{"tripped a 1"}, held: []string{"a"}}
	for name, steps := range map[string][]step{
		"nothing":           {{at: 10}},
		"two pods":          {{at: 10, seen: three[:2]}},
		"three pods":        {tripped},
		"three namespaces":  {{at: 10, seen: []Observation{failed("a", 1), failed("b", 2), failed("c", 3)}}},
		"reported once":     {tripped, {at: 20, seen: three, held: []string{"a"}}},
		"pods go, it stays": {tripped, {at: 20, held: []string{"a"}}},
		"one waits": {
			{at: 69, seen: []Observation{stuck("a", 1, 10)}},
			{at: 70, seen: []Observation{stuck("a", 1, 10)}, changes: []string{"tripped a 1"}, held: []string{"a"}},
		},
		"one fails, but is not what the pod waits for": {{at: 700, seen: []Observation{failed("a", 1)}}},
		"worked since":                   {{at: 100, seen: append([]Observation{works("a", 4, 5)}, three...)}},
		"worked before":                  {{at: 100, seen: append([]Observation{works("a", 0, 1)}, three...), changes: []string{"tripped a 1"}, held: []string{"a"}}},
		"worked meanwhile":               {{at: 100, seen: append([]Observation{works("a", 1, 2)}, three...)}},
		"works elsewhere":                {{at: 100, seen: append([]Observation{works("b", 4, 5)}, three...), changes: []string{"tripped a 1"}, held: []string{"a"}}},
		"a stuck one among healthy ones": {{at: 100, seen: []Observation{stuck("a", 1, 2), works("a", 3, 4)}}},
		"too young to tell":              {{at: 100, seen: append([]Observation{young("a", 4)}, three...), changes: []string{"tripped a 1"}, held: []string{"a"}}},
		"young, and then well": {
			{at: 10, seen: append([]Observation{young("a", 4)}, three...), changes: []string{"tripped a 1"}, held: []string{"a"}},
			{at: 64, seen: append([]Observation{works("a", 4, 4)}, three...), changes: []string{"closed a 1"}},
		},
		"another definition": {{at: 10, seen: of("v0", failed("a", 1), failed("a", 2), failed("a", 3))}},
		"definition changes": {tripped, {at: 20, definition: "v2", seen: three, changes: []string{"lifted a 1"}}},
		"definition changes and fails too": {tripped,
			{at: 20, definition: "v2", seen: append(of("v2", failed("a", 15), failed("a", 16), failed("a", 17)), three...),
				changes: []string{"lifted a 1", "tripped a 1"}, held: []string{"a"}},
		},
		"exporter goes": {tripped, {at: 20, definition: "none", changes: []string{"lifted a 1"}}},
		"probe fails, and fails, and works": {tripped,
			{at: 69, seen: three, held: []string{"a"}},
			{at: 75, seen: append([]Observation{young("a", 71)}, three...), held: []string{"a"}},
			{at: 80, seen: append([]Observation{failed("a", 71)}, three...), changes: []string{"reopened a 2"}, held: []string{"a"}},
			{at: 199, seen: []Observation{failed("a", 71)}, held: []string{"a"}},
			{at: 210, seen: []Observation{failed("a", 201)}, changes: []string{"reopened a 3"}, held: []string{"a"}},
			{at: 510, seen: []Observation{failed("a", 201), works("a", 451, 452)}, changes: []string{"closed a 3"}},
			{at: 520, seen: []Observation{failed("a", 201), works("a", 451, 452)}},
		},
		"tried, and created a moment before the probe": {tripped,
			{at: 75, seen: append([]Observation{failed("a", 65)}, three...), changes: []string{"reopened a 2"}, held: []string{"a"}}},
		"failed long before the probe":    {tripped, {at: 75, seen: append([]Observation{failed("a", 60)}, three...), held: []string{"a"}}},
		"of two probes one fails later":   {tripped, {at: 140, seen: []Observation{works("a", 71, 72), failed("a", 73)}, changes: []string{"reopened a 2"}, held: []string{"a"}}},
		"of two probes one works later":   {tripped, {at: 140, seen: []Observation{failed("a", 71), works("a", 71, 73)}, changes: []string{"closed a 1"}}},
		"a pod recovers before the probe": {tripped, {at: 65, seen: []Observation{works("a", 3, 5), failed("a", 1), failed("a", 2)}, changes: []string{"closed a 1"}}},
		"works again, and breaks again":   {tripped, {at: 140, seen: []Observation{works("a", 71, 72)}, changes: []string{"closed a 1"}}, {at: 150, seen: []Observation{works("a", 71, 72), failed("a", 141), failed("a", 142), failed("a", 143)}, changes: []string{"tripped a 1"}, held: []string{"a"}}},
		"in all namespaces":               {{at: 100, seen: []Observation{stuck("a", 1, 2), stuck("b", 1, 2), stuck("c", 1, 2)}, changes: []string{"tripped a 1", "tripped b 1", "tripped c 1", "widened  1"}, held: []string{""}}},
		"in all but where it works":       {{at: 100, seen: []Observation{stuck("a", 1, 2), stuck("b", 1, 2), stuck("c", 1, 2), works("d", 3, 4)}, changes: []string{"tripped a 1", "tripped b 1", "tripped c 1"}, held: []string{"a", "b", "c"}}},
		"in all, where it worked once":    {{at: 100, seen: []Observation{stuck("a", 5, 6), stuck("b", 5, 6), stuck("c", 5, 6), works("d", 3, 4)}, changes: []string{"tripped a 1", "tripped b 1", "tripped c 1", "widened  1"}, held: []string{""}}},
		"in all, and a probe works": {
			{at: 100, seen: []Observation{stuck("a", 1, 2), stuck("b", 1, 2), stuck("c", 1, 2)}, changes: []string{"tripped a 1", "tripped b 1", "tripped c 1", "widened  1"}, held: []string{""}},
			{at: 110, seen: []Observation{failed("d", 101), failed("d", 102), failed("d", 103)}, held: []string{""}},
			{at: 170, seen: []Observation{failed("d", 165)}, changes: []string{"reopened  2"}, held: []string{""}},
			{at: 400, seen: []Observation{works("d", 331, 332), failed("e", 333)}, changes: []string{"closed  2"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var state []Suspension
			for _, s := range steps {
				inForce := func(string) string {
					if s.definition != "" {
						return s.definition
					}
					return "v1"
				}
				after, changed := DefaultRules().judge(state, s.seen, inForce, at(s.at))
				var changes, held []string
				for _, c := range changed {
					changes = append(changes, fmt.Sprint(string(c.kind), " ", c.suspension.Namespace, " ", c.suspension.Trips))
				}
				for _, h := range after {
					held = append(held, h.Namespace)
				}
				if diff := cmp.Diff(s.changes, changes); diff != "" {
					t.Errorf("changes at %d (-want +got):\n%s", s.at, diff)
				}
				if diff := cmp.Diff(s.held, held); diff != "" {
					t.Errorf("held at %d (-want +got):\n%s", s.at, diff)
				}
				stored, err := Decode(encode(after)) // what another leader goes on from
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(after, stored); diff != "" {
					t.Errorf("stored (-before +after):\n%s", diff)
				}
				state = stored
			}
		})
	}
}

func TestSuspensionsLastLonger(t *testing.T) {
	r := DefaultRules()
	for trips, want := range map[int]time.Duration{1: time.Minute, 2: 2 * time.Minute, 4: 8 * time.Minute, 6: 32 * time.Minute, 7: time.Hour, 1000: time.Hour} {
		if got := r.lasts(trips); got != want {
			t.Errorf("suspension %d in a row lasts %s, want %s", trips, got, want)
		}
	}
	if got := r.until(1, begin.Add(time.Nanosecond)); !got.Equal(at(61)) {
		t.Errorf("a window begins at %s, between two seconds", got)
	}
}

// TestJudgeHolds plays random histories, and holds what must be true after each
// step of them.
func TestJudgeHolds(t *testing.T) {
	for seed := range uint64(300) {
		if t.Failed() {
			return
		}
		history(t, seed)
	}
}

func FuzzJudge(f *testing.F) {
	f.Fuzz(func(t *testing.T, seed uint64) { history(t, seed) })
}

func history(t *testing.T, seed uint64) {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 1))
	rules := Rules{Pods: 1 + random.IntN(4), Namespaces: 2 + random.IntN(2), Timeout: 5 * time.Second, Stable: 5 * time.Second, Backoff: 4 * time.Second, MaxBackoff: 20 * time.Second}
	namespaces := []string{"a", "b", "c", "d"}
	definition := "v1"
	inForce := func(string) string { return definition }
	var pods []Observation
	var state []Suspension
	for now := range 120 {
		if random.IntN(3) == 0 {
			o := failed(namespaces[random.IntN(4)], now)
			o.Definition = definition
			if random.IntN(2) == 0 {
				o.Stuck = at(now)
			}
			if random.IntN(4) == 0 {
				o.Health, o.Started, o.Stuck = Healthy, at(now), time.Time{}
			}
			pods = append(pods, o)
		}
		if len(pods) > 0 && random.IntN(4) == 0 {
			i := random.IntN(len(pods))
			pods = append(pods[:i:i], pods[i+1:]...)
		}
		if random.IntN(40) == 0 {
			definition = fmt.Sprint("v", now)
		}
		before := encode(state)
		after, changes := rules.judge(state, pods, inForce, at(now))
		if encode(state) != before {
			t.Fatalf("seed %d, %d: judge changed its input", seed, now)
		}
		if again, more := rules.judge(after, pods, inForce, at(now)); encode(again) != encode(after) && !onlyClosed(more) {
			t.Fatalf("seed %d, %d: a second look reports %v", seed, now, more)
		}
		for _, s := range after {
			if s.Definition != definition {
				t.Fatalf("seed %d, %d: %+v, and the definition is %s", seed, now, s, definition)
			}
			if s.Namespace != "" && workedAfterAll(pods, s) {
				t.Fatalf("seed %d, %d: %+v, although it started well after all that failed: %+v", seed, now, s, pods)
			}
		}
		for _, c := range changes {
			if (c.kind == tripped || c.kind == reopened) && len(c.pods) == 0 {
				t.Fatalf("seed %d, %d: %s without a pod that failed", seed, now, c.kind)
			}
			if d := c.suspension.Until.Sub(at(now)); c.kind == reopened && (d < rules.Backoff || d > rules.MaxBackoff) {
				t.Fatalf("seed %d, %d: it holds for %s", seed, now, d)
			}
		}
		state = after
	}
}

func onlyClosed(changes []transition) bool {
	for _, c := range changes {
		if c.kind != closed {
			return false
		}
	}
	return true
}

// workedAfterAll says that a pod of the definition started well in the namespace
// after every one that failed there.
func workedAfterAll(pods []Observation, s Suspension) bool {
	worked, last := time.Time{}, s.Failed
	for _, o := range pods {
		if o.Namespace != s.Namespace || o.Exporter != s.Exporter || o.Definition != s.Definition {
			continue
		}
		switch {
		case o.Health == Healthy && o.Started.After(worked):
			worked = o.Started
		case o.Health == Failing && o.Created.After(last):
			last = o.Created
		}
	}
	return worked.After(last)
}

func TestDecodeRefuses(t *testing.T) {
	for name, raw := range map[string]string{
		"no JSON":        "[{",
		"an object":      "{}",
		"no exporter":    `[{"definition":"x","trips":1,"until":"2026-01-01T00:00:00Z"}]`,
		"no trips":       `[{"exporter":"redis","definition":"x","until":"2026-01-01T00:00:00Z"}]`,
		"no time":        `[{"exporter":"redis","definition":"x","trips":1}]`,
		"the same twice": `[{"exporter":"redis","definition":"x","trips":1,"until":"2026-01-01T00:00:00Z"},{"exporter":"redis","definition":"x","trips":1,"until":"2026-01-01T00:00:00Z"}]`,
	} {
		if got, err := Decode(raw); err == nil || got != nil {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	if got, err := Decode(" \n"); err != nil || got != nil {
		t.Errorf("nothing: %v, %v", got, err)
	}
}
