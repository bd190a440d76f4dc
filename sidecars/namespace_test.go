package sidecars_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/outrider-dev/outrider/sidecars"
)

// in is a namespace that is opted in, with annotations in pairs of key and value.
func in(annotations ...string) sidecars.Namespace {
	n := sidecars.Namespace{Labels: map[string]string{sidecars.InjectKey: sidecars.InjectEnabled}, Annotations: map[string]string{}}
	for i := 0; i+1 < len(annotations); i += 2 {
		n.Annotations[annotations[i]] = annotations[i+1]
	}
	return n
}

func TestNamespacesDecide(t *testing.T) {
	const inject, port = sidecars.InjectKey, "redis.outrider.dev/port"
	injected := func(why sidecars.Reason) verdict {
		return verdict{Exporter: "redis", Outcome: sidecars.Injected, Reason: why}
	}
	left := verdict{Exporter: "redis", Outcome: sidecars.Skipped, Reason: sidecars.NotAllowed}
	ignored := func(key string, why sidecars.Reason) verdict {
		return verdict{Key: key, Outcome: sidecars.Ignored, Reason: why}
	}
	refused := verdict{Exporter: "redis", Outcome: sidecars.Refused, Reason: sidecars.BadValue}
	for name, tc := range map[string]struct {
		pod       *corev1.Pod
		namespace sidecars.Namespace
		want      []verdict
	}{
		"allowed":                       {pod("redis"), in(sidecars.AllowKey, " nginx ,redis"), []verdict{injected(sidecars.Recognized)}},
		"not allowed":                   {pod("redis"), in(sidecars.AllowKey, "nginx"), []verdict{left}},
		"denied":                        {pod("redis"), in(sidecars.DenyKey, "redis"), []verdict{left}},
		"denied and allowed":            {pod("redis"), in(sidecars.DenyKey, "redis", sidecars.AllowKey, "redis"), []verdict{left}},
		"denied and named":              {pod("redis", inject, "redis"), in(sidecars.DenyKey, "redis"), []verdict{injected(sidecars.Annotated)}},
		"named behind auto":             {pod("redis", inject, "auto,redis"), in(sidecars.DenyKey, "redis"), []verdict{injected(sidecars.Annotated)}},
		"named before auto":             {pod("redis", inject, "redis,auto"), in(sidecars.DenyKey, "redis"), []verdict{injected(sidecars.Annotated)}},
		"auto":                          {pod("redis", inject, "auto"), in(sidecars.DenyKey, "redis"), []verdict{left}},
		"a list of nothing":             {pod("redis"), in(sidecars.AllowKey, " , "), []verdict{injected(sidecars.Recognized), ignored(sidecars.AllowKey, sidecars.BadValue)}},
		"an unknown name":               {pod("redis"), in(sidecars.DenyKey, "rediss,redsi"), []verdict{injected(sidecars.Recognized), ignored(sidecars.DenyKey, sidecars.UnknownExporter)}},
		"nothing to say to others":      {pod("busybox"), in(sidecars.DenyKey, "rediss", "rediss.outrider.dev/port", "1"), nil},
		"bad default":                   {pod("redis"), in(port, "six"), []verdict{refused}},
		"bad default of another":        {pod("redis"), in("nginx.outrider.dev/port", "six"), []verdict{injected(sidecars.Recognized)}},
		"bad default, pod sets":         {pod("redis", port, "7000"), in(port, "six"), []verdict{injected(sidecars.Recognized)}},
		"bad default Secret":            {pod("redis"), in("redis.outrider.dev/secret", "a/b/c/"), []verdict{refused}},
		"bad default Secret, pod names": {pod("redis", "redis.outrider.dev/secret", "s"), in("redis.outrider.dev/secret", "a/b/c/"), []verdict{injected(sidecars.Recognized)}},
		"unknown parameter":             {pod("redis"), in("redis.outrider.dev/prot", "1"), []verdict{injected(sidecars.Recognized), ignored("redis.outrider.dev/prot", sidecars.UnknownParameter)}},
		"container is no default":       {pod("redis"), in("redis.outrider.dev/container", "app"), []verdict{injected(sidecars.Recognized), ignored("redis.outrider.dev/container", sidecars.UnknownParameter)}},
		"no Secret for nginx":           {pod("redis", inject, "nginx"), in("nginx.outrider.dev/secret", "s"), []verdict{{Exporter: "nginx", Outcome: sidecars.Injected, Reason: sidecars.Annotated}, ignored("nginx.outrider.dev/secret", sidecars.UnknownParameter)}},
	} {
		t.Run(name, func(t *testing.T) {
			plan := sidecars.NewPlan(sidecars.Input{Pod: tc.pod, Namespace: tc.namespace}, sidecars.Builtin())
			if diff := cmp.Diff(tc.want, verdicts(plan)); diff != "" {
				t.Errorf("decisions (-want +got):\n%s", diff)
			}
			again := sidecars.NewPlan(sidecars.Input{Pod: plan.Apply(tc.pod), Namespace: tc.namespace}, sidecars.Builtin())
			if again.Changes() {
				t.Errorf("a second admission changes the pod: %v", again.Decisions)
			}
		})
	}
}

