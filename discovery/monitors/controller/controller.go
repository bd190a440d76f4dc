package controller

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	toolscache "k8s.io/client-go/tools/cache"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/outrider-dev/outrider/discovery/internal/written"
	"github.com/outrider-dev/outrider/discovery/monitors"
)

// Controller writes the ConfigMap.
type Controller struct {
	Options
	// Report is called for an object of which something is not followed, with the field and the reason: once until that changes.
	// Required.
	Report func(on runtime.Object, message string)

	translate monitors.Options
	metrics   *metrics
	mgr       ctrl.Manager
	cache     cache.Cache

	mu      sync.Mutex
	present map[string]bool   // whether the cluster has a kind, as far as that is known
	told    map[string]string // problems that were reported, by object
}

// SetupWithManager has the manager's leader follow the objects.
func (c *Controller) SetupWithManager(mgr ctrl.Manager, r prometheus.Registerer) error {
	var err error
	if c.translate, err = c.translation(); err != nil {
		return err
	}
	if c.cache, err = c.newCache(mgr); err != nil {
		return fmt.Errorf("cache monitors: %w", err)
	}
	if err := mgr.Add(manager.RunnableFunc(c.cache.Start)); err != nil {
		return fmt.Errorf("cache monitors: %w", err)
	}
	c.mgr, c.metrics = mgr, newMetrics(r)
	c.present, c.told = map[string]bool{}, map[string]string{}
	for _, kind := range monitors.Kinds {
		if err := mgr.Add(manager.RunnableFunc(func(ctx context.Context) error { return c.follow(ctx, kind) })); err != nil {
			return fmt.Errorf("follow %s: %w", kind, err)
		}
	}
	return nil
}

func object(kind string) *unstructured.Unstructured {
	u := &unstructured.Unstructured{}
	u.SetGroupVersionKind(schema.GroupVersionKind{Group: monitors.Group, Version: monitors.Version, Kind: kind})
	return u
}

const (
	lookAgain  = 30 * time.Second // for a kind that is missing
	writeAgain = 5 * time.Minute  // where something else changed the ConfigMap
)

// follow waits for a kind to be known, and keeps up with its objects. As with custom
// exporters, no controller starts while its kind is missing: it would end the process.
func (c *Controller) follow(ctx context.Context, kind string) error {
	log := ctrl.LoggerFrom(ctx).WithName("monitors").WithValues("kind", kind)
	for {
		_, err := c.mgr.GetRESTMapper().RESTMapping(object(kind).GroupVersionKind().GroupKind(), monitors.Version)
		if err == nil {
			err = c.fill(ctx, kind)
		}
		if err == nil {
			break
		}
		if meta.IsNoMatchError(err) {
			c.settle(ctx, kind, false)
		} else {
			log.Error(err, "watch monitors")
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(lookAgain):
		}
	}
	c.settle(ctx, kind, true)
	toTheOne := handler.TypedEnqueueRequestsFromMapFunc(func(context.Context, *unstructured.Unstructured) []reconcile.Request { return []reconcile.Request{{}} })
	err := ctrl.NewControllerManagedBy(c.mgr).Named("monitors-" + strings.ToLower(kind)).
		WatchesRawSource(source.Kind(c.cache, object(kind), toTheOne)).
		Complete(reconcile.Func(func(ctx context.Context, _ reconcile.Request) (reconcile.Result, error) {
			return reconcile.Result{RequeueAfter: writeAgain}, c.keep(ctx)
		}))
	if err != nil {
		return fmt.Errorf("follow %s: %w", kind, err)
	}
	return nil
}

// fill waits until the cache holds the objects of a kind.
func (c *Controller) fill(ctx context.Context, kind string) error {
	informer, err := c.cache.GetInformer(ctx, object(kind), cache.BlockUntilSynced(false))
	if err == nil && !toolscache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
		err = ctx.Err()
	}
	return err
}

