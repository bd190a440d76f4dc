package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"

	"github.com/outrider-dev/outrider/cmd/outrider/diagnosis"
	"github.com/outrider-dev/outrider/cmd/outrider/internal/explanation"
	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/sidecars/manifest"
	"github.com/outrider-dev/outrider/webhook/decider"
	"github.com/outrider-dev/outrider/webhook/monitored"
)

// live explains pods of a cluster. What its user may not look at is left out.
type live struct {
	client kubernetes.Interface
	owners metadata.Interface
}

func newLive(config *rest.Config) (*live, error) {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("create client: %w", err)
	}
	owners, err := metadata.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("create client: %w", err)
	}
	return &live{client: client, owners: owners}, nil
}

// explain explains a pod from what it was before injection, and compares that
// with what it is.
func (l *live) explain(ctx context.Context, namespace, name string) (explanation.Explanation, error) {
	pod, err := l.client.CoreV1().Pods(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return explanation.Explanation{}, fmt.Errorf("get pod: %w", err)
	}
	installed := diagnosis.FindInstalled(ctx, l.client)
	d, err := newDecides(ctx, l.client, installed)
	if err != nil {
		return explanation.Explanation{}, err
	}
	before := sidecars.Remove(pod)
	plan, settings := d.Explain(ctx, decider.Request{Pod: before, Namespace: namespace})
	x, err := explanation.Of(fmt.Sprintf("pod %s/%s", namespace, name), before, plan, settings, d.Exporters.Catalog())
	x.Decided = decided(pod, installed.Injection())
	x.Advice = append(x.Advice, d.Unknown...)
	x.Advice = append(x.Advice, l.misplaced(ctx, pod)...)
	x.Advice = append(x.Advice, l.running(ctx, pod, plan, installed)...)
	return x, err
}

// decided says who decided about a pod that was created, or nil where nobody did.
func decided(pod *corev1.Pod, i diagnosis.Injection) *explanation.Decided {
	_, answered := pod.Annotations[sidecars.StatusKey]
	word := pod.Labels[sidecars.RequestedKey]
	switch text := sidecars.Left(word, false); {
	case word == sidecars.RequestedByPolicy:
		return &explanation.Decided{By: explanation.ByPolicies}
	case text != "" && !answered && i.Err == nil && !i.Webhook:
		return &explanation.Decided{By: explanation.ByNobody, Reason: word, Message: "the API server's policies leave it: " + sidecars.Left(word, true)}
	case text != "":
		return &explanation.Decided{By: explanation.ByWebhook, Reason: word, Message: "the API server's policies leave it: " + text}
	case !answered || onlyAttached(sidecars.ParseStatus(pod).Decisions):
		return nil
	case i.Err == nil && len(i.Policies) > 0:
		return &explanation.Decided{By: explanation.ByWebhook, Message: "the API server's policies did not see it: it is older, or they failed"}
	default:
		return &explanation.Decided{By: explanation.ByWebhook, Message: i.String()}
	}
}

func onlyAttached(decisions []sidecars.Decision) bool {
	return !slices.ContainsFunc(decisions, func(d sidecars.Decision) bool { return d.Reason != sidecars.Attached })
}

// running tells how the live pod differs from what would be made of it now.
func (l *live) running(ctx context.Context, pod *corev1.Pod, plan sidecars.Plan, installed diagnosis.Installed) []string {
	var advice []string
	for _, d := range plan.Decisions {
		if d.Outcome != sidecars.Injected {
			continue
		}
		container := sidecars.ContainerPrefix + d.Exporter
		status := monitored.StatusOf(pod, container)
		switch {
		case status == nil && !declared(pod, container):
			advice = append(advice, l.absent(ctx, pod, d.Exporter, installed))
		case status == nil: // not started yet
		case status.State.Waiting != nil:
			advice = append(advice, fmt.Sprintf("%s waits: %s %s", container, status.State.Waiting.Reason, status.State.Waiting.Message))
		case status.State.Terminated != nil:
			advice = append(advice, fmt.Sprintf("%s has ended with exit code %d: %s", container, status.State.Terminated.ExitCode, status.State.Terminated.Message))
		case status.LastTerminationState.Terminated != nil:
			advice = append(advice, fmt.Sprintf("%s was restarted %d times; the last time it ended with exit code %d: %s", container, status.RestartCount, status.LastTerminationState.Terminated.ExitCode, status.LastTerminationState.Terminated.Message))
		}
	}
	return advice
}

