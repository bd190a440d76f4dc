package breaker

import (
	"context"
	"errors"
	"net/http"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"github.com/outrider-dev/outrider/webhook/decider"
	"github.com/outrider-dev/outrider/webhook/internal/shared"
)

// Options are how a Breaker is set up.
type Options struct {
	// Namespace and ConfigMap name the object that holds the suspensions. Required.
	Namespace, ConfigMap string
	// Rules are when exporters are suspended. Default DefaultRules.
	Rules Rules
	// Probes is on how many pods each replica tries a suspended exporter, in one
	// half-open window. Default 1.
	Probes int
}

// podSource has the pods that exporters were injected into: monitored.Pods.
type podSource interface {
	Ready() bool
	List(ctx context.Context) ([]corev1.Pod, error)
	Changed() <-chan struct{}
}

// Breaker suspends exporters that do not work. The leader judges and stores;
// every replica answers by what is stored.
type Breaker struct {
	*gate
	Options
	pods      podSource
	exporters *decider.Exporters
	events    events.EventRecorder
	metrics   *Metrics

	client client.Client // writes
	reader client.Reader // reads from the API server
	store  *shared.Store
	synced func() bool

	reportAt time.Time // when the conditions of custom exporters are to be looked at
}

// New returns a breaker that suspends nothing until the manager runs.
func New(o Options, pods podSource, exporters *decider.Exporters, events events.EventRecorder, metrics *Metrics) *Breaker {
	g := &gate{
		definition: func(name string) string { return exporters.Catalog().Definition(name) },
		now:        time.Now,
		probes:     o.Probes,
		// Long enough for a pod to be created and judged before others are tried on.
		window:  max(o.Rules.Backoff, 2*(o.Rules.Timeout+o.Rules.Stable)),
		changed: make(chan event.GenericEvent, 1),
	}
	store := &shared.Store{Namespace: o.Namespace, Name: o.ConfigMap}
	return &Breaker{gate: g, Options: o, pods: pods, exporters: exporters, events: events, metrics: metrics, store: store}
}

// Store is the ConfigMap of the suspensions. Other parts of it have other keys.
func (b *Breaker) Store() *shared.Store { return b.store }

// SetupWithManager starts, with the manager, what follows the ConfigMap on every
// replica, and, with judge, what judges on the leader.
func (b *Breaker) SetupWithManager(ctx context.Context, mgr ctrl.Manager, judge bool) error {
	b.client, b.reader = mgr.GetClient(), mgr.GetAPIReader()
	if err := b.follow(ctx, mgr); err != nil || !judge {
		return err
	}
	return mgr.Add(b)
}

// Check returns nil once the suspensions are known; it is a healthz.Checker.
func (b *Breaker) Check(*http.Request) error {
	if !b.synced() {
		return errors.New("suspended exporters are not known yet")
	}
	return nil
}

// Start judges until the context ends; it implements manager.Runnable, and runs on the leader alone. Pods
// become healthy, and suspensions come to their end, without any event.
func (b *Breaker) Start(ctx context.Context) error {
	log := ctrl.LoggerFrom(ctx).WithName("breaker")
	ctx = ctrl.LoggerInto(ctx, log)
	changed := b.pods.Changed()
	shortest := min(b.Rules.Timeout, b.Rules.Stable, b.Rules.Backoff)
	tick := time.NewTicker(min(max(shortest/4, 50*time.Millisecond), 2*time.Second))
	defer tick.Stop()
	for pending := true; ; {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		select {
		case <-changed:
			pending = true
		default:
		}
		if !pending || !b.pods.Ready() || b.Check(nil) != nil || b.exporters.Check(nil) != nil {
			continue
		}
		again, err := b.judge(ctx)
		if err != nil {
			log.Error(err, "judge exporters")
		}
		pending = again || err != nil
	}
}

// judge brings what is stored to what the pods show, and tells of it. It reports
// whether time alone may change that.
func (b *Breaker) judge(ctx context.Context) (again bool, err error) {
	stored, err := b.read(ctx)
	if err != nil {
		return false, err
	}
	pods, err := b.pods.List(ctx)
	if err != nil {
		return false, err
	}
	now := b.now()
	var seen []Observation
	for i := range pods {
		for _, o := range Observe(&pods[i], b.Rules.Stable, now) {
			again = again || o.Health != Healthy
			seen = append(seen, o)
		}
	}
	after, changes := b.Rules.judge(stored.suspensions, seen, b.definition, now)
	switch err := b.write(ctx, stored, after); {
	case apierrors.IsConflict(err), apierrors.IsAlreadyExists(err):
		return true, nil // the cache is behind; nothing was decided
	case err != nil:
		return true, err
	}
	b.announce(ctx, changes, pods)
	if len(changes) > 0 || !now.Before(b.reportAt) {
		b.reportAt = now.Add(time.Minute)
		if err := b.report(ctx, after, changes); err != nil {
			b.reportAt = now
			return true, err
		}
	}
	return again || len(after) > 0, nil
}

// Stuck are the pods that have never served, and wait for nothing but exporters
// that new pods would not get: suspended ones, or ones of another definition by
// now. They belong to the cache and must not be changed.
func (b *Breaker) Stuck(ctx context.Context) ([]corev1.Pod, error) {
	if !b.pods.Ready() || b.exporters.Check(nil) != nil || b.Check(nil) != nil {
		return nil, nil // by the built-in catalog alone, definitions would seem to be replaced
	}
	pods, err := b.pods.List(ctx)
	if err != nil {
		return nil, err
	}
	now := b.now()
	var stuck []corev1.Pod
	for i := range pods {
		if b.wouldStart(Observe(&pods[i], b.Rules.Stable, now), now) {
			stuck = append(stuck, pods[i])
		}
	}
	return stuck, nil
}

// wouldStart says that a pod that shows this is stuck, and another in its place
// would not be.
func (b *Breaker) wouldStart(seen []Observation, now time.Time) bool {
	failing := 0
	for _, o := range seen {
		if o.Health != Failing {
			continue
		}
		failing++
		if o.Stuck.IsZero() || !o.NeverServed {
			return false
		}
		replaced := b.definition(o.Exporter) != o.Definition && now.Sub(o.Stuck) >= b.Rules.Timeout
		if !replaced && !b.suspends(o) {
			return false
		}
	}
	return failing > 0
}

// suspends reports whether what a pod shows is of a definition that is suspended.
func (b *Breaker) suspends(o Observation) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, k := range []key{{o.Exporter, o.Namespace}, {o.Exporter, ""}} {
		if s, ok := b.held[k]; ok && s.Definition == o.Definition {
			return true
		}
	}
	return false
}
