// Package compat holds that what earlier releases wrote is still understood: Exporters of their time, annotations in users'
// manifests, and pods that carry their sidecars and their status.
//
// # Decision: samples of the release, not of today
//
// testdata has, for each release, its built-in Exporters, its corpus of manifests and those manifests as it injected them,
// as its commit has them. A release adds a folder; none is ever changed. What is decided otherwise on purpose stands in
// changed with the entry of the changelog.
package compat

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
	"github.com/outrider-dev/outrider/test/corpus"
)

// changed are the cases in which an exporter that was injected no longer is, with the reason.
var changed = map[string]string{
	"redis-tls":  "the server asks for a client certificate, without which the exporter never came up",
	"opensearch": "a password without its user is refused: it may be anyone's",
}

// removed are fields of Exporters that the API server drops, with what took their place. Nothing was published then.
var removed = map[string]string{"fromFlags": "fromSigns"}

func releases(t *testing.T) []string {
	t.Helper()
	all, err := filepath.Glob("testdata/*")
	if err != nil || len(all) < 2 {
		t.Fatalf("releases %v, %v", all, err)
	}
	return all
}

// TestExporters holds that each release's Exporters have no field that is unknown today, and are accepted.
func TestExporters(t *testing.T) {
	for _, dir := range releases(t) {
		for _, document := range documents(t, filepath.Join(dir, "exporters.yaml"), "---\n") {
			var e v1alpha1.Exporter
			err := yaml.UnmarshalStrict([]byte(document), &e)
			for field := range removed {
				if err != nil && strings.Contains(err.Error(), strconv.Quote(field)) {
					err = yaml.Unmarshal([]byte(document), &e)
				}
			}
			if err != nil {
				t.Errorf("%s: %v", dir, err)
			} else if _, err := sidecars.Builtin().With(e); err != nil {
				t.Errorf("%s: %v", dir, err)
			}
		}
	}
}

// TestManifests holds that a manifest of that time gets the exporters that it got then, and that the pods that were made of
// it then are left as they are, and can be freed of everything that is ours.
func TestManifests(t *testing.T) {
	used := map[string]bool{}
	for _, dir := range releases(t) {
		before, after := cases(t, filepath.Join(dir, "workloads.yaml")), cases(t, filepath.Join(dir, "injected.yaml"))
		if len(before) < 80 {
			t.Errorf("%s has %d cases", dir, len(before))
		}
		for name, c := range before {
			t.Run(filepath.Base(dir)+"/"+name, func(t *testing.T) {
				olds, news := templates(t, after[name]), templates(t, c)
				for i, tmpl := range news {
					old := sidecars.ParseStatus(olds[i].Pod)
					if why := lost(old, sidecars.NewPlan(input(tmpl, c), sidecars.Builtin())); why != "" {
						if used[name] = true; changed[name] == "" {
							t.Errorf("%s %s: %s", tmpl.Kind, tmpl.Name, why)
						}
					}
					live(t, olds[i], c)
				}
			})
		}
	}
	for name := range changed {
		if !used[name] {
			t.Errorf("%s is decided as it was; take it out of changed", name)
		}
	}
}

func input(tmpl corpus.Template, c corpus.Case) sidecars.Input {
	return sidecars.Input{Pod: tmpl.Pod, Namespace: c.Namespace}
}

// lost says which exporter or endpoint of an earlier status a plan does not have.
func lost(old sidecars.Status, plan sidecars.Plan) string {
	now := map[string]sidecars.Decision{}
	for _, d := range plan.Decisions {
		now[d.Exporter+string(d.Outcome)] = d
	}
	for _, d := range old.Decisions {
		if d.Outcome != sidecars.Injected && d.Outcome != sidecars.Discovered {
			continue
		}
		if got, found := now[d.Exporter+string(d.Outcome)]; !found || got.Endpoint != d.Endpoint {
			return "it was " + string(d.Outcome) + ": " + d.Exporter + " " + d.Endpoint + "; now\n" + text(plan.Decisions)
		}
	}
	return ""
}

func text(decisions []sidecars.Decision) string {
	raw, err := yaml.Marshal(decisions)
	if err != nil {
		return err.Error()
	}
	return string(raw)
}

// live holds that a pod with an earlier release's sidecars gets none a second time, and that all of them can be removed.
func live(t *testing.T, old corpus.Template, c corpus.Case) {
	t.Helper()
	plan := sidecars.NewPlan(input(old, c), sidecars.Builtin())
	has := func(d sidecars.Decision) bool { return d.Outcome == sidecars.Injected }
	// What was refused then, such as Kafka in a Deployment, may be injected now.
	if plan.Injects() && slices.ContainsFunc(sidecars.ParseStatus(old.Pod).Decisions, has) {
		t.Errorf("%s %s, injected then, is injected again:\n%s", old.Kind, old.Name, text(plan.Decisions))
	}
	if why := lost(sidecars.ParseStatus(old.Pod), plan); why != "" {
		t.Errorf("%s %s, injected then: %s", old.Kind, old.Name, why)
	}
	bare := sidecars.Remove(old.Pod)
	for _, d := range sidecars.ParseStatus(old.Pod).Decisions {
		for _, container := range append(bare.Spec.InitContainers, bare.Spec.Containers...) {
			if d.Outcome == sidecars.Injected && container.Name == "outrider-"+d.Exporter {
				t.Errorf("%s %s: %s is left after Remove", old.Kind, old.Name, container.Name)
			}
		}
	}
	if _, found := bare.Annotations[sidecars.StatusKey]; found {
		t.Errorf("%s %s: the status is left after Remove", old.Kind, old.Name)
	}
}

// documents are the parts of a file after a separator.
func documents(t *testing.T, path, separator string) []string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for part := range strings.SplitSeq(string(raw), separator) {
		if strings.TrimSpace(part) != "" {
			all = append(all, part)
		}
	}
	return all
}

// cases are those of a file in which each begins with "# case: NAME".
func cases(t *testing.T, path string) map[string]corpus.Case {
	t.Helper()
	all := map[string]corpus.Case{}
	for _, part := range documents(t, path, "# case: ") {
		name, text, _ := strings.Cut(part, "\n")
		c, err := corpus.Read(name, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		all[name] = c
	}
	return all
}

func templates(t *testing.T, c corpus.Case) []corpus.Template {
	t.Helper()
	all, err := c.Templates()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestSamples holds that the samples have what they are about.
func TestSamples(t *testing.T) {
	for _, dir := range releases(t) {
		raw, err := os.ReadFile(filepath.Join(dir, "injected.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(raw, []byte("outrider.dev/status:")); n < 50 {
			t.Errorf("%s has %d pods with a status", dir, n)
		}
	}
}
