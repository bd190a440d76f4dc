package main

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/outrider-dev/outrider/webhook/coverage"
	"github.com/outrider-dev/outrider/webhook/repair"
)

// setupCoverage has the leader watch which pods have what they should.
func setupCoverage(mgr ctrl.Manager, o Options, s *sources) (*coverage.Controller, error) {
	c, err := coverage.New(o.Coverage, coverage.Parts{
		Exporters: s.exporters, Decider: s.decider, Namespaces: s.namespaces, Monitored: s.pods, Events: mgr.GetEventRecorder("outrider"),
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
