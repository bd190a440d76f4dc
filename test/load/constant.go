package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/outrider-dev/outrider/sidecars"
)

const (
	constantName    = "constant"
	askedOfConstant = "example.com/constant" // label of the pods that it is for
	doneByConstant  = "example.com/done"     // label that it adds, as Outrider's policies add one
)

// installConstant makes a policy that adds, to pods with a label, what Outrider adds to a
// pod that asks for redis, and asks nothing else of them: what the API server itself
// takes to look at a pod, and to inject by a policy, whatever the policy decides.
func (s *stage) installConstant(ctx context.Context) error {
	patch, err := constantPatch()
	if err != nil {
		return fmt.Errorf("make the policy %s: %w", constantName, err)
	}
	ignore := admissionregistrationv1.Ignore
	policy := &admissionregistrationv1.MutatingAdmissionPolicy{ObjectMeta: metav1.ObjectMeta{Name: constantName}, Spec: admissionregistrationv1.MutatingAdmissionPolicySpec{
		MatchConstraints: &admissionregistrationv1.MatchResources{
			ObjectSelector: &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: doneByConstant, Operator: metav1.LabelSelectorOpNotIn, Values: []string{"true"}}}},
			ResourceRules: []admissionregistrationv1.NamedRuleWithOperations{{RuleWithOperations: admissionregistrationv1.RuleWithOperations{
				Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create},
				Rule:       admissionregistrationv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"pods"}},
			}}},
		},
		MatchConditions: []admissionregistrationv1.MatchCondition{{Name: "asks", Expression: fmt.Sprintf("has(object.metadata.labels) && '%s' in object.metadata.labels", askedOfConstant)}},
		FailurePolicy:   &ignore, ReinvocationPolicy: admissionregistrationv1.NeverReinvocationPolicy,
		Mutations: []admissionregistrationv1.Mutation{{PatchType: admissionregistrationv1.PatchTypeJSONPatch, JSONPatch: &admissionregistrationv1.JSONPatch{Expression: patch}}},
	}}
	if _, err := s.client.AdmissionregistrationV1().MutatingAdmissionPolicies().Create(ctx, policy, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("create the policy %s: %w", constantName, err)
	}
	s.bindings[byConstant] = append(s.bindings[byConstant], &admissionregistrationv1.MutatingAdmissionPolicyBinding{ObjectMeta: metav1.ObjectMeta{Name: constantName},
		Spec: admissionregistrationv1.MutatingAdmissionPolicyBindingSpec{PolicyName: constantName}})
	return nil
}

// constantPatch is the patch as an expression without a variable. The pods have labels and annotations.
func constantPatch() (string, error) {
	sample := newPod("", nil, map[string]string{sidecars.InjectKey: "redis"})
	var operations []string
	for _, o := range sidecars.NewPlan(sidecars.Input{Pod: sample}, sidecars.Builtin()).Patch() {
		raw, err := json.Marshal(o.Value)
		if err != nil {
			return "", err
		}
		var value any
		if err := json.Unmarshal(raw, &value); err != nil {
			return "", err
		}
		operations = append(operations, fmt.Sprintf("JSONPatch{op: %s, path: %s, value: %s}", strconv.Quote(o.Operation), strconv.Quote(o.Path), literal(value)))
	}
	operations = append(operations, fmt.Sprintf(`JSONPatch{op: "add", path: "/metadata/labels/%s", value: "true"}`, strings.ReplaceAll(doneByConstant, "/", "~1")))
	return "[" + strings.Join(operations, ", ") + "]", nil
}

// literal is a JSON value in CEL, where the items of a list or map are of one type.
func literal(value any) string {
	var items []string
	switch v := value.(type) {
	case map[string]any:
		for key, item := range v {
			items = append(items, strconv.Quote(key)+": dyn("+literal(item)+")")
		}
		slices.Sort(items)
		return "{" + strings.Join(items, ", ") + "}"
	case []any:
		for _, item := range v {
			items = append(items, "dyn("+literal(item)+")")
		}
		return "[" + strings.Join(items, ", ") + "]"
	case string:
		return strconv.Quote(v)
	default:
		return fmt.Sprint(v)
	}
}
