// Package explanation tells what Outrider decides for a pod, and what that means for it.
//
// # Decisions
//
// Everything is computed by the code that does it: decisions by sidecars,
// targets by Prometheus' own relabeling in discovery, Pod Security by
// Kubernetes' own checks, the QoS class by kubectl's. A pod that is running is
// explained from what it was before the injection, so that the answer is about
// its annotations and not about itself.
package explanation

import (
	"cmp"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/kubectl/pkg/util/qos"
	psaapi "k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"

	"github.com/outrider-dev/outrider/discovery"
	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
)

// Explanation is what becomes of one pod.
type Explanation struct {
	// Pod is where it stands: an object of a file, or a pod of the cluster.
	Pod string `json:"pod"`
	// Exporters in the order of the decisions.
	Exporters []Exporter `json:"exporters,omitempty"`
	// Unasked says why there are none.
	Unasked string `json:"unasked,omitempty"`
	// NotRecognized are containers that look like workloads of the catalog and
	// are not taken for them.
	NotRecognized []sidecars.Passed `json:"notRecognized,omitempty"`
	// Decided is by whom; nil where the pod asks for nothing.
	Decided *Decided `json:"decided,omitempty"`
	// Targets that Prometheus makes of the pod.
	Targets []Target `json:"targets,omitempty"`
	// PodSecurity is the strictest level of Pod Security that the pod meets.
	PodSecurity Change `json:"podSecurity"`
	// QoS class of the pod.
	QoS Change `json:"qos"`
	// Requests that are added, such as cpu: 10m.
	Requests map[string]string `json:"requests,omitempty"`
	// Costs are the series that each exporter is expected to serve.
	Costs []Cost `json:"costs,omitempty"`
	// Advice is what to change, a sentence each.
	Advice []string `json:"advice,omitempty"`
}

// Decided is who decides about a pod.
type Decided struct {
	By Decider `json:"by"`
	// Reason is the word for why the API server's policies leave the pod to the webhook.
	Reason string `json:"reason,omitempty"`
	// Message is that in words, or on which clusters it is so.
	Message string `json:"message,omitempty"`
}

// Decider is a part that decides about pods.
type Decider string

// The deciders.
const (
	ByPolicies Decider = "policy"  // the API server's policies
	ByWebhook  Decider = "webhook" // the webhook
	ByNobody   Decider = "nobody"  // the policies leave the pod, and there is no webhook
)

// Exporter is a decision with its settings.
type Exporter struct {
	sidecars.Decision
	Settings []sidecars.Setting `json:"settings,omitempty"`
}

// Target is what Prometheus scrapes.
type Target struct {
	URL    string            `json:"url"`
	Labels map[string]string `json:"labels"`
}

// Cost is what an exporter is expected to serve at each scrape.
type Cost struct {
	Exporter string `json:"exporter"`
	// Series of a server that holds nothing; zero where that is unknown.
	Series int32 `json:"series"`
	// Per is what further things of the server add.
	Per []v1alpha1.SeriesPer `json:"per,omitempty"`
	// Unmeasured is where they come from if they were not measured: documented or estimated.
	Unmeasured v1alpha1.CostSource `json:"unmeasured,omitempty"`
}

// Change is a property before and after injection.
type Change struct {
	Before string `json:"before"`
	After  string `json:"after"`
}

// placeholderIP stands for the address of a pod that does not run.
const placeholderIP = "POD-IP"

// Of explains a plan with its settings. The pod is the one the plan was made for,
// by the catalog.
func Of(name string, pod *corev1.Pod, plan sidecars.Plan, settings []sidecars.Setting, catalog sidecars.Catalog) (Explanation, error) {
	after := plan.Apply(pod)
	x := Explanation{
		Pod:           name,
		Unasked:       plan.Unasked(),
		NotRecognized: plan.Passed(),
		PodSecurity:   Change{securityLevel(pod), securityLevel(after)},
		QoS:           Change{string(qos.ComputePodQOS(pod)), string(qos.ComputePodQOS(after))},
		Requests:      added(pod, after),
	}
	for _, d := range plan.Decisions {
		e := Exporter{Decision: d}
		for _, s := range settings {
			if s.Exporter == d.Exporter && d.Exporter != "" {
				e.Settings = append(e.Settings, s)
			}
		}
		x.Exporters = append(x.Exporters, e)
		if d.Warns() {
			x.Advice = append(x.Advice, d.Message)
		}
	}
	for _, e := range plan.Expected(catalog) {
		x.Costs = append(x.Costs, Cost{Exporter: e.Exporter, Series: e.Series(), Per: e.Per(), Unmeasured: e.Unmeasured()})
	}
	after.Name = cmp.Or(after.Name, after.GenerateName+"…")
	after.Status.PodIP = cmp.Or(after.Status.PodIP, placeholderIP)
	targets, err := discovery.Targets(after)
	if err != nil {
		return x, fmt.Errorf("find the targets: %w", err)
	}
	for _, t := range targets {
		x.Targets = append(x.Targets, Target(t))
	}
	return x, nil
}

// securityLevel is the strictest level that the pod meets.
func securityLevel(pod *corev1.Pod) string {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		return ""
	}
	for _, level := range []psaapi.Level{psaapi.LevelRestricted, psaapi.LevelBaseline} {
		results := evaluator.EvaluatePod(psaapi.LevelVersion{Level: level, Version: psaapi.LatestVersion()}, &pod.ObjectMeta, &pod.Spec)
		if policy.AggregateCheckResults(results).Allowed {
			return string(level)
		}
	}
	return string(psaapi.LevelPrivileged)
}

// added are the requests of the containers that the second pod has more.
func added(before, after *corev1.Pod) map[string]string {
	sum := corev1.ResourceList{}
	extra := append(after.Spec.Containers[len(before.Spec.Containers):], after.Spec.InitContainers[len(before.Spec.InitContainers):]...)
	for i := range extra {
		for name, quantity := range extra[i].Resources.Requests {
			total := sum[name]
			total.Add(quantity)
			sum[name] = total
		}
	}
	if len(sum) == 0 {
		return nil
	}
	out := map[string]string{}
	for name, quantity := range sum {
		out[string(name)] = quantity.String()
	}
	return out
}
