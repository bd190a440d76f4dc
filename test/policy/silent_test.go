package policy

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/traits"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	plugin "k8s.io/apiserver/pkg/admission/plugin/cel"
	"k8s.io/apiserver/pkg/admission/plugin/policy/mutating/patch"
	limits "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/apiserver/pkg/cel/environment"
	"k8s.io/apiserver/pkg/cel/mutation"
	"sigs.k8s.io/yaml"

	"github.com/outrider-dev/outrider/cmd/outrider/policies"
	"github.com/outrider-dev/outrider/cmd/outrider/release"
	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/test/corpus"
)

// mutator is the policy for annotated pods with its patch.
type mutator struct {
	compiler  *plugin.CompositedCompiler
	evaluator plugin.MutatingEvaluator
	data      *corev1.ConfigMap
}

// newMutator compiles it, with the expressions of some variables replaced.
func newMutator(t testing.TB, replaced map[string]string) mutator {
	t.Helper()
	manifest, err := release.Release{}.RenderOnly("templates/injection/mutatingadmissionpolicy-annotated", nil, "1.37.0")
	if err != nil {
		t.Fatal(err)
	}
	var p admissionv1.MutatingAdmissionPolicy
	if err := yaml.Unmarshal([]byte(manifest), &p); err != nil {
		t.Fatal(err)
	}
	for i := range p.Spec.Variables {
		v := &p.Spec.Variables[i]
		if text, ok := replaced[v.Name]; ok {
			v.Expression = text
			delete(replaced, v.Name)
		}
	}
	if len(replaced) > 0 {
		t.Fatalf("the policy has no variables %v", replaced)
	}
	compiler, err := policies.CompileVariables(&p)
	if err != nil {
		t.Fatal(err)
	}
	m := mutator{compiler: compiler, data: &corev1.ConfigMap{Data: sidecars.Builtin().Injection(sidecars.Settings{})}}
	m.evaluator = compiler.CompileMutatingEvaluator(&patch.JSONPatchCondition{Expression: p.Spec.Mutations[0].JSONPatch.Expression},
		plugin.OptionalVariableDeclarations{HasParams: true, HasPatchTypes: true}, environment.StoredExpressions)
	if errs := m.evaluator.CompilationErrors(); len(errs) > 0 {
		t.Fatal(errs)
	}
	return m
}

// patch is what the policy does to a pod, or why it fails.
func (m mutator) patch(t testing.TB, pod *corev1.Pod) string {
	t.Helper()
	attributes, request := policies.Creation(pod, "shop")
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop"}}
	result, _, err := m.evaluator.ForInput(m.compiler.CreateContext(t.Context()), attributes, request, plugin.OptionalVariableBindings{VersionedParams: m.data}, ns, limits.RuntimeCELCostBudget)
	if err == nil {
		err = result.Error
	}
	if err != nil {
		_, why, _ := strings.Cut(err.Error(), "resulted in error")
		return "error" + why
	}
	var operations []string
	for it := result.EvalResult.(traits.Lister).Iterator(); it.HasNext() == types.True; {
		operation, err := it.Next().ConvertToNative(reflect.TypeFor[*mutation.JSONPatchVal]())
		if err != nil {
			t.Fatal(err)
		}
		value, err := operation.(*mutation.JSONPatchVal).Val.ConvertToNative(types.JSONValueType)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		operations = append(operations, operation.(*mutation.JSONPatchVal).Path+" "+string(raw))
	}
	slices.Sort(operations) // those of a map come in any order
	return strings.Join(operations, "\n")
}

// TestShortcuts: what the policies pass over makes no difference. Pods of which the definition reads nothing, and containers
// that cannot be the server, come out as where each is looked at in full.
func TestShortcuts(t *testing.T) {
	short, full := newMutator(t, nil), newMutator(t, map[string]string{"silent": "false", "looked": "variables.large ? [] : variables.running"})
	silent := newMutator(t, map[string]string{"left": "variables.silent ? 'Silent' : 'Other'"})
	var pods []*corev1.Pod
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
			pods = append(pods, tmpl.Pod)
		}
	}
	m := maker{rand.New(rand.NewPCG(5, 6))}
	for range 1500 {
		pod, _ := m.pod()
		pods = append(pods, pod)
	}
	var passed tally
	for _, pod := range pods {
		got, want := short.patch(t, pod), full.patch(t, pod)
		if got != want && !strings.Contains(want, `"Variable"`) { // of which one is given twice and not read
			t.Errorf("short:\n%s\nin full:\n%s\n%s", got, want, asJSON(t, pod))
		}
		if strings.Contains(got, sidecars.StatusKey[len("outrider.dev/"):]) {
			passed.add(strings.Contains(silent.patch(t, pod), "Silent"))
		}
	}
	t.Logf("figure: of the pods that are decided, %s say nothing of what the definition reads", passed)
	if passed.decided < 50 {
		t.Errorf("%s, too few to prove anything", passed)
	}
}
