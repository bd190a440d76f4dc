package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/outrider-dev/outrider/webhook/serving"
)

// mostScrapes is how many requests for metrics are answered at once.
const mostScrapes = 16

// ports is a manager whose ports for metrics and probes are under the limits of the webhook's: the manager's own take any number of
// connections, and headers of a megabyte on each.
type ports struct {
	ctrl.Manager
	metrics        *http.ServeMux
	healthy, ready map[string]healthz.Checker
}

// withPorts opens them when the manager starts; the address 0 leaves one out.
func withPorts(ctx context.Context, mgr ctrl.Manager, o Options) (*ports, error) {
	p := &ports{Manager: mgr, metrics: http.NewServeMux(), healthy: map[string]healthz.Checker{}, ready: map[string]healthz.Checker{}}
	p.metrics.Handle("/metrics", promhttp.HandlerFor(metrics.Registry, promhttp.HandlerOpts{ErrorHandling: promhttp.HTTPErrorOnError, MaxRequestsInFlight: mostScrapes}))
	probes := http.NewServeMux()
	for path, checks := range map[string]map[string]healthz.Checker{"/healthz": p.healthy, "/readyz": p.ready} {
		handler := http.StripPrefix(path, &healthz.Handler{Checks: checks})
		probes.Handle(path, handler)
		probes.Handle(path+"/", handler)
	}
	for _, port := range []struct {
		name, address string
		handler       http.Handler
	}{{"metrics", o.MetricsAddress, p.metrics}, {"probes", o.HealthAddress, probes}} {
		if port.address == "0" {
			continue
		}
		listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", port.address)
		if err != nil {
			return nil, fmt.Errorf("serve %s: %w", port.name, err)
		}
		server := serving.Limited(&http.Server{Handler: port.handler}, serving.DefaultLimits()) //nolint:gosec // Limited sets the timeouts
		if err := mgr.Add(&manager.Server{Name: port.name, Server: server, Listener: listener, ShutdownTimeout: new(5 * time.Second)}); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// AddMetricsServerExtraHandler implements manager.Manager.
func (p *ports) AddMetricsServerExtraHandler(path string, handler http.Handler) error {
	p.metrics.Handle(path, handler)
	return nil
}

// AddHealthzCheck implements manager.Manager. Checks are added before the manager starts.
func (p *ports) AddHealthzCheck(name string, check healthz.Checker) error {
	p.healthy[name] = check
	return nil
}

// AddReadyzCheck implements manager.Manager.
func (p *ports) AddReadyzCheck(name string, check healthz.Checker) error {
	p.ready[name] = check
	return nil
}
