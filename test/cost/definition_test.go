//go:build linux

package main

import (
	"testing"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
)

// TestEveryExporterHasACost holds that a cost is known before it is paid, and that what is called measured is.
func TestEveryExporterHasACost(t *testing.T) {
	entries, err := readEntries("")
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
			t.Errorf("%s: spec.cost is missing; measure it (test/cost/entries), or give what is documented", name)
			continue
		}
		want := v1alpha1.Documented
		if measures[name] {
			want = v1alpha1.Measured
		}
		if spec.Cost.Source != want {
			t.Errorf("%s: cost.source is %s and not %s: go run ./test/cost measures what is in test/cost/entries", name, spec.Cost.Source, want)
		}
		// A native entry has no process of its own.
		if sidecar := spec.Type != v1alpha1.Native; measures[name] && (sidecar != (spec.Cost.Memory != nil) || sidecar != (spec.Cost.CPU != nil)) {
			t.Errorf("%s: cpu is %s and memory %s, and it is measured beside its server: %v", name, spec.Cost.CPU, spec.Cost.Memory, sidecar)
		}
	}
}
