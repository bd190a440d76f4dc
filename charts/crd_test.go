package charts_test

import (
	"testing"
)

// Without the annotation an uninstallation would take every Exporter of the cluster along.
func TestExportersOutliveTheRelease(t *testing.T) {
	for name, c := range map[string]struct {
		values map[string]any
		want   string
	}{
		"by default":   {nil, "keep"},
		"asked not to": {map[string]any{"crds": map[string]any{"keep": false}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			crd := others(objects(t, render(t, c.values, latest)), "CustomResourceDefinition")[0]
			if crd.GetName() != "exporters.outrider.dev" || crd.GetAnnotations()["helm.sh/resource-policy"] != c.want {
				t.Errorf("%s has annotations %v", crd.GetName(), crd.GetAnnotations())
			}
		})
	}
}

// Helm upgrades templates; it installs crds/ once.
func TestHelmUpgradesTheDefinition(t *testing.T) {
	if crds := load(t).CRDObjects(); len(crds) != 0 {
		t.Errorf("%d definitions stand in crds/", len(crds))
	}
}
