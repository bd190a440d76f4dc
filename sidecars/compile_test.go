package sidecars_test

import (
	"strings"
	"testing"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
)

// custom is the built-in redis under another name, changed.
func custom(t *testing.T, change func(*v1alpha1.ExporterSpec)) sidecars.Catalog {
	t.Helper()
	builtin, _ := sidecars.Builtin().Spec("redis")
	spec := *builtin.DeepCopy()
	change(&spec)
	e := v1alpha1.Exporter{Spec: spec}
	e.Name = "custom"
	c, err := sidecars.Builtin().With(e)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// What a policy cannot say leaves the exporter to the webhook, with the reason.
func TestNotExpressed(t *testing.T) {
	for want, change := range map[string]func(*v1alpha1.ExporterSpec){
		"":                 func(*v1alpha1.ExporterSpec) {},
		"line feed or tab": func(s *v1alpha1.ExporterSpec) { s.Parameters[0].Default, s.Parameters[0].Pattern = "a\tb", "a\tb" },
		"private use":      func(s *v1alpha1.ExporterSpec) { s.Lockdown.Args = []string{"\ue000"} },
		"has a Secret or ConfigMap in every pod": func(s *v1alpha1.ExporterSpec) {
			s.Volumes = append(s.Volumes, v1alpha1.Volume{Name: "fixed", ConfigMap: "settings"})
		},
		"depends on too many others in turn": func(s *v1alpha1.ExporterSpec) {
			for _, p := range [][2]string{{"first", "port"}, {"second", "first"}} {
				s.Parameters = append(s.Parameters, v1alpha1.Parameter{Name: p[0], Pattern: ".*", Doc: "d",
					FromSigns: []v1alpha1.SignedValue{{Value: "x", When: []v1alpha1.Sign{{Parameter: p[1]}}}}})
				s.Args = append(s.Args, "${"+p[0]+"}")
			}
		},
		"wildcards": func(s *v1alpha1.ExporterSpec) {
			s.Obstacles = append(s.Obstacles, v1alpha1.Obstacle{When: []v1alpha1.Sign{{Image: "redis?*"}}, Message: "m"})
		},
	} {
		c := custom(t, change)
		got := c.Expressed("custom")
		if (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("it is left because %q, want %q", got, want)
		}
		record := c.Injection(sidecars.Settings{})["definition.custom"]
		if strings.HasPrefix(record, "left\t") != (want != "") {
			t.Errorf("%q: %s", want, record)
		}
	}
	for _, name := range sidecars.Builtin().Names() {
		if why := sidecars.Builtin().Expressed(name); why != "" && name != "traefik" {
			t.Errorf("the built-in %s is not expressed: %s", name, why)
		}
	}
}
