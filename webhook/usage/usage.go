package usage

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	promv1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/webhook/internal/shared"
)

// dataKey is the key of the ConfigMap with the namespaces that have used up their
// budgets, one a line.
const dataKey = "exhausted"

// Options are how Usage is set up.
type Options struct {
	// Store holds the namespaces that have used up their budgets. Required.
	Store *shared.Store
	// Prometheus is asked for the series. Default nil: nobody is, and budgets have no
	// effect.
	Prometheus promv1.API
	// Interval is the time between two questions. Required.
	Interval time.Duration
}

// namespaceSource reports namespaces: decider.Namespaces.
type namespaceSource interface {
	Follow(set, drop func(name string, of sidecars.Namespace)) (synced func() bool, err error)
}

// Usage knows which namespaces have used up their budgets of series. The leader asks
// and stores; every replica answers by what is stored.
type Usage struct {
	Options
	namespaces namespaceSource
	events     events.EventRecorder
	reader     client.Reader
	synced     func() bool
	changed    chan event.GenericEvent

	mu        sync.Mutex
	exhausted map[string]bool
	budgets   map[string]budget // of the namespaces that have the annotation; nil where this replica does not lead
}

// budget is what a namespace may use, and does.
type budget struct {
	most    int
	wrong   string // why there is none
	counted *count // nil where nobody counts
	level   level
	said    string // the reason of the last event
}

// New returns what knows nothing until the manager runs.
func New(o Options, namespaces namespaceSource, events events.EventRecorder) *Usage {
	return &Usage{Options: o, namespaces: namespaces, events: events, changed: make(chan event.GenericEvent, 1)}
}

// SetupWithManager follows, with the manager, what is stored, and with leads has the
// leader count, and registers its gauges.
func (u *Usage) SetupWithManager(ctx context.Context, mgr ctrl.Manager, r prometheus.Registerer, leads bool) error {
	u.reader = mgr.GetCache()
	var err error
	if u.synced, err = u.Store.Follow(ctx, mgr, u.load); err != nil || !leads {
		return err
	}
	if err := r.Register(&collector{u}); err != nil {
		return fmt.Errorf("register metrics of series: %w", err)
	}
	return mgr.Add(u)
}

// Check returns nil once it is known which budgets are used up; it is a
// healthz.Checker.
func (u *Usage) Check(*http.Request) error {
	if !u.synced() {
		return errors.New("namespaces that have used up their budgets of series are not known yet")
	}
	return nil
}

// Stored answers by what a ConfigMap holds now, for one that only reads it.
func Stored(cm *corev1.ConfigMap) *Usage {
	u := &Usage{changed: make(chan event.GenericEvent, 1)}
	u.load(cm)
	return u
}

func (u *Usage) load(cm *corev1.ConfigMap) {
	all := map[string]bool{}
	if cm != nil {
		for name := range strings.SplitSeq(cm.Data[dataKey], "\n") {
			all[name] = name != ""
		}
		delete(all, "")
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if maps.Equal(all, u.exhausted) {
		return
	}
	u.exhausted = all
	select {
	case u.changed <- event.GenericEvent{Object: &corev1.ConfigMap{}}:
	default: // not received yet, or by nobody; one is enough
	}
}

// Exhausted reports whether a namespace has used up its budget.
func (u *Usage) Exhausted(namespace string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.exhausted[namespace]
}

// AllExhausted are the namespaces that have used up their budgets, sorted.
func (u *Usage) AllExhausted() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return slices.Sorted(maps.Keys(u.exhausted))
}

// Changed receives an event when AllExhausted has changed since it was last received.
func (u *Usage) Changed() <-chan event.GenericEvent { return u.changed }
