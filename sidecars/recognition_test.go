package sidecars_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
)

// patterns are the keys of regular expressions.
var patterns = []string{"endpoints", "exemption"}

var update = flag.Bool("update", false, "rewrite the chart's file")

// The chart cannot ask for what the policies have as literals, so it has a copy.
func TestChartFile(t *testing.T) {
	const repair = "go test ./sidecars -run TestChartFile -update"
	path := filepath.Join("..", "charts", "outrider", "templates", "_vocabulary.tpl")
	vocabulary := sidecars.Vocabulary()
	want := "{{/* Generated from sidecars.Vocabulary, which says what each is; to change it: " + repair + " */}}\n"
	for _, name := range slices.Sorted(maps.Keys(vocabulary)) {
		want += fmt.Sprintf("{{- define \"outrider.vocabulary.%s\" -}}\n%s\n{{- end -}}\n", name, vocabulary[name])
		if strings.Contains(vocabulary[name], "{{") {
			t.Errorf("%s would be taken for a part of the template", name)
		}
	}
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v\nrepair it with: %s", err, repair)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("the chart's vocabulary is out of date (-want +got):\n%s\nrepair it with: %s", diff, repair)
	}
}

// Every key may stand in a ConfigMap, every pattern compiles, and all of it is small enough for one object.
func TestRecognitionFitsAConfigMap(t *testing.T) {
	size := 0
	for key, value := range sidecars.Builtin().Recognition() {
		size += len(key) + len(value)
		if problems := validation.IsConfigMapKey(key); problems != nil {
			t.Errorf("%s: %v", key, problems)
		}
		if slices.Contains(patterns, key) || strings.HasPrefix(key, "exporting.") {
			if _, err := regexp.Compile(value); err != nil {
				t.Errorf("%s: %v", key, err)
			}
		}
	}
	// The object may have a megabyte with the definitions; each pod that a policy looks at pays for what is read of it.
	if most := 24 << 10; size > most {
		t.Errorf("%d bytes, want at most %d: shorten the lists, or how they are written (Recognition)", size, most)
	} else {
		t.Logf("%d of at most %d bytes", size, most)
	}
}

// An image belongs to the first exporter by name, as everywhere; a port with a name to all of them; and what cannot be a
// key is not recognized.
func TestRecognitionOfCustomExporters(t *testing.T) {
	native := func(name string, r v1alpha1.Recognition) v1alpha1.Exporter {
		e := v1alpha1.Exporter{Spec: v1alpha1.ExporterSpec{Type: v1alpha1.Native, Port: 9000, UpMetric: "up", Recognize: r}}
		e.Name = name
		return e
	}
	c, err := sidecars.Catalog{}.With(
		native("b", v1alpha1.Recognition{Images: []string{"shared", "own"}, Tagged: []string{"many:own"}, Ports: []int32{80}, Exporters: []string{"metrics", "any"}}),
		native("a", v1alpha1.Recognition{Images: []string{"shared"}, Ports: []int32{80}, Commands: []string{"serve", "run"}, NotCommands: []string{"cli", "run"},
			NotArgs: []string{"--x y"}, NotEnv: []string{"ROLE=spare"}, NotPorts: []int32{81}, Exporters: []string{"any"}}),
		native("key", v1alpha1.Recognition{Images: []string{strings.Repeat("x", 300)}}),
	)
	if err != nil {
		t.Fatal(err)
	}
	got := c.Recognition()
	for key := range got {
		if slices.Contains(patterns, key) || strings.HasPrefix(key, "exporting.") {
			delete(got, key)
		}
	}
	want := map[string]string{
		"exporters":    "a\nb\nkey",
		"native":       "a\nb\nkey",
		"image.shared": "a", "image.own": "b", "tag.many.own": "b",
		"name.shared": "a\nb", "name.own": "b", "name.a": "a", "name.b": "b", "name.key": "key",
		"port.80": "a\nb", "program.serve": "a", "program.run": "a", "program.cli": "",
		"carries.any": "a\nb", "carries.metrics": "b",
		"notArgs.a": "--x y", "notEnv.a": "ROLE=spare", "notPorts.a": "81",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What the scrape annotation's pattern takes is what is answered as an endpoint, but for what takes counting.
func TestEndpointsPattern(t *testing.T) {
	pattern := regexp.MustCompile(sidecars.Builtin().Recognition()["endpoints"])
	for _, value := range slices.Sorted(maps.Keys(map[string]bool{
		"8080": true, "8080/stats": true, "https:8443/metrics": true, "app=8080, db=9100": true, "a=1,b=2,c=3": true,
		"": true, "eighty": true, "0": true, "8080,": true, "a=1,b=2,c=3,d=4": true, "8080 /x": true, "-a=80": true,
	})) {
		plan := sidecars.NewPlan(sidecars.Input{Pod: pod("x", sidecars.ScrapeKey, value)}, sidecars.Builtin())
		good := len(plan.Decisions) == 1 && plan.Decisions[0].Outcome == sidecars.Discovered
		if pattern.MatchString(value) != good {
			t.Errorf("%q: the pattern matches: %t, it is an endpoint: %t", value, !good, good)
		}
	}
}
