package manifest_test

import (
	"strings"
	"testing"

	"github.com/outrider-dev/outrider/sidecars/manifest"
)

// TestLinear holds that four times as much input costs four times as much memory, in many documents, one with much in it, and one that is nested.
func TestLinear(t *testing.T) {
	variables := func(n int) string {
		return strings.TrimSuffix(plain, "\n") + "\n      env:\n" + strings.Repeat("      - {name: A, value: some text}\n", n)
	}
	for name, text := range map[string]func(n int) string{
		"documents":       func(n int) string { return strings.Repeat(plain+"---\n", n) },
		"JSON in a row":   func(n int) string { return strings.Repeat(`{"kind": "Service", "spec": {"a": [1, 2]}} `, n) },
		"a list":          func(n int) string { return "items:\n" + strings.Repeat("- {kind: Pod}\n", n) },
		"a long document": variables,
		"nested":          func(n int) string { return strings.Repeat("{a: ", n) + "1" + strings.Repeat("}", n) },
		"comments":        func(n int) string { return plain + strings.Repeat("# a comment\n\n", n) },
	} {
		t.Run(name, func(t *testing.T) {
			cost := func(n int) float64 {
				source := text(n)
				return testing.AllocsPerRun(1, func() {
					set := open(t, source, manifest.Options{})
					if _, err := set.Inject(); err != nil {
						t.Fatal(err)
					}
					write(t, set)
					set.Streams[0].Diff("injected")
				})
			}
			if small, large := cost(50), cost(200); large > 5*small {
				t.Errorf("%v allocations, and %v for four times as much", small, large)
			}
		})
	}
}

// TestLeavesAloneCheaply holds what a document costs that asks for nothing: little more than to be parsed.
func TestLeavesAloneCheaply(t *testing.T) {
	source := strings.Replace(plain, "outrider.dev/inject", "example.org/inject", 1)
	cost := func(n int) float64 {
		return testing.AllocsPerRun(1, func() { inject(t, strings.Repeat(source+"---\n", n), manifest.Options{}) })
	}
	if each := (cost(200) - cost(100)) / 100; each > 1000 {
		t.Errorf("%v allocations for a document", each)
	}
}
