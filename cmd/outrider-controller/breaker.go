package main

import (
	"errors"
	"flag"
	"fmt"
	"time"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/outrider-dev/outrider/webhook/breaker"
	"github.com/outrider-dev/outrider/webhook/repair"
)

// addBreakerFlags binds what suspends exporters, and what repairs workloads.
func (o *Options) addBreakerFlags(fs *flag.FlagSet) {
	rules := &o.Breaker.Rules
	*rules = breaker.DefaultRules()
	fs.StringVar(&o.Breaker.ConfigMap, "breaker-configmap", "outrider-breaker", "ConfigMap that holds the suspended exporters.")
	fs.IntVar(&o.Breaker.Probes, "breaker-probes", 1, "Pods on which each replica tries a suspended exporter, in one half-open window.")
	fs.DurationVar(&rules.Timeout, "breaker-timeout", rules.Timeout, "How long one pod may be held up by nothing but an exporter before that is suspended.")
	fs.DurationVar(&rules.Stable, "breaker-stable", rules.Stable, "How long an exporter has to run to count as healthy.")
	fs.DurationVar(&rules.Backoff, "breaker-backoff", rules.Backoff, "How long the first suspension lasts; each further one lasts twice as long.")
	fs.DurationVar(&rules.MaxBackoff, "breaker-max-backoff", rules.MaxBackoff, "How long a suspension lasts at most.")
	fs.BoolVar(&o.Repair.Evict, "breaker-evict", true, "Evict pods that nothing but a suspended exporter keeps from starting.")
	fs.BoolVar(&o.Repair.Restart, "repair", false, "Restart the rollouts of workloads whose pods were missed.")
	fs.BoolVar(&o.Repair.Stale, "repair-stale", false, "Restart also those whose pods have an exporter of an older definition.")
	fs.DurationVar(&o.Repair.Interval, "repair-interval", 30*time.Second, "Time between two restarts or evictions in the whole cluster.")
	fs.DurationVar(&o.Repair.Backoff, "repair-backoff", time.Hour, "How long a workload is left alone after a restart that did not help.")
}

// newBreaker returns what suspends exporters that do not work.
func newBreaker(mgr ctrl.Manager, o Options, s *sources) (*breaker.Breaker, error) {
	rules := o.Breaker.Rules
	if rules.Timeout <= 0 || rules.Stable <= 0 || rules.Backoff <= 0 || o.Repair.Interval <= 0 || o.Breaker.Probes < 1 {
		return nil, errors.New("--breaker-timeout, --breaker-stable, --breaker-backoff, --breaker-probes and --repair-interval: want more than zero")
	}
	o.Breaker.Namespace = o.Certificates.Namespace
	return breaker.New(o.Breaker, s.pods, s.exporters, mgr.GetEventRecorder("outrider"), breaker.NewMetrics(metrics.Registry)), nil
}

// setupRepair starts what repairs workloads.
func setupRepair(mgr ctrl.Manager, o Options, b *breaker.Breaker, coverage repair.Coverage) error {
	if !o.Repair.Evict && !o.Repair.Restart {
		return nil
	}
	err := mgr.Add(&repair.Repairer{
		Options: o.Repair, Reader: mgr.GetAPIReader(), Writer: mgr.GetClient(),
		Coverage: coverage, Breaker: b, Events: mgr.GetEventRecorder("outrider"), Metric: repair.NewMetric(metrics.Registry),
	})
	if err != nil {
		return fmt.Errorf("set up repair: %w", err)
	}
	return nil
}
