package coverage

import (
	"errors"
	"flag"
	"fmt"
	"net/url"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/events"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/webhook/decider"
)

// Options are the flags of coverage.
type Options struct {
	// ExcludedNamespaces never reach the webhook, so nothing in them was missed.
	// Default none.
	ExcludedNamespaces []string
	// PrometheusURL is asked whether exporters are up. Default empty: nobody is.
	PrometheusURL string
	// PrometheusUser and PrometheusPasswordFile log in there. Default none. The file is
	// read again for each request.
	PrometheusUser, PrometheusPasswordFile string
	// PrometheusSkipVerify takes any certificate of it. Default false.
	PrometheusSkipVerify bool
	// ProofInterval is the time between two rounds of questions. Default 1m.
	ProofInterval time.Duration
	// Labeled says that a policy of the API server writes outrider.dev/requested on each
	// pod that should be decided: only those are watched, and pods from before are
	// found by a sweep. Default false: all pods are watched.
	Labeled bool
	// Alone says that the API server's policies inject and that there is no webhook: what
	// they leave is refused. Default false.
	Alone bool
	// SweepInterval is the time between two sweeps. Default 10m.
	SweepInterval time.Duration
	// MostSeries bounds the series of the gauges. Default 5000.
	MostSeries int
	// ReadExporterLogs has the last lines of an exporter's own log read where
	// nothing else tells why it does not reach its workload. Default false.
	ReadExporterLogs bool
}

// AddFlags binds the options to flags, with their defaults.
func (o *Options) AddFlags(fs *flag.FlagSet) {
	fs.Func("excluded-namespace", "Namespace whose pods never reach the webhook; repeatable.", func(name string) error {
		o.ExcludedNamespaces = append(o.ExcludedNamespaces, name)
		return nil
	})
	fs.StringVar(&o.PrometheusURL, "prometheus-url", "", "Prometheus that is asked whether exporters are up; empty asks nobody.")
	fs.StringVar(&o.PrometheusUser, "prometheus-user", "", "User to log in to Prometheus as.")
	fs.StringVar(&o.PrometheusPasswordFile, "prometheus-password-file", "", "File with the user's password.")
	fs.BoolVar(&o.PrometheusSkipVerify, "prometheus-skip-verify", false, "Take any certificate of Prometheus.")
	fs.DurationVar(&o.ProofInterval, "proof-interval", time.Minute, "Time between two rounds of questions to Prometheus.")
	fs.BoolVar(&o.Labeled, "coverage-by-label", false, "Watch only pods labeled "+sidecars.RequestedKey+", for clusters where a policy labels those that ask, and find the others by a slow sweep.")
	fs.DurationVar(&o.SweepInterval, "sweep-interval", 10*time.Minute, "Time between two sweeps over the pods without the label.")
	fs.IntVar(&o.MostSeries, "coverage-series", 5000, "Most series of the coverage gauges; the rest are summed up without their namespace.")
	fs.BoolVar(&o.ReadExporterLogs, "read-exporter-logs", false, "Read the last lines of an exporter's log where nothing else tells why it does not reach its workload.")
}

func (o *Options) validate() error {
	if o.ProofInterval <= 0 {
		return fmt.Errorf("--proof-interval %s: must be above zero", o.ProofInterval)
	}
	if o.Labeled && o.SweepInterval <= 0 {
		return fmt.Errorf("--sweep-interval %s: must be above zero", o.SweepInterval)
	}
	if o.MostSeries < 1 {
		return fmt.Errorf("--coverage-series %d: must be above zero", o.MostSeries)
	}
	if o.PrometheusURL == "" {
		return nil
	}
	if (o.PrometheusUser == "") != (o.PrometheusPasswordFile == "") {
		return errors.New("--prometheus-user and --prometheus-password-file are set together or not at all")
	}
	u, err := url.Parse(o.PrometheusURL)
	if err == nil && (u.Scheme != "http" && u.Scheme != "https" || u.Host == "") {
		err = errors.New("want http://HOST:PORT or https://HOST:PORT, and a path where Prometheus has a prefix")
	}
	if err == nil && u.User != nil {
		return errors.New("--prometheus-url: it holds a user or a password, which everybody could read; leave them out")
	}
	if err != nil {
		return fmt.Errorf("--prometheus-url %q: %w", o.PrometheusURL, err)
	}
	return nil
}

// Parts are what coverage works with. All of them are required.
type Parts struct {
	// Exporters are the definitions in force.
	Exporters *decider.Exporters
	// Decider makes the plan that the webhook would make for a pod now.
	Decider *decider.Decider
	// Namespaces reports which namespaces there are, with their labels.
	Namespaces namespaceSource
	// Monitored are the pods with exporters.
	Monitored podSource
	// Events writes events on owners.
	Events events.EventRecorder
}

// namespaceSource reports namespaces: decider.Namespaces.
type namespaceSource interface {
	Follow(set, drop func(name string, of sidecars.Namespace)) (synced func() bool, err error)
}

// podSource reports pods with exporters: monitored.Pods.
type podSource interface {
	Follow(set, drop func(*corev1.Pod)) (synced func() bool, err error)
}