// absent tells why a pod has no container of an exporter that it would get now.
func (l *live) absent(ctx context.Context, pod *corev1.Pod, exporter string, installed diagnosis.Installed) string {
	for _, d := range sidecars.ParseStatus(pod).Decisions {
		if d.Exporter == exporter && d.Outcome != sidecars.Injected {
			return fmt.Sprintf("when the pod was created, %s was %s (%s): %q; a new pod is decided on anew", exporter, d.Outcome, d.Reason, d.Message)
		}
	}
	switch configured, excluded := l.reaches(ctx, pod.Namespace, installed); {
	case !configured:
		return "no webhook or policy of Outrider is configured in this cluster: outrider install"
	case excluded:
		return fmt.Sprintf("namespace %s is excluded from the webhook (webhook.excludedNamespaces): no pod here gets an exporter", pod.Namespace)
	}
	return fmt.Sprintf("the pod has no container %s%s: it was created before Outrider, or while it was away, or before it asked; create it again, or outrider attach %s -n %s",
		sidecars.ContainerPrefix, exporter, pod.Name, pod.Namespace)
}

// reaches reports whether there is a webhook of ours, or a policy, and whether it
// leaves out a namespace by its name. A user who may not read it gets neither.
func (l *live) reaches(ctx context.Context, namespace string, installed diagnosis.Installed) (configured, excluded bool) {
	if installed.WebhooksErr != nil {
		return true, false
	}
	var selectors []*metav1.LabelSelector
	for i := range installed.Webhooks {
		for j := range installed.Webhooks[i].Webhooks {
			selectors = append(selectors, installed.Webhooks[i].Webhooks[j].NamespaceSelector)
		}
	}
	own := metav1.ListOptions{LabelSelector: diagnosis.Own}
	if policies, err := l.client.AdmissionregistrationV1().MutatingAdmissionPolicies().List(ctx, own); err == nil { // not before Kubernetes 1.36
		for i := range policies.Items {
			if on := policies.Items[i].Spec.MatchConstraints; on != nil {
				selectors = append(selectors, on.NamespaceSelector)
			}
		}
	}
	for _, selector := range selectors {
		excluded = excluded || selector != nil && slices.ContainsFunc(selector.MatchExpressions, func(r metav1.LabelSelectorRequirement) bool {
			return r.Key == corev1.LabelMetadataName && r.Operator == metav1.LabelSelectorOpNotIn && slices.Contains(r.Values, namespace)
		})
	}
	return len(selectors) > 0, excluded
}

// misplaced looks for annotations of ours on the workload that owns the pod, as
// they have no effect there. A Deployment's are copied to its ReplicaSets: only
// the outermost owner is shown.
func (l *live) misplaced(ctx context.Context, pod *corev1.Pod) []string {
	var outermost *metav1.PartialObjectMetadata
	var workload sidecars.Workload
	owner := metav1.GetControllerOf(pod)
	for range 3 { // owners may own one another
		if owner == nil {
			break
		}
		w, known := sidecars.WorkloadOf(schema.FromAPIVersionAndKind(owner.APIVersion, owner.Kind))
		if !known {
			break
		}
		found, err := l.owners.Resource(w.GroupVersionResource()).Namespace(pod.Namespace).Get(ctx, owner.Name, metav1.GetOptions{})
		if err != nil {
			break
		}
		outermost, workload = found, w
		owner = metav1.GetControllerOf(found)
	}
	if outermost == nil {
		return nil
	}
	var advice []string
	for _, key := range manifest.Misplaced(outermost.Annotations) {
		advice = append(advice, fmt.Sprintf("%s %s: %s", workload.Kind, outermost.Name, manifest.Move(key, strings.Join(append(workload.Template, "metadata"), "."))))
	}
	return advice
}

func declared(pod *corev1.Pod, container string) bool {
	named := func(c corev1.Container) bool { return c.Name == container }
	return slices.ContainsFunc(pod.Spec.Containers, named) || slices.ContainsFunc(pod.Spec.InitContainers, named)
}
