package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
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

	"github.com/outrider-dev/outrider/certs"
	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
	"github.com/outrider-dev/outrider/webhook"
	"github.com/outrider-dev/outrider/webhook/decider"
	"github.com/outrider-dev/outrider/webhook/monitored"
	"github.com/outrider-dev/outrider/webhook/serving"
)

// newManager wires the parts. terminated ends when the process was asked to
// stop, which is earlier than the manager's own context; leave asks it.
func newManager(terminated context.Context, leave func(), config *rest.Config, o Options) (ctrl.Manager, error) {
	if _, _, err := net.SplitHostPort(o.WebhookAddress); err != nil {
		return nil, fmt.Errorf("--webhook-bind-address: %w", err)
	}
	o.Certificates.LeaderElect = o.LeaderElect
	o.Certificates.Clock = &certs.Clock{}
	config = rest.CopyConfig(config)
	config.Wrap(o.Certificates.Clock.Watch)
	source, err := certs.New(o.Certificates, certs.NewMetrics(metrics.Registry))
	if err != nil {
		return nil, err
	}
	server := serving.NewServer(terminated, o.WebhookAddress, serving.DefaultLimits(), certs.ServeWith(source))
	kinds, err := kinds()
	if err != nil {
		return nil, err
	}
	bare, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:        kinds,
		Cache:         cache.Options{ByObject: cached(o)},
		Metrics:       metricsserver.Options{BindAddress: "0"}, // see ports
		WebhookServer: server,
	})
	if err != nil {
		return nil, fmt.Errorf("create manager: %w", err)
	}
	mgr, err := withPorts(terminated, bare, o)
	if err != nil {
		return nil, err
	}
	if err := source.SetupWithManager(mgr); err != nil {
		return nil, err
	}
	term, err := newTerm(config, mgr, o, leave)
	if err != nil {
		return nil, err
	}
	if err := mgr.Add(term); err != nil {
		return nil, fmt.Errorf("set up leader election: %w", err)
	}
	if err := setupWebhook(terminated, electing{mgr, term}, o); err != nil {
		return nil, err
	}
	return mgr, errors.Join(
		mgr.AddHealthzCheck("ping", healthz.Ping),
		mgr.AddReadyzCheck("terminating", func(*http.Request) error { return terminated.Err() }),
		mgr.AddReadyzCheck("leadership", term.Check),
		mgr.AddReadyzCheck("webhook", server.StartedChecker()),
		mgr.AddReadyzCheck("certificate", source.Check),
	)
}

// sources are what decisions depend on besides the pod, and the decider that goes
// by them.
type sources struct {
	exporters  *decider.Exporters
	budgets    *decider.Budgets
	namespaces *decider.Namespaces
	decider    *decider.Decider
}

// setupSources has the manager follow what decisions depend on. A replica is ready
// once it knows that.
func setupSources(ctx context.Context, mgr ctrl.Manager, o Options) (*sources, error) {
	s := &sources{exporters: decider.NewExporters(sidecars.Builtin(), metrics.Registry), budgets: &decider.Budgets{}, namespaces: &decider.Namespaces{}}
	s.decider = &decider.Decider{Exporters: s.exporters, Namespaces: s.namespaces, Budgets: s.budgets, Settings: o.Sidecars}
	return s, errors.Join(
		s.exporters.SetupWithManager(mgr),
		s.budgets.SetupWithManager(ctx, mgr),
		s.namespaces.SetupWithManager(ctx, mgr),
		mgr.AddReadyzCheck("exporters", s.exporters.Check),
		mgr.AddReadyzCheck("budgets", s.budgets.Check),
		mgr.AddReadyzCheck("namespaces", s.namespaces.Check),
	)
}

// setupWebhook puts the handlers on the manager's webhook server, with what they
// decide by.
func setupWebhook(ctx context.Context, mgr ctrl.Manager, o Options) error {
	s, err := setupSources(ctx, mgr, o)
	if err != nil {
		return err
	}
	if o.Enforcement != "" {
		if err := enforcement(o, s.exporters).SetupWithManager(mgr); err != nil {
			return err
		}
	}
	pods, err := monitored.SetupWithManager(ctx, mgr)
	if err != nil {
		return err
	}
	covered, err := setupCoverage(mgr, o, s, pods)
	if err != nil {
		return err
	}
	if s.decider.Breaker, err = setupBreaker(ctx, mgr, o, s.exporters, pods, lacking{covered}); err != nil {
		return err
	}
	counters := webhook.NewMetrics(metrics.Registry)
	var handlers []*webhook.Handler
	for _, entry := range []webhook.Entry{webhook.Annotated, webhook.OptedIn} {
		handlers = append(handlers, &webhook.Handler{Entry: entry, Decider: s.decider, Metrics: counters, Events: mgr.GetEventRecorder("outrider")})
	}
	webhook.Register(leaving{mgr.GetWebhookServer(), ctx}, mgr.GetLogger().WithName("webhook"), handlers...)
	return nil
}

// cached limits the manager's cache, kind by kind.
func cached(o Options) map[client.Object]cache.ByObject {
	all := o.Certificates.CacheByObject()
	maps.Copy(all, decider.NamespaceCache())
	if o.Enforcement != "" {
		maps.Copy(all, enforcement(o, nil).Cache())
	}
	return all
}

func enforcement(o Options, exporters webhook.Exporters) *webhook.Enforcement {
	return &webhook.Enforcement{Namespace: o.Certificates.Namespace, Name: o.Enforcement, Exporters: exporters}
}

// leaving has every answer end its connection once the process was asked to
// stop: API servers then take their calls elsewhere before the last connections
// are closed, and none is lost in one that closes.
type leaving struct {
	webhook.Server
	terminated context.Context
}

// Register implements webhook.Server.
func (l leaving) Register(path string, hook http.Handler) {
	l.Server.Register(path, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if l.terminated.Err() != nil {
			w.Header().Set("Connection", "close")
		}
		hook.ServeHTTP(w, r)
	}))
}

// kinds are those that the manager's client reads and writes.
func kinds() (*runtime.Scheme, error) {
	s := runtime.NewScheme()
	return s, errors.Join(scheme.AddToScheme(s), v1alpha1.AddToScheme(s))
}
