package rules_test

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// review is what has been asked of an alert; testdata/review.yaml explains the words.
type review struct {
	Intent  []string `yaml:"intent"`
	Age     string   `yaml:"age"`
	First   string   `yaml:"first"`
	Traffic string   `yaml:"traffic"`
	Restart string   `yaml:"restart"`
	Scale   string   `yaml:"scale"`
	Acts    string   `yaml:"acts"`
	Urgency string   `yaml:"urgency"`
}

// intended are the metrics that say how many of a thing there are to be.
var intended = regexp.MustCompile(`kube_(deployment_spec|statefulset)_replicas|kube_daemonset_status_desired|kube_horizontalpodautoscaler|kube_poddisruptionbudget`)

// labelsLeft are the labels that an alert of each name may have.
func labelsLeft(t *testing.T) map[string]names {
	t.Helper()
	k := newKnown(t)
	left := map[string]names{}
	for range 2 { // records use each other, and alerts remember themselves
		for _, r := range rulesOf(t) {
			labels := k.labels(parse(t, r.Expr))
			if r.Alert != "" {
				left[r.Alert] = labels.with(slices.Collect(maps.Keys(left[r.Alert]))...)
				r.Record = "ALERTS"
			}
			k.learn(r, labels)
		}
	}
	return left
}

// A new alert answers the same questions, and an answer is true of the rule.
func TestEveryAlertIsReviewed(t *testing.T) {
	data, err := os.ReadFile("testdata/review.yaml")
	if err != nil {
		t.Fatal(err)
	}
	reviews := map[string]review{}
	if err := yaml.Unmarshal(data, &reviews); err != nil {
		t.Fatal(err)
	}
	alerts := map[string]bool{}
	left := labelsLeft(t)
	for _, r := range rulesOf(t) {
		if r.Alert == "" {
			continue
		}
		alerts[r.Alert] = true
		a := reviews[r.Alert]
		check := func(question, answer string, allowed ...string) {
			if !slices.Contains(allowed, answer) {
				t.Errorf("%s: testdata/review.yaml answers %q to %s, want one of %v", r.Alert, answer, question, allowed)
			}
		}
		for _, i := range a.Intent {
			check("intent", i, "replicas", "node", "pool", "policy", "series")
		}
		check("age", a.Age, "latch", "state", "window")
		check("first", a.First, "counted", "zero", "gauge")
		check("traffic", a.Traffic, "floor", "none")
		check("restart", a.Restart, "new", "same")
		check("scale", a.Scale, "asks", "gone", "fixed")
		if about := left[r.Alert]["pod"] || left[r.Alert]["instance"]; about != (a.Restart == "new") {
			t.Errorf("%s: restart is %q, and its labels name a pod or an instance: %v", r.Alert, a.Restart, about)
		}
		if asks := intended.MatchString(r.Expr); asks != (a.Scale == "asks") {
			t.Errorf("%s: scale is %q, and the rule asks how many there are to be: %v", r.Alert, a.Scale, asks)
		}
		check("acts", a.Acts, "platform", "service", "workload")
		check("urgency", a.Urgency, map[string][]string{"critical": {"page"}, "warning": {"page", "day"}, "info": {"note"}, "none": {"note"}}[r.Labels["severity"]]...)
		if len(a.Intent) == 0 {
			t.Errorf("%s: testdata/review.yaml does not say how it knows the intent", r.Alert)
		}
		if latched := strings.Contains(r.Expr, `ALERTS{alertname="`+r.Alert+`"}`); latched != (a.Age == "latch") {
			t.Errorf("%s: age is %q, and the rule looks at its own ALERTS: %v", r.Alert, a.Age, latched)
		}
		if counted := strings.Contains(r.Expr, "up unless up offset"); counted != (a.First == "counted") {
			t.Errorf("%s: first is %q, and the rule counts the first sample: %v", r.Alert, a.First, counted)
		}
		if strings.Contains(r.Expr, "histogram_quantile") && a.Traffic != "floor" {
			t.Errorf("%s: a quantile without a floor", r.Alert)
		}
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(alerts)), slices.Sorted(maps.Keys(reviews))); diff != "" {
		t.Errorf("reviews (-alerts +testdata/review.yaml):\n%s", diff)
	}
}
