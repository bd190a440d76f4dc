// Package policies evaluates, without a cluster, the policies by which the API server
// injects, as the API server does: the chart's own, by Kubernetes' own code.
//
// # Decisions
//
// The embedded chart is rendered and its expressions are evaluated. Refused: the
// policies' conditions a second time in Go, which would agree until they do not.
package policies

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"

	"github.com/outrider-dev/outrider/cmd/outrider/release"
	"github.com/outrider-dev/outrider/sidecars"
)

// Policies are those that the chart renders where the API server injects. They are safe
// for concurrent use.
type Policies struct {
	all  []*policy
	data *corev1.ConfigMap
}

// policy is one of them, compiled when it is first needed.
type policy struct {
	admissionv1.MutatingAdmissionPolicy
	selector labels.Selector
	compiled func() (*evaluator, error)
}

// New reads the policies of the embedded chart with its default values. They decide by
// the catalog and the settings, nothing is suspended, and no namespace has a quota.
func New(c sidecars.Catalog, s sidecars.Settings) (*Policies, error) {
	manifest, err := release.Release{}.RenderOnly("templates/injection/mutatingadmissionpolicy-", nil, "1.36.0")
	if err != nil {
		return nil, err
	}
	p := &Policies{data: &corev1.ConfigMap{Data: c.Injection(s)}}
	for document := range strings.SplitSeq(manifest, "\n---\n") {
		var one policy
		if err := yaml.Unmarshal([]byte(document), &one.MutatingAdmissionPolicy); err != nil {
			return nil, fmt.Errorf("read the chart's policies: %w", err)
		}
		if one.Spec.MatchConstraints == nil {
			continue // an empty document
		}
		if one.selector, err = metav1.LabelSelectorAsSelector(one.Spec.MatchConstraints.NamespaceSelector); err != nil {
			return nil, fmt.Errorf("read the namespaces of policy %s: %w", one.Name, err)
		}
		one.compiled = sync.OnceValues(func() (*evaluator, error) { return compile(&one.MutatingAdmissionPolicy) })
		p.all = append(p.all, &one)
	}
	return p, nil
}

// Answer is what the policies say of a new pod.
type Answer struct {
	// Requested is the label sidecars.RequestedKey that they write: RequestedByPolicy, or
	// the word for why they leave the pod. It is empty where none looks at the pod.
	Requested string
	// Cost of the evaluation in the API server's units, of which a policy may spend 10⁷.
	Cost int64
}

// Ask evaluates the policies for a pod that is about to be created in a namespace. An
// error is one of an expression; the API server would leave such a pod to the webhook.
func (p *Policies) Ask(ctx context.Context, pod *corev1.Pod, namespace string, of sidecars.Namespace) (Answer, error) {
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace, Annotations: of.Annotations, Labels: maps.Clone(of.Labels)}}
	if ns.Labels == nil {
		ns.Labels = map[string]string{}
	}
	ns.Labels[corev1.LabelMetadataName] = namespace
	for _, one := range p.all {
		if !one.selector.Matches(labels.Set(ns.Labels)) {
			continue
		}
		e, err := one.compiled()
		if err != nil {
			return Answer{}, err
		}
		if a, err := e.ask(ctx, pod, ns, p.data); err != nil || a.Requested != "" {
			return a, err
		}
	}
	return Answer{}, nil
}
