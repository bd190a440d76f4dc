package main

import (
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/outrider-dev/outrider/webhook/coverage"
)

// setupCoverage has the leader watch which pods have what they should.
func setupCoverage(mgr ctrl.Manager, o Options, s *sources) (*coverage.Controller, error) {
	o.Coverage.Alone = o.Injection == byPolicy
	c, err := coverage.New(o.Coverage, coverage.Parts{
		Exporters: s.exporters, Decider: s.decider, Namespaces: s.namespaces, Monitored: s.pods, Events: mgr.GetEventRecorder("outrider"),
	})
	if err != nil {
		return nil, err
	}
	return c, c.SetupWithManager(mgr, metrics.Registry)
}
