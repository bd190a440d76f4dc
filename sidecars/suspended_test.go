package sidecars_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/outrider-dev/outrider/sidecars"
)

func TestSuspended(t *testing.T) {
	suspended := map[string]string{"redis": "its image cannot be pulled", "coredns": "never looked at", "kafka": "of another pod"}
	refused := verdict{Exporter: "redis", Outcome: sidecars.Refused, Reason: sidecars.Suspended}
	const inject = sidecars.InjectKey
	for name, tc := range map[string]struct {
		value string
		want  []verdict
	}{
		"alone":                   {"redis", []verdict{refused}},
		"the others are injected": {"redis,memcached", []verdict{refused, {Exporter: "memcached", Outcome: sidecars.Injected, Reason: sidecars.Annotated}}},
		"recognized":              {"auto", []verdict{refused}},
		"nobody asks":             {"false", nil},
		"serves metrics itself":   {"coredns", []verdict{{Exporter: "coredns", Outcome: sidecars.Discovered, Reason: sidecars.Annotated}}},
		"only an unknown one":     {"redi", []verdict{{Exporter: "redi", Outcome: sidecars.Refused, Reason: sidecars.UnknownExporter}}},
		"another one altogether":  {"memcached", []verdict{{Exporter: "memcached", Outcome: sidecars.Injected, Reason: sidecars.Annotated}}},
	} {
		t.Run(name, func(t *testing.T) {
			p := pod("redis:7", inject, tc.value)
			plan := sidecars.NewPlan(sidecars.Input{Pod: p, Suspended: suspended}, sidecars.Builtin())
			if diff := cmp.Diff(tc.want, verdicts(plan)); diff != "" {
				t.Errorf("decisions (-want +got):\n%s", diff)
			}
			for _, d := range plan.Decisions {
				if d.Reason == sidecars.Suspended && (!d.Warns() || !strings.Contains(d.Message, "its image cannot be pulled")) {
					t.Errorf("the message is %q", d.Message)
				}
			}
		})
	}
}

// What is wrong with the pod outlasts a suspension, and is what its user should hear.
func TestSuspendedComesLast(t *testing.T) {
	p := pod("redis:7", sidecars.InjectKey, "redis")
	p.Spec.Containers[0].Name = "outrider-redis"
	plan := sidecars.NewPlan(sidecars.Input{Pod: p, Suspended: map[string]string{"redis": "x"}}, sidecars.Builtin())
	if diff := cmp.Diff([]verdict{{Exporter: "redis", Outcome: sidecars.Refused, Reason: sidecars.NameCollision}}, verdicts(plan)); diff != "" {
		t.Errorf("decisions (-want +got):\n%s", diff)
	}
}

// A pod that has the exporter keeps it, whatever happens to it later; one that
// was refused is asked about anew, and the mirror takes everything out again.
func TestSuspendedAndAdmittedAgain(t *testing.T) {
	suspended := map[string]string{"redis": "its image cannot be pulled"}
	p := pod("redis:7", sidecars.InjectKey, "redis")
	injected := sidecars.NewPlan(sidecars.Input{Pod: p}, sidecars.Builtin()).Apply(p)
	again := sidecars.NewPlan(sidecars.Input{Pod: injected, Suspended: suspended}, sidecars.Builtin())
	if again.Changes() {
		t.Errorf("an injected pod is changed: %+v", again.Decisions)
	}
	refused := sidecars.NewPlan(sidecars.Input{Pod: p, Suspended: suspended}, sidecars.Builtin()).Apply(p)
	if twice := sidecars.NewPlan(sidecars.Input{Pod: refused, Suspended: suspended}, sidecars.Builtin()); twice.Changes() {
		t.Errorf("a refused pod is changed: %+v", twice.Decisions)
	}
	if resumed := sidecars.NewPlan(sidecars.Input{Pod: refused}, sidecars.Builtin()); !resumed.Injects() {
		t.Errorf("resumed, and still %+v", resumed.Decisions)
	}
	for _, q := range []any{sidecars.Remove(injected), sidecars.Remove(refused)} {
		before, _ := yaml.Marshal(p)
		after, _ := yaml.Marshal(q)
		if diff := cmp.Diff(string(before), string(after)); diff != "" {
			t.Errorf("removed (-before +after):\n%s", diff)
		}
	}
}

// A definition has one hash, the one that pods carry, and another one when it changes.
func TestDefinition(t *testing.T) {
	c := sidecars.Builtin()
	p := pod("redis:7", sidecars.InjectKey, "redis")
	d := sidecars.NewPlan(sidecars.Input{Pod: p}, c).Decisions[0]
	if got := c.Definition("redis"); got == "" || got != d.Definition {
		t.Errorf("definition %q, and pods carry %q", got, d.Definition)
	}
	if got := c.Definition("nobody"); got != "" {
		t.Errorf("an exporter that does not exist has definition %q", got)
	}
}
