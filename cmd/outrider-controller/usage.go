package main

import (
	promv1 "github.com/prometheus/client_golang/api/prometheus/v1"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/outrider-dev/outrider/webhook/coverage"
	"github.com/outrider-dev/outrider/webhook/usage"
)

// newUsage returns what compares namespaces' series with their budgets, by the
// Prometheus that coverage asks.
func newUsage(mgr ctrl.Manager, o Options, s *sources) (*usage.Usage, error) {
	u := usage.Options{Store: s.breaker.Store(), Interval: o.Coverage.ProofInterval}
	if o.Coverage.PrometheusURL != "" {
		client, err := coverage.NewClient(o.Coverage)
		if err != nil {
			return nil, err
		}
		u.Prometheus = promv1.NewAPI(client)
	}
	return usage.New(u, s.namespaces, mgr.GetEventRecorder("outrider")), nil
}
