package lint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/outrider-dev/outrider/charts"
	"github.com/outrider-dev/outrider/cmd/outrider/release"
)

// accepted are findings that are left, with the reason; of one component only where a name follows the colon.
var accepted = map[string]string{
	"container-image-pull-policy":                      "tags are of one version and never latest; common.imagePullPolicy changes it",
	"container-resources":                              "no CPU limit: throttling is felt as slow pod creation and late scrapes; memory has one",
	"container-ephemeral-storage-request-and-limit":    "root file systems are read-only, and every emptyDir has a size",
	"pod-networkpolicy":                                "what the pods reach is not limited: targets, receivers and the API server are anywhere",
	"deployment-replicas":                              "one copy works at a time; nothing is lost while another one starts",
	"pod-probes-identical:prometheus":                  "behind a login or TLS of unknown kind, a probe can only connect",
	"pod-probes-identical:grafana":                     "Grafana has one page for its health",
	"pod-probes-identical:node-exporter":               "node-exporter has one page for its health",
	"pod-probes-identical:blackbox-exporter":           "blackbox-exporter has one page for its health",
	"deployment-strategy:thanos-compactor":             "two compactors at a time would spoil the bucket",
	"pod-networkpolicy:node-exporter":                  "it is in the node's network, which policies do not cover",
	"container-security-context-user-group-id:grafana": "the user of its image, 472, which owns its files",
}

// object is what kube-score says of one object.
type object struct {
	Name string `json:"object_name"`
	Meta struct {
		Labels map[string]string `json:"labels"`
	} `json:"object_meta"`
	Checks []struct {
		Check   struct{ ID string } `json:"check"`
		Grade   int                 `json:"grade"`
		Skipped bool                `json:"skipped"`
		// Comments are the findings.
		Comments []struct{ Path, Summary string } `json:"comments"`
	} `json:"checks"`
}

const worstAccepted = 5 // grades: 1 critical, 5 warning, 7 almost, 10 fine

// TestKubeScore has kube-score read every preset, and one release with everything.
func TestKubeScore(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: this test builds kube-score")
	}
	seen := map[string]bool{}
	for name, values := range presets(t) {
		for _, o := range score(t, values) {
			component := o.Meta.Labels["app.kubernetes.io/component"]
			for _, c := range o.Checks {
				if c.Grade > worstAccepted || c.Skipped {
					continue
				}
				if key := c.Check.ID + ":" + component; accepted[key] != "" {
					seen[key] = true
				} else if accepted[c.Check.ID] != "" {
					seen[c.Check.ID] = true
				} else {
					t.Errorf("%s: %s: %s: %v", name, o.Name, c.Check.ID, c.Comments)
				}
			}
		}
	}
	for key := range accepted {
		if !seen[key] {
			t.Errorf("%s is accepted and does not occur", key)
		}
	}
}

// presets are values by the name of the preset.
func presets(t *testing.T) map[string]map[string]any {
	t.Helper()
	all := map[string]map[string]any{"everything": {
		"grafana": map[string]any{"enabled": true}, "metricsServer": map[string]any{"enabled": true}, "blackboxExporter": map[string]any{"enabled": true},
		"scrape": map[string]any{"monitors": map[string]any{"enabled": true}},
	}}
	names := charts.Presets()
	if len(names) == 0 {
		t.Fatal("there are no presets")
	}
	for _, name := range names {
		values, err := release.Preset(name)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = values
	}
	return all
}

func score(t *testing.T, values map[string]any) (objects []object) {
	t.Helper()
	manifest, err := release.Release{}.Render(values, "1.37.0")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", "tool", "-modfile=test/lint/tools/go.mod", "kube-score", "score", "-o", "json", "-")
	cmd.Dir = "../.."
	cmd.Stdin = strings.NewReader(manifest)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if failed := (&exec.ExitError{}); err != nil && !errors.As(err, &failed) { // it fails where it finds something
		t.Fatal(err)
	}
	if err := json.Unmarshal(out, &objects); err != nil || len(objects) == 0 {
		t.Fatal(fmt.Errorf("%w: %s%s", err, out, stderr.String()))
	}
	return objects
}
