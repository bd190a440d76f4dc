package main

import (
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/go-logr/logr"

	"github.com/outrider-dev/outrider/certs"
	"github.com/outrider-dev/outrider/discovery/dashboards"
	monitors "github.com/outrider-dev/outrider/discovery/monitors/controller"
	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/webhook/breaker"
	"github.com/outrider-dev/outrider/webhook/coverage"
	"github.com/outrider-dev/outrider/webhook/decider"
	"github.com/outrider-dev/outrider/webhook/repair"
)

// Options are the flags of outrider-controller.
type Options struct {
	// Role is what this process does. Default all.
	Role role
	// Certificates says where certificates come from, and which objects hold and
	// trust them.
	Certificates certs.Options

	// WebhookAddress serves admission over TLS. Default :10250, which managed
	// clusters' firewalls already let the API server reach.
	WebhookAddress string
	// MetricsAddress serves /metrics over HTTP. Default :8080; 0 is off.
	MetricsAddress string
	// HealthAddress serves /healthz and /readyz. Default :8081.
	HealthAddress string

	// Sidecars are the settings for all sidecars.
	Sidecars sidecars.Settings

	// Policies is the name of the ConfigMap that holds the parameters of the API
	// server's policies. Default empty: there are no policies.
	Policies string
	// Injection is who injects. Default webhook.
	Injection injection
	// Coverage is about the pods that the webhook should have seen.
	Coverage coverage.Options
	// Breaker suspends exporters that do not work.
	Breaker breaker.Options
	// Repair restarts what was missed, and recycles what is stuck.
	Repair repair.Options

	// Monitors are other charts' descriptions of what Prometheus scrapes. Default:
	// none are followed.
	Monitors monitors.Options

	// Dashboards are those of other charts. Default: none are collected.
	Dashboards dashboards.Options

	// LeaderElect makes one of several controllers the one that changes state.
	// Default true.
	LeaderElect bool
	// LeaderElectionID is the name of the Lease. Default outrider-leader.
	LeaderElectionID string

	// LeaseDuration is after how long another replica takes over from one that
	// died. Default 15s.
	LeaseDuration time.Duration

	// ShutdownDelay is how long calls are answered after SIGTERM. Default 5s.
	ShutdownDelay time.Duration
	// LogLevel is info, debug (each pod) or error. Default info.
	LogLevel string
}

// AddFlags binds the options to flags, with their defaults.
func (o *Options) AddFlags(fs *flag.FlagSet) {
	o.Role = allRoles
	fs.Var(&o.Role, "role", "What this process does: webhook (answers admission reviews), controller (everything else, on one replica at a time) or all.")
	o.Certificates.AddFlags(fs)
	fs.StringVar(&o.WebhookAddress, "webhook-bind-address", ":10250", "Address that serves admission over TLS.")
	fs.StringVar(&o.MetricsAddress, "metrics-bind-address", ":8080", "Address that serves /metrics; 0 turns it off.")
	fs.StringVar(&o.HealthAddress, "health-probe-bind-address", ":8081", "Address that serves /healthz and /readyz.")
	decider.AddFlags(&o.Sidecars, fs)
	fs.StringVar(&o.Policies, "policy-parameters", "", "ConfigMap that holds the parameters of the API server's policies; empty where there are none.")
	o.Injection = byWebhook
	fs.Var(&o.Injection, "injection", "Who injects: webhook, auto (the API server's policies what they can decide, and the webhook the rest) or policy (there is no webhook).")
	o.Coverage.AddFlags(fs)
	o.addBreakerFlags(fs)
	o.Monitors.AddFlags(fs)
	o.Dashboards.AddFlags(fs)
	fs.BoolVar(&o.LeaderElect, "leader-elect", true, "Let one of several replicas change state.")
	fs.StringVar(&o.LeaderElectionID, "leader-election-id", "outrider-leader", "Name of the Lease for leader election.")
	fs.DurationVar(&o.LeaseDuration, "lease-duration", 15*time.Second, "After how long another replica takes over from a leader that died.")
	fs.DurationVar(&o.ShutdownDelay, "shutdown-delay", 5*time.Second, "How long calls are answered after SIGTERM.")
	fs.StringVar(&o.LogLevel, "log-level", "info", "info, debug (each pod) or error.")
}

// logger writes JSON lines to standard error.
func (o *Options) logger() (logr.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(o.LogLevel)); err != nil {
		return logr.Discard(), errors.Join(fmt.Errorf("--log-level %q: want info, debug or error", o.LogLevel), err)
	}
	if level == slog.LevelDebug {
		level = -1 // logr's V(1), and no library's V(4)
	}
	return logr.FromSlogHandler(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: level})), nil
}
