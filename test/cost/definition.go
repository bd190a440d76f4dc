//go:build linux

package main

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/outrider-dev/outrider/discovery"
	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
	"github.com/outrider-dev/outrider/test/cluster/build"
)

// tolerance is by how much a number of series may be off.
const tolerance = 0.1

// kept are the series that the profile essential keeps.
func kept(exporter string, names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !discovery.Kept(exporter, name) })
}

// compare says what of a definition is off.
func compare(defined *v1alpha1.Cost, got []measured) (off []string) {
	if defined == nil {
		return []string{"the definition has no cost"}
	}
	wrong := func(format string, args ...any) { off = append(off, fmt.Sprintf(format, args...)) }
	if defined.Source != v1alpha1.Measured {
		wrong("cost.source is %s, and it can be measured", defined.Source)
	}
	want := costOf(got)
	near := func(what string, has, is int32, least float64) {
		if math.Abs(float64(has-is)) > max(least, tolerance*float64(is)) {
			wrong("%s is %d and not %d", what, is, has)
		}
	}
	near("series.base", defined.Series.Base, want.Series.Base, 0)
	near("series.essential", defined.Series.Essential, want.Series.Essential, 0)
	if len(defined.Series.Per) != len(want.Series.Per) {
		wrong("series.per has %d kinds and not %d", len(want.Series.Per), len(defined.Series.Per))
		return off
	}
	for i, per := range want.Series.Per {
		has := defined.Series.Per[i]
		if has.Of != per.Of {
			wrong("series.per[%d] is %s and not %s", i, per.Of, has.Of)
		}
		// Histograms have a bucket more or less by how busy the machine is, which is up to one for each thing.
		near("series of a "+per.Of, has.Series, per.Series, 1)
		near("essential series of a "+per.Of, has.Essential, per.Essential, 1)
	}
	if m := got[0].memory; m > 0 && (defined.Memory == nil || defined.Memory.Value() < m || defined.Memory.Value() > 2*m+1<<20) {
		wrong("memory is %s and not %s", mebi(m), defined.Memory)
	}
	if c := got[0].cpu; c > 0 && (defined.CPU == nil || 2*defined.CPU.AsApproximateFloat64() < perInterval(c)) {
		wrong("cpu is %s and not %s", milli(c), defined.CPU)
	}
	return off
}

// costOf is what was measured as a definition has it, rounded to whole series.
func costOf(got []measured) v1alpha1.Cost {
	base := got[0]
	c := v1alpha1.Cost{Source: v1alpha1.Measured, Series: v1alpha1.SeriesCost{Base: int32(base.series), Essential: int32(base.essential)}}
	for _, m := range got[1:] {
		series, essential := m.series-base.series, m.essential-base.essential
		for _, before := range c.Series.Per {
			series -= m.holds[before.Of] * int(before.Series)
			essential -= m.holds[before.Of] * int(before.Essential)
		}
		per := func(more int) int32 { return int32(math.Round(float64(more) / float64(m.count))) }
		c.Series.Per = append(c.Series.Per, v1alpha1.SeriesPer{Of: m.of, Series: per(series), Essential: per(essential)})
	}
	return c
}

// perInterval is the share of a core that one scrape every 30 seconds takes.
func perInterval(scrape time.Duration) float64 { return scrape.Seconds() / 30 }

func milli(scrape time.Duration) string {
	if scrape == 0 {
		return "-"
	}
	return fmt.Sprintf("%dm", max(1, int(math.Ceil(perInterval(scrape)*1000))))
}

func mebi(bytes int64) string {
	if bytes == 0 {
		return "-"
	}
	return fmt.Sprintf("%dMi", (bytes+1<<20-1)>>20)
}

// block is the cost of a definition, to its end.
var block = regexp.MustCompile(`(?m)^  cost:\n(?:    .*\n)+`)

// write puts what was measured into the definition. A quarter more memory is declared than was seen:
// a collector of garbage runs when it likes.
func write(exporter string, got []measured) error {
	root, err := build.Root()
	if err != nil {
		return err
	}
	path := filepath.Join(root, "sidecars", "catalog", exporter+".yaml")
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	text, err := yaml.Marshal(costOf(got))
	if err != nil {
		return err
	}
	if got[0].memory > 0 {
		text = fmt.Appendf(text, "cpu: %s\nmemory: %s\n", milli(got[0].cpu), mebi(got[0].memory*5/4))
	}
	added := []byte("  cost:\n    " + strings.ReplaceAll(strings.TrimSpace(string(text)), "\n", "\n    ") + "\n")
	out := block.ReplaceAllLiteral(raw, added)
	if !block.Match(raw) {
		out = append(bytes.TrimRight(raw, "\n"), '\n')
		out = append(out, added...)
	}
	return os.WriteFile(path, out, 0o644)
}
