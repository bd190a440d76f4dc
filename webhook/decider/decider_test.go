package decider

import (
	"context"
	"errors"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/outrider-dev/outrider/sidecars"
)

// cluster is what the sources of a decision say.
type cluster struct {
	namespace sidecars.Namespace
	err       error
	looks     int
}

func (c *cluster) Namespace(context.Context, string) (sidecars.Namespace, error) {
	c.looks++
	return c.namespace, c.err
}

func (c *cluster) Budget(context.Context, string) (sidecars.Budget, error) {
	c.looks++
	return sidecars.Budget{}, c.err
}

// Whether a namespace is opted in is what the caller knows, or else what its label and the mode say; and what is looked up
// for a pod that asks for nothing is at most its namespace.
func TestOptIn(t *testing.T) {
	labeled := func(value string) map[string]string { return map[string]string{sidecars.InjectKey: value} }
	for name, tc := range map[string]struct {
		optIn  string
		labels map[string]string
		all    bool
		err    error
		want   bool
		looks  int
	}{
		"labeled":                      {labels: labeled("enabled"), want: true, looks: 2},
		"not labeled":                  {looks: 1},
		"mode all":                     {all: true, want: true, looks: 2},
		"mode all, labeled disabled":   {all: true, labels: labeled("disabled"), looks: 1},
		"mode all, namespace unknown":  {all: true, err: errors.New("forbidden"), want: true, looks: 2},
		"the caller knows":             {optIn: sidecars.InjectEnabled, want: true, looks: 2},
		"the caller knows better":      {optIn: sidecars.InjectDisabled, labels: labeled("enabled")},
		"the caller knows, mode all":   {optIn: sidecars.InjectDisabled, all: true},
		"the caller knows, no sources": {optIn: sidecars.InjectEnabled, err: errors.New("not yet"), want: true, looks: 2},
	} {
		t.Run(name, func(t *testing.T) {
			known := &cluster{namespace: sidecars.Namespace{Labels: tc.labels}, err: tc.err}
			d := &Decider{Exporters: Fixed(sidecars.Builtin()), Namespaces: known, Budgets: known, Settings: sidecars.Settings{OptInAll: tc.all}}
			pod := &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "redis:7"}}}}
			r := Request{Pod: pod, Namespace: "shop", OptIn: tc.optIn}
			if got := d.Decide(t.Context(), r).Injects(); got != tc.want || known.looks != tc.looks {
				t.Errorf("injects %t after %d looks, want %t after %d", got, known.looks, tc.want, tc.looks)
			}
			plan, _ := d.Explain(t.Context(), r)
			if (plan.Unasked() == "") != tc.want || plan.Injects() != tc.want {
				t.Errorf("explained: %q, injects %t, want %t", plan.Unasked(), plan.Injects(), tc.want)
			}
		})
	}
}

// suspended is a breaker that suspends what it names.
type suspended []string

func (s suspended) Suspended(string) map[string]string {
	why := map[string]string{}
	for _, name := range s {
		why[name] = "it fails"
	}
	return why
}

func (s suspended) Try(_, exporter string) string {
	if slices.Contains(s, exporter) {
		return "it fails"
	}
	return ""
}

// Coverage and explain go by suspensions as admission does.
func TestSuspended(t *testing.T) {
	d := &Decider{Exporters: Fixed(sidecars.Builtin()), Breaker: suspended{"redis"}}
	pod := &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "redis:7"}}}}
	for _, created := range []bool{true, false} {
		plan := d.Decide(t.Context(), Request{Pod: pod, OptIn: sidecars.InjectEnabled, Created: created})
		if len(plan.Decisions) != 1 || plan.Decisions[0].Reason != sidecars.Suspended {
			t.Errorf("created %t: %+v", created, plan.Decisions)
		}
	}
}
