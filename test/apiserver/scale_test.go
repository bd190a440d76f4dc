package apiserver_test

import (
	"flag"
	"testing"
	"time"

	"github.com/outrider-dev/outrider/test/child"
	"github.com/outrider-dev/outrider/test/population"
)

// scale is how many pods TestCoverageMemory makes. The budget is for 20000, which takes a minute or two.
var scale = flag.Int("scale", 2000, "pods in the API server for the test of the controller's memory")

// Budgets of the controller's resident memory.
const (
	budgetAtRest = 60 << 20
	budgetFull   = 120 << 20 // at fullScale pods
	fullScale    = 20000
)

// The leader's memory with many pods, of which one in twenty is monitored, stays within the budget: right after it has
// listed all of them, which is when it needs most.
func TestCoverageMemory(t *testing.T) {
	f := newCovered(t)
	idle := f.launch(t, "--log-level=info")
	idle.covers(t, "default")
	rest := idle.usage(t).Peak
	idle.stop()
	filler, err := population.NewFiller(f.Config(), "team-1", "team-2", "team-3")
	if err != nil {
		t.Fatal(err)
	}
	if err := filler.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := filler.Fill(t.Context(), 0, *scale); err != nil {
		t.Fatal(err)
	}
	t.Logf("figure: %d pods created in %s", *scale, time.Since(began).Round(time.Second))

	ctl := f.launch(t, "--log-level=info")
	t.Cleanup(ctl.stop)
	began = time.Now()
	ctl.gauge(t, `outrider_coverage_pods{exporter="redis"`, float64(population.Count(*scale)))
	t.Logf("figure: all known %s after it was ready", time.Since(began).Round(100*time.Millisecond))
	used := ctl.usage(t)
	t.Logf("figure: controller's memory with %d pods, %d of them monitored: %d MiB, at most %d MiB; without pods at most %d MiB", *scale, population.Count(*scale), used.Resident>>20, used.Peak>>20, rest>>20)
	if rest > budgetAtRest {
		t.Errorf("%d MiB at rest, the budget is %d MiB", rest>>20, budgetAtRest>>20)
	}
	// What pods cost beyond a fixed share of the budget, so that a smaller scale finds a leak of kilobytes for each too.
	if most := int64(budgetAtRest + (budgetFull-budgetAtRest)/fullScale*(*scale)); used.Peak > most {
		t.Errorf("%d MiB with %d pods, the budget is %d MiB", used.Peak>>20, *scale, most>>20)
	}
}

// usage is what the controller has cost so far.
func (c *controller) usage(t *testing.T) child.Usage {
	t.Helper()
	u, err := child.UsageOf(c.process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
