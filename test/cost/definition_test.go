//go:build linux

package main

import (
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
	"github.com/outrider-dev/outrider/test/servers"
)

// TestEveryExporterHasACost holds that a cost is known before it is paid, and that what is called measured is.
func TestEveryExporterHasACost(t *testing.T) {
	entries, err := servers.All()
	if err != nil {
		t.Fatal(err)
	}
	measures := map[string]bool{}
	for _, e := range entries {
		measures[e.Exporter] = true
	}
	for _, name := range sidecars.Builtin().Names() {
		spec, _ := sidecars.Builtin().Spec(name)
		if spec.Cost == nil {
			t.Errorf("%s: spec.cost is missing; measure it (test/servers/entries), or give what is documented", name)
			continue
		}
		want := []v1alpha1.CostSource{v1alpha1.Documented, v1alpha1.Estimated}
		if measures[name] {
			want = []v1alpha1.CostSource{v1alpha1.Measured}
		}
		if !slices.Contains(want, spec.Cost.Source) {
			t.Errorf("%s: cost.source is %s and none of %s: go run ./test/cost measures what is in test/servers/entries", name, spec.Cost.Source, want)
		}
		// A native entry has no process of its own.
		if sidecar := spec.Type != v1alpha1.Native; measures[name] && (sidecar != (spec.Cost.Memory != nil) || sidecar != (spec.Cost.CPU != nil)) {
			t.Errorf("%s: cpu is %s and memory %s, and it is measured beside its server: %v", name, spec.Cost.CPU, spec.Cost.Memory, sidecar)
		}
	}
}

// TestCompare holds that a definition which is off is named.
func TestCompare(t *testing.T) {
	measured := []measured{{series: 100, essential: 20, cpu: 30, memory: 10 << 20}, {of: "database", count: 10, series: 145, essential: 20}}
	of := func(base, essential, per int32) *v1alpha1.Cost {
		cpu, memory := resource.MustParse("1m"), resource.MustParse("12Mi")
		return &v1alpha1.Cost{Source: v1alpha1.Measured, CPU: &cpu, Memory: &memory, Series: v1alpha1.SeriesCost{
			Base: base, Essential: essential, Per: []v1alpha1.SeriesPer{{Of: "database", Series: per}},
		}}
	}
	for i, c := range []struct {
		defined *v1alpha1.Cost
		off     int
	}{
		{of(100, 20, 5), 0}, {of(110, 22, 6), 0}, {of(90, 18, 4), 0},
		{of(111, 20, 5), 1}, {of(89, 20, 5), 1}, {of(100, 23, 5), 1}, {of(100, 20, 7), 1}, {of(100, 20, 3), 1}, {of(50, 10, 1), 3},
		{nil, 1},
	} {
		if got := compare(c.defined, measured); len(got) != c.off {
			t.Errorf("case %d: %q, want %d that are off", i, got, c.off)
		}
	}
	documented := of(100, 20, 5)
	documented.Source = v1alpha1.Documented
	if got := compare(documented, measured); len(got) != 1 {
		t.Errorf("what can be measured is documented: %q", got)
	}
	hungry := measured
	hungry[0].memory = 13 << 20
	if got := compare(of(100, 20, 5), hungry); len(got) != 1 {
		t.Errorf("more memory than is defined: %q", got)
	}
}
