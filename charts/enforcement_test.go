package charts_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// controllerArgs are the controller's flags that begin like this.
func controllerArgs(objects []runtime.Object, prefix string) []string {
	var found []string
	for _, d := range all[*appsv1.Deployment](objects) {
		for _, arg := range d.Spec.Template.Spec.Containers[0].Args {
			if strings.HasPrefix(arg, prefix) {
				found = append(found, arg)
			}
		}
	}
	return found
}

// Every binding is of a policy that is there, has the controller's object as its parameter, and lets everything through
// without it; no policy stops what it cannot evaluate; and each value of the label has one binding of each policy.
func TestEnforcement(t *testing.T) {
	got := objects(t, render(t, nil, latest))
	policies := map[string]bool{}
	for _, p := range all[*admissionv1.ValidatingAdmissionPolicy](got) {
		policies[p.Name] = true
		if *p.Spec.FailurePolicy != admissionv1.Ignore {
			t.Errorf("%s: failure policy %s", p.Name, *p.Spec.FailurePolicy)
		}
		for _, v := range p.Spec.Variables {
			if strings.Contains(v.Expression, "lastIndexOf(") {
				t.Errorf("%s, %s: Kubernetes 1.30 cannot evaluate lastIndexOf of an empty text; find('[^-]*$') is the same", p.Name, v.Name)
			}
		}
	}
	var names []string
	for _, m := range all[*corev1.ConfigMap](got) {
		if len(m.Data) == 0 {
			names = append(names, m.Name)
		}
	}
	if diff := cmp.Diff([]string{"outrider-breaker", "outrider-policies"}, names); diff != "" {
		t.Errorf("empty ConfigMaps (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"--policy-parameters=outrider-policies"}, controllerArgs(got, "--policy-parameters")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	actions := map[string][]string{}
	for _, b := range all[*admissionv1.ValidatingAdmissionPolicyBinding](got) {
		if !policies[b.Spec.PolicyName] {
			t.Errorf("%s: there is no policy %s", b.Name, b.Spec.PolicyName)
		}
		if b.Spec.PolicyName == "outrider-namespaces" {
			continue
		}
		if p := b.Spec.ParamRef; p == nil || p.Name != "outrider-policies" || p.Namespace != namespace || *p.ParameterNotFoundAction != admissionv1.AllowAction {
			t.Errorf("%s: %v", b.Name, p)
		}
		for _, value := range b.Spec.MatchResources.NamespaceSelector.MatchExpressions[0].Values {
			for _, action := range b.Spec.ValidationActions {
				actions[b.Spec.PolicyName+" "+value] = append(actions[b.Spec.PolicyName+" "+value], string(action))
			}
		}
	}
	want := map[string][]string{
		"outrider-enforcement audit": {"Audit"}, "outrider-enforcement warn": {"Warn", "Audit"}, "outrider-enforcement deny": {"Deny", "Audit"},
		"outrider-spared audit": {"Audit"}, "outrider-spared warn": {"Warn", "Audit"}, "outrider-spared deny": {"Warn", "Audit"},
	}
	if diff := cmp.Diff(want, actions); diff != "" {
		t.Errorf("actions (-want +got):\n%s", diff)
	}
}

// Without policies nothing of them is left, and the controller is not told of any.
func TestNoEnforcement(t *testing.T) {
	none := map[string]any{"enforcement": map[string]any{"mode": "none"}, "webhook": map[string]any{"mode": "webhook"}}
	for _, kubernetes := range []string{oldest, latest} {
		name, got := "mode none, "+kubernetes, objects(t, render(t, none, kubernetes))
		for _, b := range all[*admissionv1.ValidatingAdmissionPolicyBinding](got) {
			if b.Name != "outrider-namespaces" {
				t.Errorf("%s: %s", name, b.Name)
			}
		}
		if slices.ContainsFunc(all[*corev1.ConfigMap](got), func(m *corev1.ConfigMap) bool { return m.Name == "outrider-policies" }) {
			t.Errorf("%s: its ConfigMap is there", name)
		}
		if args := controllerArgs(got, "--policy-parameters"); args != nil {
			t.Errorf("%s: %q", name, args)
		}
		for role, rules := range rules(got) {
			for _, r := range rules {
				if slices.Contains(r.Resources, "configmaps") && slices.Contains(r.ResourceNames, "outrider-policies") {
					t.Errorf("%s: %s: %v", name, role, r)
				}
			}
		}
	}
}

// The controller may read and write two ConfigMaps, in its own namespace.
func TestConfigMaps(t *testing.T) {
	for name, rules := range rules(objects(t, render(t, nil, latest))) {
		for _, r := range rules {
			if !slices.Contains(r.Resources, "configmaps") || cmp.Equal([]string{"create"}, r.Verbs) {
				continue
			}
			if name == "Role/outrider-webhook" && cmp.Equal([]string{"outrider-breaker"}, r.ResourceNames) && cmp.Equal([]string{"get", "list", "watch"}, r.Verbs) {
				continue
			}
			if len(r.ResourceNames) != 1 || name != "Role/outrider-controller" || !slices.Contains([]string{"outrider-breaker", "outrider-policies"}, r.ResourceNames[0]) {
				t.Errorf("%s: %v", name, r)
			}
		}
	}
}
