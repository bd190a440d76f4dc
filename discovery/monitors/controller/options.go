package controller

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"strings"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"

	"github.com/outrider-dev/outrider/discovery/monitors"
	"github.com/outrider-dev/outrider/sidecars"
)

// Options say which objects are followed, and where what becomes of them is written.
type Options struct {
	// Namespace and ConfigMap are where the files are written. The object must be there. Default empty: no monitors are followed.
	Namespace, ConfigMap string
	// Namespaces are those whose objects are followed. Default empty: all.
	Namespaces []string
	// Shards is into how many parts Prometheus divides targets. Default 1.
	Shards int

	defaults string
	secrets  map[string]string
}

// AddFlags binds the options to flags, with their defaults.
func (o *Options) AddFlags(fs *flag.FlagSet) {
	fs.StringVar(&o.ConfigMap, "monitor-configmap", "", "ConfigMap for the scrape jobs and rules of ServiceMonitors, PodMonitors, Probes and PrometheusRules; empty: none is followed.")
	fs.Func("monitor-namespace", "Namespace whose monitors are followed; repeatable. Without any, those of all namespaces are.", func(name string) error {
		o.Namespaces = append(o.Namespaces, name)
		return nil
	})
	fs.Func("monitor-secret", "NAMESPACE/NAME=COPY: a Secret that monitors refer to, and its copy that is mounted into Prometheus; repeatable.", func(pair string) error {
		original, copied, ok := strings.Cut(pair, "=")
		if !ok || strings.Count(original, "/") != 1 || copied == "" || strings.Contains(copied, "/") {
			return errors.New("want NAMESPACE/NAME=COPY")
		}
		if o.secrets == nil {
			o.secrets = map[string]string{}
		}
		o.secrets[original] = copied
		return nil
	})
	fs.IntVar(&o.Shards, "monitor-shards", 1, "Number of Prometheus' shards.")
	fs.StringVar(&o.defaults, "monitor-defaults", `{"scrape_interval": "30s"}`, "Fields of each scrape job that is made of a monitor, as JSON: Prometheus' interval, and limits.")
}

// translation is the translation's part of the options.
func (o Options) translation() (monitors.Options, error) {
	made := monitors.Options{Shards: o.Shards, Secrets: o.secrets, ReservedJobs: sidecars.ReservedJobs()}
	if err := json.Unmarshal([]byte(o.defaults), &made.Defaults); err != nil {
		return made, fmt.Errorf("--monitor-defaults: %w", err)
	}
	if made.Defaults["scrape_interval"] == nil {
		return made, errors.New("--monitor-defaults: scrape_interval is missing")
	}
	return made, nil
}

// newCache is a cache of the objects alone. The manager's own cannot be told of kinds that the cluster may lack.
func (o Options) newCache(mgr ctrl.Manager) (cache.Cache, error) {
	limited := cache.Options{HTTPClient: mgr.GetHTTPClient(), Scheme: mgr.GetScheme(), Mapper: mgr.GetRESTMapper(), DefaultTransform: cache.TransformStripManagedFields()}
	for _, name := range o.Namespaces {
		if limited.DefaultNamespaces == nil {
			limited.DefaultNamespaces = map[string]cache.Config{}
		}
		limited.DefaultNamespaces[name] = cache.Config{}
	}
	return cache.New(mgr.GetConfig(), limited)
}