// settle records whether the cluster has a kind. Once that is known of all kinds, files are written: with a part of them,
// rules that have been loaded would go and come back, and alerts would begin anew.
func (c *Controller) settle(ctx context.Context, kind string, present bool) {
	c.mu.Lock()
	before, known := c.present[kind]
	c.present[kind] = present
	c.mu.Unlock()
	if known && before == present {
		return
	}
	ctrl.LoggerFrom(ctx).WithName("monitors").Info("monitors of a kind", "kind", kind, "present", present)
	if err := c.keep(ctx); err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "write monitors")
	}
}

// keep brings the ConfigMap to the objects that there are.
func (c *Controller) keep(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.present) < len(monitors.Kinds) {
		return nil // the last one that becomes known calls again
	}
	objects, refs, problems, err := c.read(ctx)
	if err != nil {
		return err
	}
	result := monitors.Translate(objects, c.translate)
	result.Problems = append(problems, result.Problems...)
	c.report(ctx, result, refs)
	changed, err := written.Keep(ctx, c.mgr.GetAPIReader(), c.mgr.GetClient(), client.ObjectKey{Namespace: c.Namespace, Name: c.ConfigMap}, result.Files)
	switch {
	case apierrors.IsNotFound(err):
		ctrl.LoggerFrom(ctx).Error(err, "no monitor is followed; helm upgrade makes the object again")
	case err != nil:
		return fmt.Errorf("write the files of monitors: %w", err)
	case changed:
		ctrl.LoggerFrom(ctx).Info("monitors written", "followed", fmt.Sprint(result.Followed), "problems", len(result.Problems))
	}
	return nil
}

// read returns the objects, what events refer to, and what could not be read.
func (c *Controller) read(ctx context.Context) (objects []monitors.Object, refs map[string]*unstructured.Unstructured, problems []monitors.Problem, err error) {
	refs = map[string]*unstructured.Unstructured{}
	for _, kind := range monitors.Kinds {
		if !c.present[kind] {
			continue
		}
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(schema.GroupVersionKind{Group: monitors.Group, Version: monitors.Version, Kind: kind + "List"})
		if err := c.cache.List(ctx, list, client.UnsafeDisableDeepCopy); err != nil {
			return nil, nil, nil, fmt.Errorf("list %s: %w", kind, err)
		}
		for i := range list.Items {
			u := &list.Items[i]
			if len(c.Namespaces) > 0 && !slices.Contains(c.Namespaces, u.GetNamespace()) {
				continue
			}
			var o monitors.Object
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, &o); err != nil {
				problems = append(problems, monitors.Problem{Kind: kind, Namespace: u.GetNamespace(), Name: u.GetName(), Field: "spec", Message: err.Error() + "; the object is skipped"})
			}
			refs[kind+"/"+u.GetNamespace()+"/"+u.GetName()] = u
			objects = append(objects, o)
		}
	}
	return objects, refs, problems, nil
}

// report writes an event for each object that has problems other than those that were reported of it before.
func (c *Controller) report(ctx context.Context, result monitors.Result, refs map[string]*unstructured.Unstructured) {
	c.metrics.set(result)
	told := map[string]string{}
	first := map[string]monitors.Problem{}
	more := map[string]int{}
	for _, p := range result.Problems {
		name := p.Kind + "/" + p.Namespace + "/" + p.Name
		if told[name] == "" {
			first[name] = p
		} else {
			more[name]++
		}
		told[name] += p.String() + "\n"
	}
	for _, name := range slices.Sorted(maps.Keys(first)) {
		if told[name] == c.told[name] {
			continue
		}
		p := first[name]
		text := p.Field + ": " + p.Message
		if n := more[name]; n > 0 {
			text += fmt.Sprintf(" (and %d more, see the controller's log)", n)
		}
		ctrl.LoggerFrom(ctx).Info("monitor not followed", "object", name, "problems", told[name])
		if ref := refs[name]; ref != nil {
			c.Report(ref, text)
		}
	}
	c.told = told
}
