package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/outrider-dev/outrider/certs"
	"github.com/outrider-dev/outrider/discovery/dashboards"
	monitors "github.com/outrider-dev/outrider/discovery/monitors/controller"
	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
	"github.com/outrider-dev/outrider/webhook"
	"github.com/outrider-dev/outrider/webhook/breaker"
	"github.com/outrider-dev/outrider/webhook/decider"
	"github.com/outrider-dev/outrider/webhook/events"
	"github.com/outrider-dev/outrider/webhook/monitored"
	"github.com/outrider-dev/outrider/webhook/serving"
	"github.com/outrider-dev/outrider/webhook/usage"
)

// newManager wires the parts of the role. terminated ends when the process was
// asked to stop, which is earlier than the manager's own context.
func newManager(terminated context.Context, config *rest.Config, o Options) (ctrl.Manager, error) {
	o.Certificates.Clock = &certs.Clock{}
	config = rest.CopyConfig(config)
	config.Wrap(o.Certificates.Clock.Watch)
	var source certs.Source
	var err error
	if o.Injection != byPolicy {
		if source, err = certs.New(o.Certificates, certs.NewMetrics(metrics.Registry)); err != nil {
			return nil, err
		}
	}
	kinds, err := kinds()
	if err != nil {
		return nil, err
	}
	options := ctrl.Options{
		Scheme:  kinds,
		Cache:   cache.Options{ByObject: cached(o)},
		Metrics: metricsserver.Options{BindAddress: "0"}, // see ports
	}
	if err := electLeader(&options, config, o); err != nil {
		return nil, err
	}
	bare, err := ctrl.NewManager(config, options)
	if err != nil {
		return nil, fmt.Errorf("create manager: %w", err)
	}
	mgr, err := withPorts(terminated, bare, o)
	if err != nil {
		return nil, err
	}
	s, err := setupSources(terminated, mgr, o)
	if err != nil {
		return nil, err
	}
	if o.serves() {
		if err := setupWebhook(terminated, mgr, o, source, s); err != nil {
			return nil, err
		}
	}
	if o.Role.leads() {
		if err := setupController(terminated, mgr, o, source, s); err != nil {
			return nil, err
		}
	}
	return mgr, errors.Join(
		mgr.AddHealthzCheck("ping", healthz.Ping),
		mgr.AddReadyzCheck("terminating", func(*http.Request) error { return terminated.Err() }),
	)
}

// sources are what decisions depend on besides the pod, and the decider that goes
// by them.
type sources struct {
	exporters  *decider.Exporters
	budgets    *decider.Budgets
	namespaces *decider.Namespaces
	breaker    *breaker.Breaker
	usage      *usage.Usage
	pods       *monitored.Pods // nil for the webhook
	decider    *decider.Decider
}

// setupSources has the manager follow what decisions depend on. A replica is ready
// once it knows that.
func setupSources(ctx context.Context, mgr ctrl.Manager, o Options) (*sources, error) {
	s := &sources{exporters: decider.NewExporters(sidecars.Builtin(), metrics.Registry), budgets: &decider.Budgets{}, namespaces: &decider.Namespaces{}}
	s.exporters.Policies = o.Injection != byWebhook
	if o.Role.leads() {
		var err error
		if s.pods, err = monitored.SetupWithManager(ctx, mgr, s.exporters.Catalog); err != nil {
			return nil, err
		}
	}
	var err error
	if s.breaker, err = newBreaker(mgr, o, s); err != nil {
		return nil, err
	}
	if s.usage, err = newUsage(mgr, o, s); err != nil {
		return nil, err
	}
	s.decider = &decider.Decider{Exporters: s.exporters, Namespaces: s.namespaces, Budgets: s.budgets, Usage: s.usage, Breaker: s.breaker, Settings: o.Sidecars}
	return s, errors.Join(
		s.exporters.SetupWithManager(mgr, o.Role.leads()),
		s.budgets.SetupWithManager(ctx, mgr),
		s.namespaces.SetupWithManager(ctx, mgr),
		s.breaker.SetupWithManager(ctx, mgr, o.Role.leads()),
		s.usage.SetupWithManager(ctx, mgr, metrics.Registry, o.Role.leads()),
		mgr.AddReadyzCheck("exporters", s.exporters.Check),
		mgr.AddReadyzCheck("budgets", s.budgets.Check),
		mgr.AddReadyzCheck("namespaces", s.namespaces.Check),
		mgr.AddReadyzCheck("breaker", s.breaker.Check),
		mgr.AddReadyzCheck("usage", s.usage.Check),
	)
}

