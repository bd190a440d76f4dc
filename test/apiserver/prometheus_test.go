package apiserver_test

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/config"
	promdiscovery "github.com/prometheus/prometheus/discovery"
	promkubernetes "github.com/prometheus/prometheus/discovery/kubernetes"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/scrape"
	"github.com/prometheus/prometheus/storage"
	"k8s.io/client-go/kubernetes"

	"github.com/outrider-dev/outrider/discovery"
	"github.com/outrider-dev/outrider/sidecars"
)

// prom is the part of a Prometheus that finds targets, down to the pools that make equal ones one. It is as it stands in
// the server, except that it is quick to look and never comes to scrape.
type prom struct {
	scrapes *scrape.Manager
	reg     *prometheus.Registry

	mu    sync.Mutex
	heard map[string]bool // by source, pod/NAMESPACE/NAME
}

// startProm has Prometheus watch the API server under some scrape jobs until the test ends.
func startProm(t *testing.T, jobs string) *prom {
	t.Helper()
	p := &prom{reg: prometheus.NewRegistry(), heard: map[string]bool{}}
	cfg, discoveries := loadJobs(t, jobs)
	options := &scrape.Options{DiscoveryReloadInterval: model.Duration(50 * time.Millisecond), InitialScrapeOffset: 24 * time.Hour}
	var err error
	if p.scrapes, err = scrape.NewManager(options, promslog.NewNopLogger(), nil, nil, struct{ storage.AppendableV2 }{}, p.reg); err != nil {
		t.Fatal(err)
	}
	if err := p.scrapes.ApplyConfig(cfg); err != nil {
		t.Fatal(err)
	}
	metrics, err := promdiscovery.CreateAndRegisterSDMetrics(p.reg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	found := promdiscovery.NewManager(ctx, promslog.NewNopLogger(), p.reg, metrics, promdiscovery.Updatert(50*time.Millisecond))
	if err := found.ApplyConfig(discoveries); err != nil {
		t.Fatal(err)
	}
	if n := len(found.Providers()); n != 1 {
		t.Errorf("Prometheus watches pods %d times, want once for all jobs", n)
	}
	relayed := make(chan map[string][]*targetgroup.Group)
	var wg sync.WaitGroup
	wg.Go(func() { _ = found.Run() }) // its error is that of ctx
	wg.Go(func() { p.relay(ctx, found.SyncCh(), relayed) })
	wg.Go(func() { _ = p.scrapes.Run(relayed) }) // always nil
	t.Cleanup(func() { cancel(); p.scrapes.Stop(); wg.Wait() })
	return p
}

// loadJobs has Prometheus read the jobs, and points them at the API server.
func loadJobs(t *testing.T, text string) (*config.Config, map[string]promdiscovery.Configs) {
	t.Helper()
	cfg, err := config.Load("scrape_configs:\n"+text, promslog.NewNopLogger())
	if err != nil {
		t.Fatal(err)
	}
	jobs, err := cfg.GetScrapeConfigs()
	if err != nil {
		t.Fatal(err)
	}
	discoveries := map[string]promdiscovery.Configs{}
	for _, job := range jobs {
		job.ServiceDiscoveryConfigs[0].(*promkubernetes.SDConfig).KubeConfig = api.Kubeconfig()
		discoveries[job.JobName] = job.ServiceDiscoveryConfigs
	}
	return cfg, discoveries
}

// relay hands on what is discovered and remembers which pods it was about.
func (p *prom) relay(ctx context.Context, in <-chan map[string][]*targetgroup.Group, out chan<- map[string][]*targetgroup.Group) {
	for {
		select {
		case <-ctx.Done():
			return
		case sets := <-in:
			p.mu.Lock()
			for _, groups := range sets {
				for _, g := range groups {
					p.heard[g.Source] = true
				}
			}
			p.mu.Unlock()
			select {
			case <-ctx.Done():
				return
			case out <- maps.Clone(sets):
			}
		}
	}
}

// settle waits until Prometheus has dealt with all that the API server has told it so far. It creates a pod that each
// job makes a target of: what happened earlier is heard earlier, and was in the same round or one before.
func (p *prom) settle(t *testing.T, c kubernetes.Interface, namespace string) {
	t.Helper()
	eventually(t, func() string {
		p.mu.Lock()
		defer p.mu.Unlock()
		if len(p.heard) == 0 {
			return "Prometheus has not heard of any pod" // later than its first list, a pod is heard of after that
		}
		return ""
	})
	last := basePod(namespace, "")
	last.GenerateName = "settled-"
	last.Annotations = map[string]string{sidecars.ScrapeKey: "1,2,3"}
	last = createPod(t, c, last)
	eventually(t, func() string {
		if n := len(p.targets(namespace, last.Name)); n != 4 {
			return fmt.Sprintf("%s: %d targets, want one of each job", last.Name, n)
		}
		return ""
	})
}

// targets returns what Prometheus would scrape of a pod.
func (p *prom) targets(namespace, name string) (targets []discovery.Target) {
	b := labels.NewBuilder(labels.EmptyLabels())
	for _, active := range p.scrapes.TargetsActive() {
		for _, target := range active {
			if ls := target.Labels(b); ls.Get("namespace") == namespace && ls.Get("pod") == name {
				targets = append(targets, discovery.Target{URL: target.URL().String(), Labels: ls.Map()})
			}
		}
	}
	return targets
}

// heardOf reports whether the API server has told Prometheus of a pod.
func (p *prom) heardOf(namespace, name string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.heard["pod/"+namespace+"/"+name]
}

// refused returns how many targets Prometheus could not make sense of.
func (p *prom) refused(t *testing.T) (n float64) {
	t.Helper()
	families, err := p.reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if strings.HasSuffix(f.GetName(), "target_sync_failed_total") {
			for _, m := range f.GetMetric() {
				n += m.GetCounter().GetValue()
			}
		}
	}
	return n
}
