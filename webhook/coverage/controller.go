package coverage

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/flowcontrol"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	settle        = time.Second      // in which changes of one workload are collected
	lookAtCatalog = 5 * time.Second  // between two looks at the catalog
	verdictsAge   = 10 * time.Minute // after which it is asked again what would be decided
)

// Controller knows, while it leads, of each workload which of its pods have
// their exporters, which have not, and why. It is safe for concurrent use.
type Controller struct {
	Options
	Parts

	client  client.WithWatch // uncached, with a rate limit of its own
	cached  client.Client    // of the manager
	logs    rest.Interface   // nil where logs are not read
	prom    *prom            // nil where nobody is asked
	inv     *inventory
	queue   workqueue.TypedRateLimitingInterface[Workload]
	judging workqueue.TypedRateLimitingInterface[judgment]
	sweeps  workqueue.TypedRateLimitingInterface[string] // namespaces whose pods without the label are looked for
	events  flowcontrol.RateLimiter
	leads   atomic.Bool // all workloads have been looked at once
	answers map[target]answer
	problem string // why Prometheus did not answer; under inv.mu, as answers
}

// New returns coverage that begins to work when the manager leads.
func New(o Options, p Parts) (*Controller, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	c := &Controller{
		Options: o, Parts: p,
		inv:     newInventory(o.ExcludedNamespaces, p.Decider.Settings),
		queue:   workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[Workload]()),
		judging: workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[judgment]()),
		sweeps:  workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[string]()),
		events:  flowcontrol.NewTokenBucketRateLimiter(1, 50),
		answers: map[target]answer{},
	}
	c.inv.changed = func(w Workload) { c.queue.AddAfter(w, settle) }
	c.inv.nowOptedIn = func(namespace string) {
		if o.Labeled && c.leads.Load() {
			c.sweeps.Add(namespace)
		}
	}
	var err error
	if o.PrometheusURL != "" {
		c.prom, err = newProm(o)
	}
	return c, err
}

// SetupWithManager has the manager start coverage on the leader, registers its
// metrics and serves the report.
func (c *Controller) SetupWithManager(mgr ctrl.Manager, r prometheus.Registerer) error {
	config := rest.CopyConfig(mgr.GetConfig())
	config.QPS, config.Burst = 20, 40 // of pods that are fetched to decide about them
	var err error
	if c.client, err = client.NewWithWatch(config, client.Options{Scheme: mgr.GetScheme(), Mapper: mgr.GetRESTMapper()}); err != nil {
		return fmt.Errorf("create coverage's client: %w", err)
	}
	if c.ReadExporterLogs {
		if c.logs, err = logClient(config); err != nil {
			return err
		}
	}
	c.cached = mgr.GetClient()
	if err := r.Register(&collector{c}); err != nil {
		return fmt.Errorf("register coverage's metrics: %w", err)
	}
	if err := mgr.AddMetricsServerExtraHandler(ReportPath, c); err != nil {
		return fmt.Errorf("serve %s: %w", ReportPath, err)
	}
	return mgr.Add(c)
}

// Start works until ctx ends. The manager calls it on the leader only, so that
// no other replica pays for what it watches.
func (c *Controller) Start(ctx context.Context) error {
	log := ctrl.LoggerFrom(ctx).WithName("coverage")
	ctx = ctrl.LoggerInto(ctx, log)
	var wg sync.WaitGroup
	defer wg.Wait()
	// By the built-in catalog alone, pods of a custom exporter would be stale.
	if err := wait.PollUntilContextCancel(ctx, 100*time.Millisecond, true, func(context.Context) (bool, error) { return c.Exporters.Check(nil) == nil, nil }); err != nil {
		return nil
	}
	monitored, err := c.Monitored.Follow(c.setMonitored, c.inv.dropContainers)
	if err != nil {
		return err
	}
	namespaces, err := c.Namespaces.Follow(c.inv.setNamespace, c.inv.dropNamespace)
	if err != nil {
		return err
	}
	select {
	case <-c.inv.follow(ctx, c.client, &wg, c.watchedPods()...):
	case <-ctx.Done():
		return nil
	}
	if !cache.WaitForCacheSync(ctx.Done(), monitored, namespaces) {
		return nil
	}
	c.inv.mu.Lock()
	log.Info("pods are known", "pods", len(c.inv.pods), "workloads", len(c.inv.workloads), "monitored", len(c.inv.containers))
	all := make([]Workload, 0, len(c.inv.workloads))
	for w := range c.inv.workloads {
		all = append(all, w)
	}
	c.inv.mu.Unlock()
	for _, w := range all {
		c.reconcile(ctx, w)
	}
	c.leads.Store(true)
	defer c.leads.Store(false) // another one's word counts now

	wg.Go(func() {
		work(ctx, c.queue, func(ctx context.Context, w Workload) error { c.reconcile(ctx, w); return nil })
	})
	wg.Go(func() { work(ctx, c.judging, c.judge) })
	wg.Go(func() { c.followCatalog(ctx) })
	wg.Go(func() { every(ctx, statusInterval, c.writeStatuses) })
	if c.Labeled {
		c.sweepUntil(ctx, &wg)
	}
	if c.prom != nil {
		wg.Go(func() { every(ctx, c.ProofInterval, c.prove) })
	}
	<-ctx.Done()
	c.queue.ShutDown()
	c.judging.ShutDown()
	c.sweeps.ShutDown()
	return nil
}

// followCatalog looks at everything again when a definition changes.
func (c *Controller) followCatalog(ctx context.Context) {
	before := c.definitions()
	every(ctx, lookAtCatalog, func(context.Context) {
		now := c.definitions()
		if !maps.Equal(before, now) {
			before = now
			c.inv.recheck()
		}
	})
}

func (c *Controller) definitions() map[string]string {
	catalog := c.Exporters.Catalog()
	hashes := map[string]string{}
	for _, name := range catalog.Names() {
		hashes[name] = catalog.Definition(name)
	}
	return hashes
}

// work handles items one after the other until ctx ends; one that fails comes
// back later.
func work[T comparable](ctx context.Context, q workqueue.TypedRateLimitingInterface[T], do func(context.Context, T) error) {
	for {
		item, end := q.Get()
		if end {
			return
		}
		if err := safely(ctx, item, do); err != nil && ctx.Err() == nil {
			ctrl.LoggerFrom(ctx).Error(err, "coverage", "item", item)
			q.AddRateLimited(item)
		} else {
			q.Forget(item)
		}
		q.Done(item)
	}
}

// safely makes an error of a panic: what a pod or a definition does to a
// decision must not end the replicas one after the other.
func safely[T any](ctx context.Context, item T, do func(context.Context, T) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return do(ctx, item)
}

// every does something now and then in intervals, until ctx ends.
func every(ctx context.Context, interval time.Duration, do func(context.Context)) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		do(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
