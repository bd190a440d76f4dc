package webhook

import (
	"context"
	"fmt"
	"maps"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/fields"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/outrider-dev/outrider/webhook/decider"
)

// Enforcement keeps the parameter object of the API server's policies: a
// ConfigMap with how the exporters in force are recognized, and with the date,
// since a policy has no clock. Only the leader writes it.
type Enforcement struct {
	// Namespace and Name of the ConfigMap, which must be there: it is filled and
	// not created.
	Namespace, Name string
	// Exporters are the definitions in force. Required.
	Exporters *decider.Exporters
	// Now is the clock. Default time.Now.
	Now func() time.Time
}

// SetupWithManager has the manager's leader keep the object: when it or the
// exporters change, and from day to day.
func (e *Enforcement) SetupWithManager(mgr ctrl.Manager) error {
	toTheOne := handler.EnqueueRequestsFromMapFunc(func(context.Context, client.Object) []reconcile.Request { return []reconcile.Request{{}} })
	c := mgr.GetClient()
	err := ctrl.NewControllerManagedBy(mgr).Named("enforcement").
		Watches(&corev1.ConfigMap{}, toTheOne).
		WatchesRawSource(source.Channel(e.Exporters.Changed(), toTheOne)).
		Complete(reconcile.Func(func(ctx context.Context, _ reconcile.Request) (reconcile.Result, error) {
			if e.Exporters.Check(nil) != nil { // or custom exporters would go and come back
				return reconcile.Result{RequeueAfter: time.Second}, nil
			}
			err := e.Keep(ctx, c)
			if apierrors.IsNotFound(err) {
				ctrl.LoggerFrom(ctx).Error(err, "nothing is enforced; helm upgrade makes the object again")
				err = nil
			}
			return reconcile.Result{RequeueAfter: e.untilTomorrow()}, err
		}))
	if err != nil {
		return fmt.Errorf("set up enforcement: %w", err)
	}
	return nil
}

// Keep brings the object to the exporters in force and the date (UTC). Keys that
// are not Outrider's are taken away. An error that is not about its being
// missing is worth another try.
func (e *Enforcement) Keep(ctx context.Context, c client.Client) error {
	var found corev1.ConfigMap
	if err := c.Get(ctx, client.ObjectKey{Namespace: e.Namespace, Name: e.Name}, &found); err != nil {
		return fmt.Errorf("read the policies' parameters: %w", err)
	}
	data := e.Exporters.Catalog().Recognition()
	data["date"] = e.now().Format(time.DateOnly)
	if maps.Equal(data, found.Data) {
		return nil
	}
	kept := found.DeepCopy()
	kept.Data = data
	if err := c.Update(ctx, kept); err != nil {
		return fmt.Errorf("write the policies' parameters: %w", err)
	}
	ctrl.LoggerFrom(ctx).Info("policies' parameters written", "date", data["date"], "keys", len(data))
	return nil
}

// Cache keeps the manager's cache of ConfigMaps to the one object.
func (e *Enforcement) Cache() map[client.Object]cache.ByObject {
	return map[client.Object]cache.ByObject{&corev1.ConfigMap{}: {Namespaces: map[string]cache.Config{
		e.Namespace: {FieldSelector: fields.OneTermEqualSelector("metadata.name", e.Name)},
	}}}
}

func (e *Enforcement) now() time.Time {
	if e.Now == nil {
		return time.Now().UTC()
	}
	return e.Now().UTC()
}

// untilTomorrow is how long to wait for the next day, an hour at most: clocks
// are set, and machines sleep.
func (e *Enforcement) untilTomorrow() time.Duration {
	now := e.now()
	tomorrow := now.Truncate(24 * time.Hour).Add(24*time.Hour + time.Second)
	return min(tomorrow.Sub(now), time.Hour)
}
