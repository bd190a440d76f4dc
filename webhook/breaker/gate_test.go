package breaker

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func newGate(probes int) (*gate, *time.Time, *string) {
	now, definition := at(0), "v1"
	g := &gate{now: func() time.Time { return now }, definition: func(string) string { return definition }, probes: probes, window: time.Minute}
	return g, &now, &definition
}

func redis(namespace string, until int) Suspension {
	return Suspension{Exporter: "redis", Namespace: namespace, Definition: "v1", Reason: "ImagePullBackOff", Message: `Back-off pulling image "x:1".`, Until: at(until), Trips: 1}
}

// holds says whether the gate holds redis back in a namespace: before a plan, and
// when the plan injects it.
func holds(t *testing.T, g *gate, namespace string) bool {
	t.Helper()
	_, before := g.Suspended(namespace)["redis"]
	after := g.Try(namespace, "redis") != ""
	if before != after {
		t.Errorf("suspended %v, and tried anyway %v", before, !after)
	}
	return before
}

func TestGate(t *testing.T) {
	g, now, definition := newGate(1)
	if holds(t, g, "a") {
		t.Error("an exporter that works is held back")
	}
	g.load([]Suspension{redis("a", 60)})
	if !holds(t, g, "a") || holds(t, g, "b") {
		t.Error("it is not the suspended namespace alone that is held back")
	}
	want := `its containers failed in this namespace (ImagePullBackOff: Back-off pulling image "x:1"); it is tried again on a pod from 2026-03-01T12:01:00Z on, and at once with another definition`
	if got := g.Suspended("a")["redis"]; got != want {
		t.Errorf("it says %q, want %q", got, want)
	}
	*definition = "v2"
	if holds(t, g, "a") {
		t.Error("another definition is held back")
	}
	*definition = "v1"
	*now = at(60)
	if holds(t, g, "a") {
		t.Error("a half-open suspension lets nothing through")
	}
	if !holds(t, g, "a") {
		t.Error("a window has more probes than it should")
	}
	if got := g.Suspended("a")["redis"]; !strings.Contains(got, "it is being tried on another pod") {
		t.Errorf("half-open it says %q", got)
	}
	*now = at(119)
	if !holds(t, g, "a") {
		t.Error("the probes come back too early")
	}
	*now = at(120)
	if holds(t, g, "a") || !holds(t, g, "a") {
		t.Error("after a window without a verdict there are no probes again")
	}
	g.load([]Suspension{redis("a", 200)})
	if !holds(t, g, "a") || len(g.taken) != 0 {
		t.Errorf("the suspension that followed does not hold; probes taken: %v", g.taken)
	}
	g.load([]Suspension{redis("", 200), redis("a", 100)})
	if !holds(t, g, "a") || !holds(t, g, "b") {
		t.Error("a suspension in all namespaces does not hold in each")
	}
	g.load(nil)
	if holds(t, g, "a") {
		t.Error("a suspension that ended holds")
	}
}

// However many pods come at once, a window has its probes and no more.
func TestProbesAreBounded(t *testing.T) {
	g, now, _ := newGate(3)
	*now = at(61)
	g.load([]Suspension{redis("", 60)})
	var through atomic.Int32
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if g.Suspended("a")["redis"] == "" && g.Try("a", "redis") == "" {
				through.Add(1)
			}
		})
	}
	all.Wait()
	if n := through.Load(); n != 3 {
		t.Errorf("%d pods were let through, want 3", n)
	}
}
