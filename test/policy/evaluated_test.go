package policy

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/outrider-dev/outrider/cmd/outrider/policies"
	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/test/corpus"
)

func evaluated(t testing.TB) *policies.Policies {
	t.Helper()
	p, err := policies.New(sidecars.Builtin(), sidecars.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestEvaluatedWithoutACluster holds what outrider explain says of the policies against what a real API server did, which
// the golden has: the same pods are decided, and the others left for the same reasons.
func TestEvaluatedWithoutACluster(t *testing.T) {
	raw, err := os.ReadFile("testdata/left.golden")
	if err != nil {
		t.Fatal(err)
	}
	left := map[string]string{}
	for line := range strings.Lines(string(raw)) {
		of, word, _ := strings.Cut(strings.TrimSpace(line), ": ")
		left[of], _, _ = strings.Cut(word, ",")
	}
	p := evaluated(t)
	cases, err := corpus.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range cases {
		templates, err := tc.Templates()
		if err != nil {
			t.Fatal(err)
		}
		for _, tmpl := range templates {
			got, err := p.Ask(t.Context(), tmpl.Pod, "shop", tc.Namespace)
			if err != nil {
				t.Errorf("%s, %s: %v", tc.Name, tmpl.Name, err)
				continue
			}
			of := tc.Name + ", " + tmpl.Name
			plan := sidecars.NewPlan(sidecars.Input{Pod: tmpl.Pod, Namespace: tc.Namespace}, sidecars.Builtin())
			want, isLeft := left[of]
			if !isLeft && plan.Injects() && tmpl.Pod.Annotations[sidecars.StatusKey] == "" {
				want = sidecars.RequestedByPolicy
			}
			if want != "" && got.Requested != want {
				t.Errorf("%s: evaluated to %q, and the API server says %q", of, got.Requested, want)
			}
			if got.Requested != "" && got.Requested != sidecars.RequestedByPolicy && sidecars.Left(got.Requested, false) == "" {
				t.Errorf("%s: the word %q has no text", of, got.Requested)
			}
		}
	}
}

// TestWordsHaveTexts: each word of the policies for why they leave a pod is explained, and nothing is explained that none says.
func TestWordsHaveTexts(t *testing.T) {
	raw, err := os.ReadFile("../../charts/outrider/templates/injection/_left.tpl")
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?s)\? '([A-Z][A-Za-z]+)'`).FindAllStringSubmatch(string(raw), -1) {
		said[m[1]] = true
		if sidecars.Left(m[1], false) == "" {
			t.Errorf("the word %s has no text in sidecars/left.go", m[1])
		}
	}
	for key := range sidecars.Builtin().Injection(sidecars.Settings{}) {
		if word, ok := strings.CutPrefix(key, "left."); ok && !said[word] {
			t.Errorf("sidecars/left.go explains %s, which the policies never say", word)
		}
	}
}

// budget is what the API server lets one policy spend on one pod.
const budget = 10_000_000

// TestAllocations counts what an evaluation, without its patch, costs the API server, which no other load changes.
func TestAllocations(t *testing.T) {
	beside := redis(sidecars.InjectKey, "redis")
	beside.Spec.Containers = append(beside.Spec.Containers, corev1.Container{Name: "proxy", Image: "corp/proxy:1"})
	password := redis(sidecars.InjectKey, "postgres")
	password.Spec.Containers[0].Image = "postgres:17"
	password.Spec.Containers[0].Env = []corev1.EnvVar{{Name: "POSTGRES_USER", Value: "shop"}, {Name: "POSTGRES_PASSWORD", ValueFrom: &corev1.EnvVarSource{
		SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "shop"}, Key: "password"}}}}
	p := evaluated(t)
	for _, tc := range []struct {
		name string
		pod  *corev1.Pod
		most float64
	}{{"one server", redis(sidecars.InjectKey, "redis"), 2000}, {"a server beside another container", beside, 2600}, {"a server and a password", password, 5600}} {
		got := testing.AllocsPerRun(20, func() {
			if a, err := p.Ask(t.Context(), tc.pod, "shop", sidecars.Namespace{}); err != nil || a.Requested != sidecars.RequestedByPolicy {
				t.Fatal(a, err)
			}
		})
		t.Logf("figure: the evaluation for a pod with %s, without its patch: %.0f allocations", tc.name, got)
		if got > tc.most {
			t.Errorf("a pod with %s: %.0f allocations, the budget is %.0f", tc.name, got, tc.most)
		}
	}
}

// TestCost: of the largest pod that the policies decide, and of larger ones, which they leave by their size, they spend a
// part of what the API server allows.
func TestCost(t *testing.T) {
	p := evaluated(t)
	for containers, want := range map[int]string{1: "policy", 80: "policy", 250: "Size"} {
		got, err := p.Ask(t.Context(), large(containers, 20), "shop", sidecars.Namespace{})
		if err != nil {
			t.Errorf("%d containers with 20 variables each: %v", containers, err)
			continue
		}
		t.Logf("figure: %d containers with 20 variables each: %s, at %.1f %% of the cost that the API server allows", containers, got.Requested, 100*float64(got.Cost)/budget)
		if got.Requested != want || got.Cost > budget/2 {
			t.Errorf("%d containers: %s, want %s; it costs %d of %d", containers, got.Requested, want, got.Cost, budget)
		}
	}
}

// large is a pod with a server and further containers, each with so many variables.
func large(containers, variables int) *corev1.Pod {
	pod := redis(sidecars.InjectKey, sidecars.InjectAuto)
	for i := range containers - 1 {
		pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{Name: fmt.Sprint("app-", i), Image: "corp/app:1"})
	}
	for i := range pod.Spec.Containers {
		for j := range variables {
			pod.Spec.Containers[i].Env = append(pod.Spec.Containers[i].Env, corev1.EnvVar{Name: fmt.Sprint("VARIABLE_", j), Value: "some value"})
		}
	}
	return pod
}
