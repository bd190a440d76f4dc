package dashboards

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/outrider-dev/outrider/discovery/internal/written"
)

// Options say which dashboards are collected, and where.
type Options struct {
	// Namespace and ConfigMap are where they are written. The object must be there. Default empty: none is collected.
	Namespace, ConfigMap string
	// Selector chooses the ConfigMaps by their labels. Default grafana_dashboard=1.
	Selector string
}

// AddFlags binds the options to flags, with their defaults.
func (o *Options) AddFlags(fs *flag.FlagSet) {
	fs.StringVar(&o.ConfigMap, "dashboard-configmap", "", "ConfigMap for the dashboards of other charts; empty: none is collected.")
	fs.StringVar(&o.Selector, "dashboard-selector", "grafana_dashboard=1", "Labels of the ConfigMaps with dashboards.")
}

// Controller writes the ConfigMap.
type Controller struct {
	Options

	client client.Client
	reader client.Reader // of ConfigMaps with dashboards
	direct client.Reader
	left   []string // what was last logged
}

// writeAgain is how often the ConfigMap is looked at, where something else changed it.
const writeAgain = 5 * time.Minute

// SetupWithManager has the manager's leader follow the dashboards.
func (c *Controller) SetupWithManager(mgr ctrl.Manager) error {
	selector, err := labels.Parse(c.Selector)
	if err != nil {
		return fmt.Errorf("--dashboard-selector: %w", err)
	}
	// The manager's own cache holds other ConfigMaps.
	found, err := cache.New(mgr.GetConfig(), cache.Options{
		HTTPClient: mgr.GetHTTPClient(), Scheme: mgr.GetScheme(), Mapper: mgr.GetRESTMapper(),
		DefaultLabelSelector: selector, DefaultTransform: cache.TransformStripManagedFields(),
	})
	if err != nil {
		return fmt.Errorf("cache dashboards: %w", err)
	}
	if err := mgr.Add(found); err != nil {
		return fmt.Errorf("cache dashboards: %w", err)
	}
	c.client, c.reader, c.direct = mgr.GetClient(), found, mgr.GetAPIReader()
	toTheOne := handler.TypedEnqueueRequestsFromMapFunc(func(context.Context, *corev1.ConfigMap) []reconcile.Request { return []reconcile.Request{{}} })
	err = ctrl.NewControllerManagedBy(mgr).Named("dashboards").WatchesRawSource(source.Kind(found, &corev1.ConfigMap{}, toTheOne)).
		Complete(reconcile.Func(func(ctx context.Context, _ reconcile.Request) (reconcile.Result, error) {
			return reconcile.Result{RequeueAfter: writeAgain}, c.keep(ctx)
		}))
	if err != nil {
		return fmt.Errorf("follow dashboards: %w", err)
	}
	return nil
}

// keep brings the ConfigMap to the dashboards that there are.
func (c *Controller) keep(ctx context.Context) error {
	var list corev1.ConfigMapList
	if err := c.reader.List(ctx, &list); err != nil {
		return fmt.Errorf("list dashboards: %w", err)
	}
	files, left := Collect(list.Items)
	if !slices.Equal(left, c.left) {
		c.left = left
		ctrl.LoggerFrom(ctx).Info("dashboards left out", "which", strings.Join(left, "; "))
	}
	changed, err := written.Keep(ctx, c.direct, c.client, client.ObjectKey{Namespace: c.Namespace, Name: c.ConfigMap}, files)
	switch {
	case apierrors.IsNotFound(err):
		ctrl.LoggerFrom(ctx).Error(err, "no dashboard is collected; helm upgrade makes the object again")
	case err != nil:
		return fmt.Errorf("write the collected dashboards: %w", err)
	case changed:
		ctrl.LoggerFrom(ctx).Info("dashboards collected", "count", len(files))
	}
	return nil
}
