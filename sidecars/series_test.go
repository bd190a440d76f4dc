package sidecars_test

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/outrider-dev/outrider/sidecars"
)

func TestSeriesBudget(t *testing.T) {
	for value, want := range map[string]int{
		"1": 1, "50000": 50000, "999999999": 999999999,
		"": 0, "0": 0, "-1": 0, "+5": 0, "050": 0, "50k": 0, "5e4": 0, "50_000": 0, "50,000": 0, " 50000": 0, "1000000000": 0, "99999999999999999999": 0, "５": 0,
	} {
		got, err := sidecars.SeriesBudget(m(sidecars.BudgetKey, value))
		if got != want || (err == nil) != (want > 0) {
			t.Errorf("%q: %d, %v, want %d", value, got, err, want)
		}
		if err != nil && !strings.Contains(err.Error(), sidecars.BudgetKey+": ") {
			t.Errorf("%q: the error does not name the key: %v", value, err)
		}
	}
	if got, err := sidecars.SeriesBudget(nil); got != 0 || err != nil {
		t.Errorf("without the annotation: %d, %v", got, err)
	}
}

// TestExhausted: a namespace that has used up its budget gives each exporter the profile essential, whatever the pod asks
// for, and nothing less; a pod that has its exporters keeps them as they are.
func TestExhausted(t *testing.T) {
	for name, c := range map[string]struct {
		inject   string
		pod      map[string]string
		jobs     string // in the annotation
		answered string // a key
	}{
		"asks for nothing":     {"redis", nil, "redis", ""},
		"asks for full":        {"redis", m("outrider.dev/profile", "full"), "redis", "outrider.dev/profile"},
		"asks for full of one": {"redis,nginx", m("nginx.outrider.dev/profile", "full"), "nginx,redis", "nginx.outrider.dev/profile"},
		"asks for essential":   {"redis", m("outrider.dev/profile", "essential"), "redis", ""},
		"serves them itself":   {"haproxy", m("haproxy.outrider.dev/port", "8404"), "haproxy", ""},
		"its own endpoints":    {"redis", m("outrider.dev/scrape", "8080,db=9090"), "db,redis", ""},
	} {
		t.Run(name, func(t *testing.T) {
			pod := &corev1.Pod{}
			pod.Annotations = map[string]string{sidecars.InjectKey: c.inject}
			for key, value := range c.pod {
				pod.Annotations[key] = value
			}
			pod.Spec.Containers = []corev1.Container{{Name: "app", Image: "example.org/app:1"}}
			roomy := sidecars.NewPlan(sidecars.Input{Pod: pod}, sidecars.Builtin())
			plan := sidecars.NewPlan(sidecars.Input{Pod: pod, Exhausted: true}, sidecars.Builtin())
			after := plan.Apply(pod)
			if got := after.Annotations[sidecars.EssentialKey]; got != c.jobs {
				t.Errorf("%s is %q, want %q", sidecars.EssentialKey, got, c.jobs)
			}
			for i, d := range plan.Decisions {
				if d.Key == "" && (d.Profile != sidecars.Essential || d.Outcome != roomy.Decisions[i].Outcome) {
					t.Errorf("%+v, want what it is elsewhere, with the profile essential: %+v", d, roomy.Decisions[i])
				}
			}
			answered := slices.IndexFunc(plan.Decisions, func(d sidecars.Decision) bool { return d.Outcome == sidecars.Ignored })
			if (answered >= 0) != (c.answered != "") || answered >= 0 && (plan.Decisions[answered].Key != c.answered || plan.Decisions[answered].Reason != sidecars.BudgetExhausted) {
				t.Errorf("%+v, want %q to be answered", plan.Decisions, c.answered)
			}
			before := roomy.Apply(pod)
			for _, admitted := range []*corev1.Pod{before, after} {
				if again := sidecars.NewPlan(sidecars.Input{Pod: admitted, Exhausted: true}, sidecars.Builtin()); again.Injects() {
					t.Errorf("a second admission injects again: %+v", again.Patch())
				}
			}
			if again := sidecars.NewPlan(sidecars.Input{Pod: after, Exhausted: true}, sidecars.Builtin()); again.Changes() {
				t.Errorf("a second admission changes the pod: %+v", again.Patch())
			}
		})
	}
}

// TestSampleLimit: the pod has the largest limit of its exporters, and no annotation where that is the default.
func TestSampleLimit(t *testing.T) {
	for inject, want := range map[string]string{
		"nginx": "5000", "redis": "20000", "nginx,redis": "20000", "postgres": "", "nginx,postgres": "", "haproxy": "", "nginx,haproxy": "5000", "unheard-of": "",
	} {
		pod := &corev1.Pod{}
		pod.Annotations = map[string]string{sidecars.InjectKey: inject, "haproxy.outrider.dev/port": "8404"}
		pod.Spec.Containers = []corev1.Container{{Name: "app", Image: "example.org/app:1"}}
		plan := sidecars.NewPlan(sidecars.Input{Pod: pod}, sidecars.Builtin())
		after := plan.Apply(pod)
		if got := after.Annotations[sidecars.SampleLimitKey]; got != want {
			t.Errorf("%s: %s is %q, want %q", inject, sidecars.SampleLimitKey, got, want)
		}
		if back := sidecars.Remove(after); back.Annotations[sidecars.SampleLimitKey] != "" {
			t.Errorf("%s: the annotation is not removed", inject)
		}
	}
}