// setupWebhook serves the handlers.
func setupWebhook(terminated context.Context, mgr ctrl.Manager, o Options, source certs.Source, s *sources) error {
	counters, mux := webhook.NewMetrics(metrics.Registry), http.NewServeMux()
	for _, entry := range []webhook.Entry{webhook.Annotated, webhook.OptedIn} {
		h := &webhook.Handler{Entry: entry, Decider: s.decider, Metrics: counters, Events: mgr.GetEventRecorder("outrider")}
		counted, err := admission.StandaloneWebhook(h.HTTP(mgr.GetLogger().WithName("webhook")), admission.StandaloneOptions{MetricsPath: string(entry)})
		if err != nil {
			return err
		}
		mux.Handle(string(entry), counted)
	}
	return errors.Join(
		openPort(terminated, mgr, "webhook", o.WebhookAddress, serving.Reviews(terminated, mux), certs.ServeWith(source)),
		source.SetupServing(mgr, mux),
		mgr.AddReadyzCheck("certificate", source.Check),
	)
}

// setupController starts what one replica does for all; without a webhook there is no
// certificate source.
func setupController(ctx context.Context, mgr ctrl.Manager, o Options, source certs.Source, s *sources) error {
	if source != nil {
		if err := source.SetupKeeping(mgr); err != nil {
			return err
		}
	}
	if o.Policies != "" {
		if err := policies(o, s).SetupWithManager(mgr); err != nil {
			return err
		}
	}
	covered, err := setupCoverage(mgr, o, s)
	if err != nil {
		return err
	}
	if err := setupRepair(mgr, o, s.breaker, covered); err != nil {
		return err
	}
	if o.Monitors.ConfigMap != "" {
		o.Monitors.Namespace = o.Certificates.Namespace
		recorder := mgr.GetEventRecorder("outrider")
		c := &monitors.Controller{Options: o.Monitors, Report: func(on runtime.Object, message string) {
			events.MonitorNotFollowed.Record(recorder, on, "%s", message)
		}}
		if err := c.SetupWithManager(mgr, metrics.Registry); err != nil {
			return fmt.Errorf("set up monitors: %w", err)
		}
	}
	if o.Dashboards.ConfigMap != "" {
		o.Dashboards.Namespace = o.Certificates.Namespace
		if err := (&dashboards.Controller{Options: o.Dashboards}).SetupWithManager(mgr); err != nil {
			return fmt.Errorf("set up dashboards: %w", err)
		}
	}
	if o.Role == controllerRole && source != nil {
		return mgr.AddReadyzCheck("webhook", (&succession{reader: mgr.GetAPIReader(), namespace: o.Certificates.Namespace, name: o.Certificates.Service}).check)
	}
	return nil
}

// cached limits the manager's cache, kind by kind.
func cached(o Options) map[client.Object]cache.ByObject {
	all := decider.NamespaceCache()
	if o.Injection != byPolicy {
		maps.Copy(all, o.Certificates.CacheByObject())
	}
	if o.Policies != "" && o.Role.leads() {
		maps.Copy(all, (&webhook.Policies{Namespace: o.Certificates.Namespace, Name: o.Policies}).Cache())
	}
	return all
}

// policies keeps the data of the API server's policies.
func policies(o Options, s *sources) *webhook.Policies {
	p := &webhook.Policies{Namespace: o.Certificates.Namespace, Name: o.Policies, Exporters: s.exporters}
	if o.Injection != byWebhook {
		p.Injection = &webhook.Injection{Settings: o.Sidecars, Budgets: s.budgets, Usage: s.usage, Breaker: s.breaker, Alone: o.Injection == byPolicy}
	}
	return p
}

// kinds are those that the manager's client reads and writes.
func kinds() (*runtime.Scheme, error) {
	s := runtime.NewScheme()
	return s, errors.Join(scheme.AddToScheme(s), v1alpha1.AddToScheme(s))
}
