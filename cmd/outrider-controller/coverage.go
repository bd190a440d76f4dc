package main

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/webhook/coverage"
)

// cover has the leader watch which pods have what they should, deciding about
// those that the webhook has not seen as the webhook would.
func cover(mgr ctrl.Manager, o Options, k known) error {
	c, err := coverage.New(o.Coverage, coverage.Parts{
		Catalog: k.exporters.Catalog,
		Decide: func(ctx context.Context, pod *corev1.Pod, optedIn bool) sidecars.Plan {
			in := sidecars.Input{Pod: pod, NativeSidecars: k.native, Settings: o.Sidecars}
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
		Events: mgr.GetEventRecorder("outrider"),
	})
	if err != nil {
		return err
	}
	return c.SetupWithManager(mgr, metrics.Registry)
}
