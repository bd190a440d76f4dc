package main

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/webhook/coverage"
	"github.com/outrider-dev/outrider/webhook/monitored"
	"github.com/outrider-dev/outrider/webhook/repair"
)

// cover has the leader watch which pods have what they should, deciding about
// those that the webhook has not seen as the webhook would.
func cover(mgr ctrl.Manager, o Options, k *known, pods *monitored.Pods) (*coverage.Controller, error) {
	c, err := coverage.New(o.Coverage, coverage.Parts{
		Catalog: k.exporters.Catalog,
		Ready:   func() error { return k.exporters.Check(nil) },
		Decide: func(ctx context.Context, pod *corev1.Pod, optedIn bool) sidecars.Plan {
			in := sidecars.Input{Pod: pod, Settings: o.Sidecars, Suspended: k.circuit.Suspended(pod.Namespace)}
			if annotations, err := k.namespaces.Annotations(ctx, pod.Namespace); err == nil {
				in.Namespace.Annotations = annotations
			}
			if optedIn {
				in.Namespace.Labels = map[string]string{sidecars.InjectKey: sidecars.InjectEnabled}
			}
			if budget, err := k.budgets.Of(ctx, pod.Namespace); err == nil {
				in.Budget = budget
			}
			return sidecars.NewPlan(in, k.exporters.Catalog())
		},
		Monitored: pods,
		Events:    mgr.GetEventRecorder("outrider"),
	})
	if err != nil {
		return nil, err
	}
	return c, c.SetupWithManager(mgr, metrics.Registry)
}

// lacking tells repair what coverage knows.
type lacking struct{ coverage *coverage.Controller }

func (l lacking) Lacking(context.Context) ([]repair.Workload, error) {
	var all []repair.Workload
	for _, found := range l.coverage.Lacking() {
		w := repair.Workload{Namespace: found.Namespace, Pods: found.Pods, Stale: found.Stale}
		if c := found.Controller; c.Kind != "Pod" {
			w.Owner = metav1.OwnerReference{APIVersion: c.APIVersion, Kind: c.Kind, Name: c.Name, UID: c.UID}
		}
		all = append(all, w)
	}
	return all, nil
}
