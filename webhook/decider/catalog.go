package decider

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
	"github.com/outrider-dev/outrider/webhook/internal/shared"
)

// Exporters is the catalog in force: the built-in exporters and the cluster's
// custom ones over them. Every replica keeps its own, the leader writes what
// became of each custom one into its status.
type Exporters struct {
	// Policies says that the API server's policies inject: the status of custom
	// exporters says whether they can. Set before SetupWithManager.
	Policies bool

	builtin sidecars.Catalog
	count   *prometheus.GaugeVec
	client  client.Client
	known   atomic.Bool             // whether there are custom ones, and which
	changed chan event.GenericEvent // holds one where the catalog has changed since it was last received

	loading sync.Mutex
	current atomic.Pointer[merged]
}

// NewExporters returns a catalog that holds the built-in exporters only until
// the manager runs.
func NewExporters(builtin sidecars.Catalog, r prometheus.Registerer) *Exporters {
	x := &Exporters{builtin: builtin, changed: make(chan event.GenericEvent, 1), count: prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "outrider_exporters", Help: exportersHelp,
	}, []string{"source", "ready"})}
	r.MustRegister(x.count)
	x.current.Store(&merged{catalog: builtin})
	x.gauge(merged{})
	return x
}

const exportersHelp = "Exporters that this replica knows, by source: builtin (those that no custom one replaces) or custom (ready says whether the latest definition is in force)."

// gauge sets how many exporters there are.
func (x *Exporters) gauge(now merged) {
	count := map[bool]int{}
	replaced := 0
	for name, c := range now.customs {
		count[c.err == nil]++
		if _, ok := x.builtin.Spec(name); ok && c.good != nil {
			replaced++
		}
	}
	x.count.WithLabelValues("builtin", "true").Set(float64(len(x.builtin.Names()) - replaced))
	for ready, n := range map[string]int{"true": count[true], "false": count[false]} {
		x.count.WithLabelValues("custom", ready).Set(float64(n))
	}
}

// Changed receives an event when the catalog has changed since it was last received.
func (x *Exporters) Changed() <-chan event.GenericEvent { return x.changed }

// Catalog gives the exporters in force. It is safe for concurrent use and waits
// for nothing.
func (x *Exporters) Catalog() sidecars.Catalog { return x.current.Load().catalog }

// Check returns nil once the custom exporters are known, or known to be none
// because the cluster lacks their definition; it is a healthz.Checker.
func (x *Exporters) Check(*http.Request) error {
	if !x.known.Load() {
		return errors.New("custom exporters are not loaded yet")
	}
	return nil
}

// SetupWithManager starts, with the manager, what follows the custom exporters,
// and, with report, what writes on the leader what became of each into its status.
// The manager's scheme must know them.
func (x *Exporters) SetupWithManager(mgr ctrl.Manager, report bool) error {
	x.client = mgr.GetClient()
	return mgr.Add(shared.OnEveryReplica{Runnable: manager.RunnableFunc(func(ctx context.Context) error { return x.follow(ctx, mgr, report) })})
}

// follow waits for the custom exporters and has controllers keep up with them.
// A controller that is started while its kind is missing ends the process when
// its cache does not fill in time. One whose cache is filled survives that the
// kind goes and comes: the cache asks again until it does.
func (x *Exporters) follow(ctx context.Context, mgr ctrl.Manager, report bool) error {
	if err := x.await(ctx, mgr); err != nil {
		return nil // the manager stops
	}
	if _, err := x.load(ctx); err != nil {
		return err
	}
	x.known.Store(true)

	allReplicas := false
	toOne := handler.EnqueueRequestsFromMapFunc(func(context.Context, client.Object) []reconcile.Request { return []reconcile.Request{{}} })
	err := ctrl.NewControllerManagedBy(mgr).Named("exporters").
		Watches(&v1alpha1.Exporter{}, toOne).
		WithOptions(controller.Options{NeedLeaderElection: &allReplicas}).
		Complete(reconcile.Func(func(ctx context.Context, _ reconcile.Request) (reconcile.Result, error) {
			_, err := x.load(ctx)
			return reconcile.Result{}, err
		}))
	if err != nil {
		return fmt.Errorf("set up exporters: %w", err)
	}
	if !report {
		return nil
	}
	err = ctrl.NewControllerManagedBy(mgr).Named("exporter-status").
		For(&v1alpha1.Exporter{}).
		Complete(reconcile.Func(x.report))
	if err != nil {
		return fmt.Errorf("set up exporter status: %w", err)
	}
	return nil
}

// await returns once the manager's cache holds the custom exporters. Its error
// is the context's.
func (x *Exporters) await(ctx context.Context, mgr ctrl.Manager) error {
	log := ctrl.LoggerFrom(ctx).WithName("exporters")
	kind := schema.GroupKind{Group: v1alpha1.GroupVersion.Group, Kind: v1alpha1.Kind}
	backoff := wait.Backoff{Duration: time.Second, Factor: 2, Cap: 30 * time.Second, Steps: math.MaxInt32}
	return backoff.DelayFunc().Until(ctx, true, true, func(ctx context.Context) (bool, error) {
		_, err := mgr.GetRESTMapper().RESTMapping(kind, v1alpha1.GroupVersion.Version)
		if err == nil {
			_, err = mgr.GetCache().GetInformer(ctx, &v1alpha1.Exporter{}) // waits until it is filled
		}
		switch {
		case err == nil:
			return true, nil
		case !meta.IsNoMatchError(err):
			log.Error(err, "watch exporters")
		case !x.known.Swap(true):
			log.Info("the CustomResourceDefinition is missing: only built-in exporters are in force until it is there", "kind", kind.String())
		}
		return false, nil
	})
}

// load brings the catalog to what the manager's cache holds.
func (x *Exporters) load(ctx context.Context) (merged, error) {
	x.loading.Lock()
	defer x.loading.Unlock()
	before := *x.current.Load()
	var list v1alpha1.ExporterList
	if err := x.client.List(ctx, &list); err != nil {
		return before, fmt.Errorf("list exporters: %w", err)
	}
	if before.of(list.Items) {
		return before, nil
	}
	after := merge(x.builtin, before, list.Items)
	x.current.Store(&after)
	x.gauge(after)
	select {
	case x.changed <- event.GenericEvent{Object: &v1alpha1.Exporter{}}:
	default: // not received yet; one is enough
	}
	log := ctrl.LoggerFrom(ctx)
	for name, c := range after.customs {
		if c.err != nil && !before.customs[name].about(&c.seen) {
			log.Info("exporter refused", "exporter", name, "generation", c.seen.Generation, "problem", c.err.Error())
		}
	}
	log.Info("catalog changed", "custom", len(after.customs), "exporters", len(after.catalog.Names()))
	return after, nil
}
