package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/outrider-dev/outrider/test/population"
)

// All ways of discovery find the same targets among few pods too, and changes of other pods reach those who watch them.
func TestFewPods(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: this test needs an API server")
	}
	const pods = 300
	c, err := newCluster(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.server.Stop)
	c.hurry = true
	figures, err := c.measure(t.Context(), pods, churn{rate: 50, time: 4 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	var printed strings.Builder
	if err := compare(&printed, figures); err != nil {
		t.Error(err)
	}
	t.Log(printed.String())
	of := map[string]figure{}
	for _, f := range figures {
		of[f.Variant] = f
		if f.Targets != population.Count(pods) && f.Variant != empty {
			t.Errorf("%s has %d targets, want %d", f.Variant, f.Targets, population.Count(pods))
		}
	}
	if len(of) != len(variants)+1 {
		t.Errorf("%d figures, want one of each of %q and the controller", len(of), variants)
	}
	for _, variant := range []string{annotated, usual} {
		if f := of[variant]; f.ChurnEvents < 100 || f.ChurnReceived < 10*housekeeping {
			t.Errorf("%s has heard of %d events in %d bytes: there was no churn", variant, f.ChurnEvents, f.ChurnReceived)
		}
		if of[variant].Heap <= of[outrider].Heap || of[variant].Received <= of[outrider].Received {
			t.Errorf("%s costs no more than Outrider: %+v, %+v", variant, of[variant], of[outrider])
		}
	}
	if f := of[static]; f.Received != 0 {
		t.Errorf("targets from a file cost %d bytes from the API server", f.Received)
	}
	d, err := c.divide(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	printed.Reset()
	if err := d.compare(&printed); err != nil || d.one.series < population.Count(pods)*samples {
		t.Errorf("%+v, %v", d, err)
	}
	t.Log(printed.String())
	if f := of[program]; f.Received == 0 || f.CPU == 0 || f.Peak == 0 {
		t.Errorf("the controller cost nothing: %+v", f)
	}
}

// example are figures that keep every budget.
func example() []figure {
	at := func(pods int, variant string, heap int64) figure {
		times := map[string]int64{annotated: 10_000, usual: 1_000_000}[variant]
		return figure{Pods: pods, Monitored: pods / 20, Variant: variant, Heap: heap << 20, Peak: 100 << 20, CPU: 1250 * time.Millisecond, Received: 7 * max(1, times), ChurnCPU: 30 * time.Millisecond, ChurnReceived: 39 * max(1, times)}
	}
	return []figure{
		at(1000, empty, 9), at(1000, static, 9), at(1000, outrider, 11), at(1000, annotated, 40), at(1000, usual, 70), at(1000, program, 0),
		at(20000, empty, 9), at(20000, static, 15), at(20000, outrider, 40), at(20000, annotated, 480), at(20000, usual, 1040), at(20000, program, 0),
	}
}

func TestBudgets(t *testing.T) {
	var printed strings.Builder
	if err := compare(&printed, example()); err != nil {
		t.Errorf("figures within the budgets: %v", err)
	}
	if want := "Outrider 41.9 MB, pod job 503.3 MB, 12.0 times as much; above a Prometheus without jobs 15.2 times"; !strings.Contains(printed.String(), want) {
		t.Errorf("no %q in\n%s", want, printed.String())
	}
	for want, edit := range map[string]func([]figure){
		"more than 1/10":        func(f []figure) { f[8].Heap = 57 << 20; f[10].Heap = 2000 << 20 },
		"more than 1/25":        func(f []figure) { f[10].Heap = 780 << 20 },
		"at 20000 pods, the bu": func(f []figure) { f[11].Peak = 121_000_000 },
		"until all is found we": func(f []figure) { f[11].Received = 24_000 },
		"in the churn we":       func(f []figure) { f[11].ChurnReceived = 40_000 },
		"20000 pods: Prometh":   func(f []figure) { f[8].ChurnReceived = 9000 },
		"1000 pods: Prometh":    func(f []figure) { f[2].ChurnEvents = 1 },
	} {
		figures := example()
		edit(figures)
		if err := compare(&printed, figures); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("got %v, want an error with %q and no other", err, want)
		}
	}
}

func TestDivision(t *testing.T) {
	d := division{pods: 20000, one: held{1000, 200_000, 300 << 20}, shards: []held{{340, 68_000, 120 << 20}, {330, 66_000, 118 << 20}, {330, 66_000, 118 << 20}}}
	var printed strings.Builder
	if err := d.compare(&printed); err != nil || !strings.Contains(printed.String(), "0.34 of one Prometheus' series and 0.40 of its live heap") {
		t.Errorf("%v in\n%s", err, printed.String())
	}
	for want, edit := range map[string]func(*held){
		"the shards 1001":     func(h *held) { h.targets++ },
		"a shard has 90000":   func(h *held) { h.series = 90_000 },
		"1.5 times its share": func(h *held) { h.heap = 200 << 20 },
	} {
		bad := division{d.pods, d.one, slices.Clone(d.shards)}
		edit(&bad.shards[1])
		if err := bad.compare(&printed); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
}

func TestCSVIsReadAsItWasWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "figures.csv")
	if err := writeCSV(file, example()); err != nil {
		t.Fatal(err)
	}
	got, err := readCSV(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(example(), got); diff != "" {
		t.Errorf("figures (-written +read):\n%s", diff)
	}
}

// The figures that are checked in, of which the README shows the picture, are of the sizes that the command measures.
func TestFiguresCheckedIn(t *testing.T) {
	figures, err := readCSV("figures.csv")
	if err != nil {
		t.Fatal(err)
	}
	if want := 3 * (len(variants) + 1); len(figures) != want || figures[len(figures)-1].Pods != fullScale {
		t.Errorf("%d figures, want %d, the last of %d pods; repair with: make scale", len(figures), want, fullScale)
	}
}

func TestTable(t *testing.T) {
	var printed strings.Builder
	if err := table(&printed, example(), churn{50, 30 * time.Second}); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(printed.String(), "\n|"); n != len(example())+2 {
		t.Errorf("%d rows in\n%s", n, printed.String())
	}
}

func TestParseSizes(t *testing.T) {
	if got, err := parseSizes("10, 200"); err != nil || fmt.Sprint(got) != "[10 200]" {
		t.Errorf("got %v, %v", got, err)
	}
	for _, bad := range []string{"", "0", "15", "x", "200,10", "10,"} {
		if got, err := parseSizes(bad); err == nil {
			t.Errorf("%q is read as %v", bad, got)
		}
	}
}

func TestQuantile(t *testing.T) {
	var hundred []time.Duration
	for i := range 100 {
		hundred = append(hundred, time.Duration(i+1))
	}
	for share, want := range map[float64]time.Duration{.5: 50, .9: 90, .99: 99, 1: 100, 0: 1} {
		if got := quantile(hundred, share); got != want {
			t.Errorf("quantile %v is %d, want %d", share, got, want)
		}
	}
}
