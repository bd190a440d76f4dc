package corpus_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kjson "sigs.k8s.io/json"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/test/corpus"
	"github.com/outrider-dev/outrider/test/golden"
)

const repair = "go test ./test/corpus -update"

func cases(t testing.TB) []corpus.Case {
	t.Helper()
	all, err := corpus.Load()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestGoldens(t *testing.T) {
	all := cases(t)
	if least := 60; len(all) < least {
		t.Errorf("%d cases, want at least %d", len(all), least)
	}
	for _, c := range all {
		t.Run(c.Name, func(t *testing.T) {
			got, err := c.Render(c.PlanPatch)
			if err != nil {
				t.Fatal(err)
			}
			golden.Compare(t, c.Name+corpus.InjectedSuffix, string(got), repair)
		})
	}
	orphans, err := corpus.Orphans()
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range orphans {
		golden.Orphan(t, path, repair)
	}
}

// TestNoSecretComesOut looks for the canaries that cases plant in Secrets and in
// plain text, in everything that is made of them.
func TestNoSecretComesOut(t *testing.T) {
	planted := 0
	for _, c := range cases(t) {
		if !bytes.Contains(c.YAML, []byte("canary")) {
			continue
		}
		planted++
		templates, err := c.Templates()
		if err != nil {
			t.Fatal(err)
		}
		for _, tmpl := range templates {
			plan := sidecars.NewPlan(sidecars.Input{Pod: tmpl.Pod, Namespace: c.Namespace}, sidecars.Builtin())
			if out := text(t, []any{plan.Patch(), plan.Decisions, plan.Warnings()}); strings.Contains(out, "canary") {
				t.Errorf("%s: a secret came out:\n%s", c.Name, out)
			}
		}
	}
	if planted < 5 {
		t.Errorf("%d cases plant a canary, want at least 5", planted)
	}
}

func TestProperties(t *testing.T) {
	for _, c := range cases(t) {
		templates, err := c.Templates()
		if err != nil {
			t.Fatal(err)
		}
		for _, tmpl := range templates {
			t.Run(c.Name+"/"+tmpl.Name, func(t *testing.T) {
				properties(t, tmpl.Raw, c.Namespace)
			})
		}
	}
}

// FuzzPlan holds the properties for any pod, seeded by the corpus.
func FuzzPlan(f *testing.F) {
	for _, c := range cases(f) {
		templates, err := c.Templates()
		if err != nil {
			f.Fatal(err)
		}
		for _, t := range templates {
			f.Add(t.Raw, c.Namespace.Labels[sidecars.InjectKey])
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte, optIn string) {
		if kjson.UnmarshalCaseSensitivePreserveInts(raw, &corev1.Pod{}) != nil {
			return
		}
		// The API server hands over pods it has encoded itself.
		var object map[string]any
		if kjson.UnmarshalCaseSensitivePreserveInts(raw, &object) != nil || !isObject(object, "metadata") || !isObject(object, "spec") || duplicateKeys(raw) {
			return
		}
		properties(t, raw, sidecars.Namespace{Labels: map[string]string{sidecars.InjectKey: optIn}})
	})
}

func isObject(object map[string]any, key string) bool {
	_, ok := object[key].(map[string]any)
	return ok
}

// duplicateKeys reports whether decoding into a type and into a map could see
// different things: a decoder merges repeated keys.
func duplicateKeys(raw []byte) bool {
	var pod corev1.Pod
	var object any
	if kjson.UnmarshalCaseSensitivePreserveInts(raw, &pod) != nil || kjson.UnmarshalCaseSensitivePreserveInts(raw, &object) != nil {
		return true
	}
	canonical, err := json.Marshal(object)
	if err != nil {
		return true
	}
	var again corev1.Pod
	if kjson.UnmarshalCaseSensitivePreserveInts(canonical, &again) != nil {
		return true
	}
	return !cmp.Equal(pod, again)
}

// properties are what must hold for every pod.
func properties(t *testing.T, raw []byte, namespace sidecars.Namespace) {
	t.Helper()
	pod := decode(t, raw)
	in := sidecars.Input{Pod: pod, Namespace: namespace, Settings: sidecars.Settings{ImagePullSecrets: []string{"mirror"}}}
	plan := sidecars.NewPlan(in, sidecars.Builtin())
	got := plan.Apply(pod)

	if !sidecars.Asked(in, sidecars.Builtin()) && len(plan.Decisions) > 0 {
		t.Errorf("nothing is asked, and decided is %+v", plan.Decisions)
	}
	if diff := cmp.Diff(decode(t, raw), pod); diff != "" {
		t.Errorf("the input was modified (-before +after):\n%s", diff)
	}
	ops, err := json.Marshal(plan.Patch())
	if err != nil {
		t.Fatal(err)
	}
	patched, err := corpus.ApplyPatch(raw, ops)
	if err != nil {
		t.Fatalf("apply %s: %v", ops, err)
	}
	if diff := cmp.Diff(text(t, got), text(t, decode(t, patched))); diff != "" {
		t.Errorf("Patch and Apply differ (-apply +patch):\n%s", diff)
	}
	for _, op := range plan.Patch() {
		if op.Operation != "add" {
			t.Errorf("operation %s: a plan only adds", op.Json())
		}
	}
	prefix(t, pod.Spec.Containers, got.Spec.Containers)
	prefix(t, pod.Spec.InitContainers, got.Spec.InitContainers)
	var all, then any
	if kjson.UnmarshalCaseSensitivePreserveInts(raw, &all) != nil || kjson.UnmarshalCaseSensitivePreserveInts(patched, &then) != nil {
		t.Fatal("the pod is no JSON")
	}
	if lost := keeps(all, then, ""); lost != "" {
		t.Errorf("something of the pod is lost, perhaps a field that is newer than our types: %s", lost)
	}
	lockedDown(t, pod, got, namedIn(namespace))
	ownTargets(t, got)

	in.Pod = got
	again := sidecars.NewPlan(in, sidecars.Builtin())
	if again.Changes() {
		t.Errorf("a second admission changes the pod: %s", text(t, again.Patch()))
	}
	if diff := cmp.Diff(text(t, sidecars.Remove(pod)), text(t, sidecars.Remove(got))); diff != "" {
		t.Errorf("Remove is no mirror (-never injected +injected and removed):\n%s", diff)
	}
}

// namedIn are the Secrets that a namespace's annotations name.
func namedIn(namespace sidecars.Namespace) map[string]bool {
	return namedSecrets(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Annotations: namespace.Annotations}})
}

func prefix(t *testing.T, before, after []corev1.Container) {
	t.Helper()
	if len(after) < len(before) || len(before) > 0 && !cmp.Equal(before, after[:len(before)]) {
		t.Errorf("the pod's own containers are no prefix: %v, then %v", before, after)
	}
}

func decode(t *testing.T, raw []byte) *corev1.Pod {
	t.Helper()
	var pod corev1.Pod
	if err := kjson.UnmarshalCaseSensitivePreserveInts(raw, &pod); err != nil {
		t.Fatal(err)
	}
	return &pod
}

func text(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
