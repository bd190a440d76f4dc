package main

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/webhook"
	"github.com/outrider-dev/outrider/webhook/coverage"
)

// cover has the leader watch which pods have what they should, deciding about
// those that the webhook has not seen as the webhook would.
func cover(mgr ctrl.Manager, o Options, exporters *webhook.Exporters, budgets *webhook.Budgets, native bool) error {
	c, err := coverage.New(o.Coverage, coverage.Parts{
		Catalog: exporters.Catalog,
		Decide: func(ctx context.Context, pod *corev1.Pod, optedIn bool) sidecars.Plan {
			in := sidecars.Input{Pod: pod, NativeSidecars: native, Settings: o.Sidecars}
			if optedIn {
				in.Namespace = map[string]string{sidecars.InjectKey: sidecars.InjectEnabled}
			}
			if budget, err := budgets.Of(ctx, pod.Namespace); err == nil {
				in.Budget = budget
			}
			return sidecars.NewPlan(in, exporters.Catalog())
		},
		Events: mgr.GetEventRecorder("outrider"),
	})
	if err != nil {
		return err
	}
	return c.SetupWithManager(mgr, metrics.Registry)
}
