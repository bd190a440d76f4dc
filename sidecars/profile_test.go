package sidecars_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
)

// TestProfile says whose word counts about an exporter's profile.
func TestProfile(t *testing.T) {
	for name, c := range map[string]struct {
		pod, namespace map[string]string
		want           sidecars.Profile
		ignored        string // a key
	}{
		"nobody's":                           {nil, nil, "", ""},
		"the namespace's":                    {nil, m("outrider.dev/profile", "essential"), "essential", ""},
		"the namespace's of the exporter":    {nil, m("outrider.dev/profile", "essential", "redis.outrider.dev/profile", "full"), "", ""},
		"the namespace's of another":         {nil, m("nginx.outrider.dev/profile", "essential"), "", ""},
		"the pod's over the namespace's":     {m("outrider.dev/profile", "full"), m("redis.outrider.dev/profile", "essential"), "", ""},
		"the pod's of the exporter":          {m("outrider.dev/profile", "full", "redis.outrider.dev/profile", "essential"), nil, "essential", ""},
		"none of the pod's":                  {m("outrider.dev/profile", "Essential"), nil, "", "outrider.dev/profile"},
		"none of the pod's, the namespace's": {m("redis.outrider.dev/profile", "some"), m("outrider.dev/profile", "essential"), "essential", "redis.outrider.dev/profile"},
		"none of the namespace's":            {nil, m("outrider.dev/profile", "small"), "", "outrider.dev/profile"},
	} {
		t.Run(name, func(t *testing.T) {
			pod := &corev1.Pod{}
			pod.Annotations = map[string]string{sidecars.InjectKey: "redis"}
			for key, value := range c.pod {
				pod.Annotations[key] = value
			}
			pod.Spec.Containers = []corev1.Container{{Name: "redis", Image: "redis:7"}}
			in := sidecars.Input{Pod: pod, Namespace: sidecars.Namespace{Annotations: c.namespace}}
			plan := sidecars.NewPlan(in, sidecars.Builtin())
			if got := plan.Decisions[0]; got.Outcome != sidecars.Injected || got.Profile != c.want {
				t.Errorf("%+v, want the profile %q", got, c.want)
			}
			after := plan.Apply(pod)
			if has := after.Annotations[sidecars.EssentialKey] != ""; has != (c.want != "") {
				t.Errorf("%s: %q", sidecars.EssentialKey, after.Annotations[sidecars.EssentialKey])
			}
			ignored := slices.ContainsFunc(plan.Decisions, func(d sidecars.Decision) bool { return d.Outcome == sidecars.Ignored })
			if ignored != (c.ignored != "") || ignored && plan.Decisions[1].Key != c.ignored {
				t.Errorf("%+v, want %q to be answered", plan.Decisions, c.ignored)
			}
			in.Pod = after
			if again := sidecars.NewPlan(in, sidecars.Builtin()); again.Changes() {
				t.Errorf("a second admission changes the pod: %+v", again.Patch())
			}
			if back := sidecars.Remove(after); back.Annotations[sidecars.EssentialKey] != "" {
				t.Error("the annotation is not removed")
			}
		})
	}
}

func m(pairs ...string) map[string]string {
	out := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		out[pairs[i]] = pairs[i+1]
	}
	return out
}

// TestExpected says what an exporter is expected to take under each profile.
func TestExpected(t *testing.T) {
	pod := &corev1.Pod{}
	pod.Annotations = map[string]string{sidecars.InjectKey: "haproxy,redis,tomcat", "haproxy.outrider.dev/profile": "essential", "haproxy.outrider.dev/port": "8404"}
	pod.Spec.Containers = []corev1.Container{{Name: "a", Image: "example.org/a:1"}}
	plan := sidecars.NewPlan(sidecars.Input{Pod: pod}, sidecars.Builtin())
	byName := map[string]sidecars.Expected{}
	for _, e := range plan.Expected(sidecars.Builtin()) {
		byName[e.Exporter] = e
	}
	haproxy, redis := byName["haproxy"], byName["redis"]
	if haproxy.Requests != nil || haproxy.Series() != haproxy.Cost.Series.Essential || haproxy.Per()[0].Series != haproxy.Cost.Series.Per[0].Essential {
		t.Errorf("a native one under essential: %+v", haproxy)
	}
	if redis.Requests.Cpu().String() != "10m" || redis.Series() != redis.Cost.Series.Base {
		t.Errorf("a sidecar under full: %+v", redis)
	}
	if unknown, there := byName["tomcat"]; there && unknown.Series() != 0 {
		t.Errorf("one without a cost: %+v", unknown)
	}
}

// TestEssentialIsBounded holds that the list of jobs is as long as Prometheus reads it.
func TestEssentialIsBounded(t *testing.T) {
	var own []v1alpha1.Exporter
	var names []string
	for i := range int32(12) {
		e := v1alpha1.Exporter{}
		e.Name = fmt.Sprintf("%s-%02d", strings.Repeat("x", 47), i)
		e.Spec, _ = sidecars.Builtin().Spec("squid")
		e.Spec.Port += i
		own, names = append(own, e), append(names, e.Name)
	}
	catalog, err := sidecars.Builtin().With(own...)
	if err != nil {
		t.Fatal(err)
	}
	pod := &corev1.Pod{}
	pod.Annotations = map[string]string{sidecars.InjectKey: strings.Join(names, ","), sidecars.ProfileKey: string(sidecars.Essential)}
	pod.Spec.Containers = []corev1.Container{{Name: "a", Image: "example.org/a:1"}}
	plan := sidecars.NewPlan(sidecars.Input{Pod: pod}, catalog)
	got := plan.Apply(pod).Annotations[sidecars.EssentialKey]
	if len(plan.Decisions) != 12 || got != strings.Join(names[:10], ",") || len(got) > sidecars.MostEssential {
		t.Errorf("%d decisions: %d bytes: %s", len(plan.Decisions), len(got), got)
	}
}
