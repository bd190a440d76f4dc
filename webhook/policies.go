package webhook

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/fields"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/webhook/decider"
)

// Policies keeps the parameter object of the API server's policies: a ConfigMap
// with how the exporters in force are recognized and injected, and with the date,
// since a policy has no clock. Only the leader writes it.
type Policies struct {
	// Namespace and Name of the ConfigMap, which must be there: it is filled and
	// not created.
	Namespace, Name string
	// Exporters are the definitions in force. Required.
	Exporters *decider.Exporters
	// Injection has the policies inject. Default nil: they do not.
	Injection *Injection
	// Now is the clock. Default time.Now.
	Now func() time.Time
}

// Injection is what injection depends on besides the exporters. All of it is
// required.
type Injection struct {
	// Settings are the same for all pods.
	Settings sidecars.Settings
	// Budgets gives the namespaces whose LimitRanges or quotas may change what is
	// injected: decider.Budgets.
	Budgets interface {
		Check(*http.Request) error
		Budgeted(ctx context.Context, c sidecars.Catalog) ([]string, error)
	}
	// Usage gives the namespaces that have used up their budgets of series: usage.Usage.
	Usage interface {
		Check(*http.Request) error
		AllExhausted() []string
		// Changed receives an event when they have changed.
		Changed() <-chan event.GenericEvent
	}
	// Breaker gives what is suspended: breaker.Breaker.
	Breaker interface {
		Check(*http.Request) error
		// Held are the suspended exporters, each as EXPORTER or NAMESPACE/EXPORTER,
		// without those that are half-open where probing is set, and when the first of
		// them becomes so; zero is never.
		Held(probing bool) (held []string, until time.Time)
		// Changed receives an event when the suspensions have changed.
		Changed() <-chan event.GenericEvent
	}
	// Alone says that there is no webhook to take a half-open exporter's probes: the
	// policies inject it into every pod until there is a verdict.
	Alone bool
}

// SetupWithManager has the manager's leader keep the object: when it or what it is
// made of changes, and from day to day.
func (p *Policies) SetupWithManager(mgr ctrl.Manager) error {
	toTheOne := handler.EnqueueRequestsFromMapFunc(func(context.Context, client.Object) []reconcile.Request { return []reconcile.Request{{}} })
	c := mgr.GetClient()
	b := ctrl.NewControllerManagedBy(mgr).Named("policies").
		Watches(&corev1.ConfigMap{}, toTheOne).
		WatchesRawSource(source.Channel(p.Exporters.Changed(), toTheOne))
	if p.Injection != nil {
		specified := builder.WithPredicates(predicate.GenerationChangedPredicate{}) // a quota's status changes with every pod
		b.Watches(&corev1.LimitRange{}, toTheOne).
			Watches(&corev1.ResourceQuota{}, toTheOne, specified).
			WatchesRawSource(source.Channel(p.Injection.Breaker.Changed(), toTheOne)).
			WatchesRawSource(source.Channel(p.Injection.Usage.Changed(), toTheOne))
	}
	err := b.Complete(reconcile.Func(func(ctx context.Context, _ reconcile.Request) (reconcile.Result, error) {
		if p.check() != nil { // or custom exporters would go and come back
			return reconcile.Result{RequeueAfter: time.Second}, nil
		}
		again, err := p.Keep(ctx, c)
		if apierrors.IsNotFound(err) {
			ctrl.LoggerFrom(ctx).Error(err, "no policy works; helm upgrade makes the object again")
			err = nil
		}
		return reconcile.Result{RequeueAfter: again}, err
	}))
	if err != nil {
		return fmt.Errorf("set up policies: %w", err)
	}
	return nil
}

// check returns nil once everything is known.
func (p *Policies) check() error {
	err := p.Exporters.Check(nil)
	if p.Injection != nil {
		err = errors.Join(err, p.Injection.Budgets.Check(nil), p.Injection.Breaker.Check(nil), p.Injection.Usage.Check(nil))
	}
	return err
}

// Keep brings the object to the exporters in force and the date (UTC), and returns
// after how long it is to be looked at again. Keys that are not Outrider's are taken
// away. An error that is not about its being missing is worth another try.
func (p *Policies) Keep(ctx context.Context, c client.Client) (time.Duration, error) {
	var found corev1.ConfigMap
	if err := c.Get(ctx, client.ObjectKey{Namespace: p.Namespace, Name: p.Name}, &found); err != nil {
		return 0, fmt.Errorf("read the policies' parameters: %w", err)
	}
	data, again, err := p.data(ctx)
	if err != nil || maps.Equal(data, found.Data) {
		return again, err
	}
	kept := found.DeepCopy()
	kept.Data = data
	if err := c.Update(ctx, kept); err != nil {
		return again, fmt.Errorf("write the policies' parameters: %w", err)
	}
	ctrl.LoggerFrom(ctx).Info("policies' parameters written", "date", data["date"], "keys", len(data))
	return again, nil
}

// data is what the object holds, and for how long.
func (p *Policies) data(ctx context.Context) (map[string]string, time.Duration, error) {
	catalog, again := p.Exporters.Catalog(), p.untilTomorrow()
	if p.Injection == nil {
		data := catalog.Recognition()
		data["date"] = p.now().Format(time.DateOnly)
		return data, again, nil
	}
	data := catalog.Injection(p.Injection.Settings)
	data["date"] = p.now().Format(time.DateOnly)
	budgeted, err := p.Injection.Budgets.Budgeted(ctx, catalog)
	if err != nil {
		return nil, again, err
	}
	held, until := p.Injection.Breaker.Held(p.Injection.Alone)
	if !until.IsZero() {
		again = min(again, max(until.Sub(p.now()), 0)+10*time.Millisecond)
	}
	data["budgeted"], data["suspended"] = strings.Join(budgeted, "\n"), strings.Join(held, "\n")
	data["exhausted"] = strings.Join(p.Injection.Usage.AllExhausted(), "\n")
	return data, again, nil
}

// Cache keeps the manager's cache of ConfigMaps to the one object.
func (p *Policies) Cache() map[client.Object]cache.ByObject {
	return map[client.Object]cache.ByObject{&corev1.ConfigMap{}: {Namespaces: map[string]cache.Config{
		p.Namespace: {FieldSelector: fields.OneTermEqualSelector("metadata.name", p.Name)},
	}}}
}

func (p *Policies) now() time.Time {
	if p.Now == nil {
		return time.Now().UTC()
	}
	return p.Now().UTC()
}

// untilTomorrow is how long to wait for the next day, an hour at most: clocks
// are set, and machines sleep.
func (p *Policies) untilTomorrow() time.Duration {
	now := p.now()
	tomorrow := now.Truncate(24 * time.Hour).Add(24*time.Hour + time.Second)
	return min(tomorrow.Sub(now), time.Hour)
}