// Where a parameter comes from, the nearest first.
func TestDefaultsOfNamespaces(t *testing.T) {
	args := func(p *corev1.Pod, args ...string) *corev1.Pod { p.Spec.Containers[0].Args = args; return p }
	for name, tc := range map[string]struct {
		pod       *corev1.Pod
		namespace sidecars.Namespace
		want      string
	}{
		"the definition's": {pod("redis"), in(), "tcp://127.0.0.1:6379"},
		"the namespace's":  {pod("redis"), in("redis.outrider.dev/port", "7000"), "tcp://127.0.0.1:7000"},
		"shown":            {args(pod("redis"), "--port", "8000"), in("redis.outrider.dev/port", "7000"), "tcp://127.0.0.1:8000"},
		"the pod's":        {args(pod("redis", "redis.outrider.dev/port", "9000"), "--port", "8000"), in("redis.outrider.dev/port", "7000"), "tcp://127.0.0.1:9000"},
	} {
		plan := sidecars.NewPlan(sidecars.Input{Pod: tc.pod, Namespace: tc.namespace}, sidecars.Builtin())
		if got := plan.Apply(tc.pod).Spec.Containers[1].Env[0].Value; got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
}

// A default Secret is no answer to a password in plain text.
func TestADefaultSecretIsNoAnswerToALiteral(t *testing.T) {
	p := pod("postgres")
	p.Spec.Containers[0].Env = []corev1.EnvVar{{Name: "POSTGRES_PASSWORD", Value: "x"}}
	plan := sidecars.NewPlan(sidecars.Input{Pod: p, Namespace: in("postgres.outrider.dev/secret", "s")}, sidecars.Builtin())
	if diff := cmp.Diff([]verdict{{Exporter: "postgres", Outcome: sidecars.Refused, Reason: sidecars.LiteralCredential}}, verdicts(plan)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestExemptionsAreChecked(t *testing.T) {
	for value, good := range map[string]bool{
		"a scratch pad":            true,
		"until 2027-06-30: moving": true,
		"until 2027-06-30:moving":  true,
		"":                         false,
		" ":                        false,
		"until 2027-06-30":         false,
		"until 2027-06-30: ":       false,
		"until 30.06.2027: moving": false,
		"until 2027-13-01: moving": false,
		"until Friday":             false,
	} {
		plan := sidecars.NewPlan(sidecars.Input{Pod: pod("redis", sidecars.ExemptKey, value)}, sidecars.Builtin())
		if got := len(plan.Decisions) == 0; got != good {
			t.Errorf("%q: good is %t, want %t: %v", value, got, good, plan.Decisions)
		}
	}
}
