package certs

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/apimachinery/pkg/util/wait"
	coordinationv1 "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
)

// leadership is held by the one replica that may change the Secret and the
// caBundle. It is a Lease of the Secret's name, and not the manager's: when
// another mode or Secret is rolled out, the old replicas stay until the new ones
// are ready, and the first new one must be able to lead for its own Secret.
type leadership struct {
	Options
	object   client.Object
	identity string
	lock     resourcelock.Interface // nil without leader election
	leading  atomic.Bool
	changed  chan event.GenericEvent // gets an event when this replica begins to lead
}

func newLeadership(mgr ctrl.Manager, o Options) (*leadership, error) {
	l := &leadership{Options: o, changed: make(chan event.GenericEvent, 1)}
	l.object = secretObject()
	l.object.SetNamespace(o.Namespace)
	l.object.SetName(o.Secret)
	if !o.LeaderElect {
		return l, nil
	}
	host, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("name this replica: %w", err)
	}
	config := *mgr.GetConfig()
	config.Timeout = max(l.LeaseDuration/3, time.Second)
	leases, err := coordinationv1.NewForConfig(&config)
	if err != nil {
		return nil, fmt.Errorf("create client for leases: %w", err)
	}
	l.identity = host + "_" + string(uuid.NewUUID())
	l.lock = &resourcelock.LeaseLock{
		LeaseMeta:  metav1.ObjectMeta{Namespace: o.Namespace, Name: o.Secret},
		Client:     leases,
		LockConfig: resourcelock.ResourceLockConfig{Identity: l.identity},
	}
	return l, nil
}

// NeedLeaderElection implements manager.LeaderElectionRunnable: it is one itself.
func (l *leadership) NeedLeaderElection() bool { return false }

// Start stands for election until the context ends. A replica that has lost the
// Lease stands again: it still serves.
func (l *leadership) Start(ctx context.Context) error {
	if l.lock == nil {
		l.begin(ctx)
		<-ctx.Done()
		return nil
	}
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock:          l.lock,
		Name:          l.Secret,
		LeaseDuration: l.LeaseDuration,
		RenewDeadline: l.LeaseDuration * 2 / 3,
		RetryPeriod:   l.LeaseDuration * 2 / 15,

		ReleaseOnCancel: true,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: l.begin,
			OnStoppedLeading: func() { l.leading.Store(false) },
		},
	})
	if err != nil {
		return fmt.Errorf("stand for election: %w", err)
	}
	ctx = logr.NewContext(ctx, ctrl.Log.WithName("leaderelection"))
	for ctx.Err() == nil {
		if err := l.waitForClock(ctx); err != nil {
			return nil // the manager stops
		}
		l.run(ctx, elector)
	}
	return nil
}

// run stands for election, and leads, until the context ends, the Lease is lost or
// this replica's clock turns out to be wrong.
func (l *leadership) run(ctx context.Context, elector *leaderelection.LeaderElector) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go wait.UntilWithContext(ctx, func(context.Context) {
		if err := l.Clock.check(l.ServingLife); err != nil {
			ctrl.LoggerFrom(ctx).Error(err, "giving up the lease", "lease", l.Secret)
			stop()
		}
	}, time.Second)
	elector.Run(ctx)
}

// waitForClock keeps a replica whose clock is wrong from standing for election:
// it could only hold up who signs. Reading the Lease hears of the API server's.
func (l *leadership) waitForClock(ctx context.Context) error {
	said := ""
	return wait.PollUntilContextCancel(ctx, time.Second, true, func(ctx context.Context) (bool, error) {
		if _, _, err := l.lock.Get(ctx); err != nil && !apierrors.IsNotFound(err) {
			return false, nil
		}
		err := l.Clock.check(l.ServingLife)
		if err != nil && said == "" {
			said = err.Error()
			ctrl.Log.WithName("leaderelection").Error(err, "not standing for election", "lease", l.Secret)
		}
		return err == nil, nil
	})
}

func (l *leadership) begin(ctx context.Context) {
	ctrl.LoggerFrom(ctx).Info("leading the certificates", "lease", l.Secret, "identity", l.identity)
	l.leading.Store(true)
	select {
	case l.changed <- event.GenericEvent{Object: l.object}:
	default:
	}
}
