package policies

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/cel-go/cel"
	admissionreview "k8s.io/api/admission/v1"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/admission"
	plugin "k8s.io/apiserver/pkg/admission/plugin/cel"
	limits "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/apiserver/pkg/cel/environment"
)

// requested is what the policies write into the label.
const requested = `variables.left == '' ? 'policy' : variables.left`

// expression is one of a policy, which gives one of some types.
type expression struct {
	name, text string
	of         []*cel.Type
}

// anything is what a variable may give.
var anything = []*cel.Type{cel.AnyType, cel.DynType}

func (e *expression) GetName() string          { return e.name }
func (e *expression) GetExpression() string    { return e.text }
func (e *expression) ReturnTypes() []*cel.Type { return e.of }

// evaluator is a policy that is compiled: whether it looks at a pod, and what it says.
type evaluator struct{ matches, says plugin.ConditionEvaluator }

// declared is what expressions of the policies may name beside the pod.
var declared = plugin.OptionalVariableDeclarations{HasParams: true}

// CompileVariables compiles the variables of a policy, which further expressions may name. An error names every variable that
// does not compile.
func CompileVariables(p *admissionv1.MutatingAdmissionPolicy) (*plugin.CompositedCompiler, error) {
	compiler, err := plugin.NewCompositedCompiler(environment.MustBaseEnvSet(environment.DefaultCompatibilityVersion()))
	if err != nil {
		return nil, fmt.Errorf("compile policy %s: %w", p.Name, err)
	}
	var errs []error
	for _, v := range p.Spec.Variables {
		if done := compiler.CompileAndStoreVariable(&expression{v.Name, v.Expression, anything}, declared, environment.StoredExpressions); done.Error != nil {
			errs = append(errs, fmt.Errorf("compile variable %s of policy %s: %w", v.Name, p.Name, done.Error))
		}
	}
	return compiler, errors.Join(errs...)
}

func compile(p *admissionv1.MutatingAdmissionPolicy) (*evaluator, error) {
	compiler, err := CompileVariables(p)
	if err != nil {
		return nil, err
	}
	var conditions []plugin.ExpressionAccessor
	for _, c := range p.Spec.MatchConditions {
		conditions = append(conditions, &expression{c.Name, c.Expression, []*cel.Type{cel.BoolType}})
	}
	return &evaluator{
		matches: compiler.CompileCondition(conditions, declared, environment.StoredExpressions),
		says:    compiler.CompileCondition([]plugin.ExpressionAccessor{&expression{"requested", requested, []*cel.Type{cel.StringType}}}, declared, environment.StoredExpressions),
	}, nil
}

// Creation is the request that creates a pod in a namespace, as expressions see it.
func Creation(pod *corev1.Pod, namespace string) (*admission.VersionedAttributes, *admissionreview.AdmissionRequest) {
	kind, resource := corev1.SchemeGroupVersion.WithKind("Pod"), corev1.SchemeGroupVersion.WithResource("pods")
	attributes := &admission.VersionedAttributes{
		Attributes:      admission.NewAttributesRecord(pod, nil, kind, namespace, pod.Name, resource, "", admission.Create, &metav1.CreateOptions{}, false, nil),
		VersionedKind:   kind,
		VersionedObject: admission.NewLazyObject(pod),
	}
	return attributes, plugin.CreateAdmissionRequest(attributes, metav1.GroupVersionResource(resource), metav1.GroupVersionKind(kind))
}

// ask evaluates the policy for a pod. Requested is empty where it does not look at it.
func (e *evaluator) ask(ctx context.Context, pod *corev1.Pod, ns *corev1.Namespace, data *corev1.ConfigMap) (Answer, error) {
	attributes, request := Creation(pod, ns.Name)
	evaluate := func(what plugin.ConditionEvaluator) ([]plugin.EvaluationResult, int64, error) {
		results, left, err := what.ForInput(ctx, attributes, request, plugin.OptionalVariableBindings{VersionedParams: data}, ns, limits.RuntimeCELCostBudget)
		for _, r := range results {
			err = errors.Join(err, r.Error)
		}
		return results, limits.RuntimeCELCostBudget - left, err
	}
	matched, cost, err := evaluate(e.matches)
	if err != nil {
		return Answer{}, fmt.Errorf("evaluate the match conditions: %w", err)
	}
	for _, r := range matched {
		if r.EvalResult.Value() != true {
			return Answer{Cost: cost}, nil
		}
	}
	said, more, err := evaluate(e.says)
	if err != nil {
		return Answer{}, fmt.Errorf("evaluate the policy: %w", err)
	}
	word, _ := said[0].EvalResult.Value().(string)
	return Answer{Requested: word, Cost: cost + more}, nil
}
