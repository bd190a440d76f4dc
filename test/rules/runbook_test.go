package rules_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/outrider-dev/outrider/sidecars"
)

const link = "https://github.com/outrider-dev/outrider/blob/main/charts/RUNBOOK.md#"

func book(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(runbook)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// Each alert says how bad it is, what is the matter, what to do, and where more stands.
func TestAlertsAreComplete(t *testing.T) {
	packOf := map[string]string{}
	count := 0
	for name, p := range packs(t) {
		for _, g := range p.Groups {
			if g.Name != name || g.Interval != "1m" {
				t.Errorf("%s: a group is called %s and runs every %s, want the pack's name and a minute", name, g.Name, g.Interval)
			}
			for _, r := range g.Rules {
				if r.Alert == "" {
					continue
				}
				if packOf[r.Alert] == "" {
					count++
				} else if packOf[r.Alert] != name {
					t.Errorf("%s is in the packs %s and %s", r.Alert, packOf[r.Alert], name)
				}
				packOf[r.Alert] = name
				if severity := r.Labels["severity"]; !slices.Contains([]string{"critical", "warning", "info"}, severity) && (severity != "none" || r.Alert != "Watchdog") {
					t.Errorf("%s: severity %q", r.Alert, r.Labels["severity"])
				}
				for _, text := range []string{"summary", "description"} {
					if !strings.HasSuffix(r.Annotations[text], ".") {
						t.Errorf("%s: the %s is no sentence: %q", r.Alert, text, r.Annotations[text])
					}
				}
				if want := link + strings.ToLower(r.Alert); r.Annotations["runbook_url"] != want {
					t.Errorf("%s: runbook_url %q, want %q", r.Alert, r.Annotations["runbook_url"], want)
				}
			}
		}
	}
	t.Logf("%d alerts in %d packs", count, len(packs(t)))
}

var heading = regexp.MustCompile(`(?m)^### (.+)$`)

func TestRunbookHasEachAlert(t *testing.T) {
	var want, got []string
	for _, r := range rulesOf(t) {
		if r.Alert != "" && !slices.Contains(want, r.Alert) {
			want = append(want, r.Alert)
		}
	}
	for _, m := range heading.FindAllStringSubmatch(book(t), -1) {
		got = append(got, m[1])
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("headings of the runbook (-alerts +headings):\n%s", diff)
	}
}

func TestRunbookEntriesAreComplete(t *testing.T) {
	entries := heading.Split(book(t), -1)
	for i, m := range heading.FindAllStringSubmatch(book(t), -1) {
		entry, _, _ := strings.Cut(entries[i+1], "\n## ")
		for _, part := range []string{"\n* Check: ", "\n* Remedy: "} {
			if strings.Count(entry, part) != 1 {
				t.Errorf("%s: no line %q", m[1], strings.TrimSpace(part))
			}
		}
		if n := strings.Count(strings.TrimSpace(entry), "\n"); n > 6 {
			t.Errorf("%s: %d lines are more than one reads at night", m[1], n)
		}
	}
}

// Links are checked with those of all pages, by test/docs.
func TestRunbookNamesAlerts(t *testing.T) {
	alerts := map[string]bool{}
	for _, r := range rulesOf(t) {
		alerts[r.Alert] = true
	}
	// "see NodeNotReady": a name that looks like an alert of a family that there is must be one.
	for _, name := range regexp.MustCompile(`\b(?:Node|Pod|Outrider|Etcd|Kubelet|Apiserver|Prometheus|Redis|Rabbitmq|Mysql)[A-Z]\w+\b`).FindAllString(book(t), -1) {
		if !alerts[name] && !slices.Contains(notAlerts, name) {
			t.Errorf("the runbook speaks of %s, which is no alert", name)
		}
	}
}

// notAlerts are words of Kubernetes that look like alerts.
var notAlerts = []string{"PodDisruptionBudget", "PodEvicted", "PodMonitor", "PrometheusRule"}

// A pack is the stack's own or that of an entry of the catalog; an entry may have none.
func TestPacksAreThoseOfTheCatalog(t *testing.T) {
	want := append(sidecars.Builtin().Names(), "alertmanager", "apiserver", "control-plane", "nodes", "outrider", "probes", "prometheus", "thanos", "thanos-down", "watchdog", "workloads")
	var got []string
	for name := range packs(t) {
		if name != "mixin" { // rules.mixinNames has it
			got = append(got, name)
		}
	}
	slices.Sort(got)
	for _, name := range got {
		if !slices.Contains(want, name) {
			t.Errorf("the file of rules %s belongs to no exporter of the catalog", name)
		}
	}
	data, err := os.ReadFile("../../charts/outrider/values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var values struct {
		Rules struct{ Packs []string }
	}
	if err := yaml.Unmarshal(data, &values); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(got, values.Rules.Packs); diff != "" {
		t.Errorf("rules.packs of values.yaml (-files +values):\n%s", diff)
	}
}
