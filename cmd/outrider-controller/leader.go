package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/client-go/util/retry"
	ctrl "sigs.k8s.io/controller-runtime"
	crleaderelection "sigs.k8s.io/controller-runtime/pkg/leaderelection"
	"sigs.k8s.io/controller-runtime/pkg/manager"
)

// How long a Lease lasts after its holder was last heard of, and how often and
// for how long that one tries to be heard.
const (
	leaseDuration = 15 * time.Second
	renewDeadline = 10 * time.Second
	retryPeriod   = 2 * time.Second

	// unready is how long a replica that is going says so before it goes: more
	// than three readiness probes, five seconds apart, and what spreads it.
	unready = 25 * time.Second
)

// term is this replica's time as the leader, of which a process has one. The
// manager's own election would end the process where the Lease is lost, and with
// it a webhook that works: an API server that comes back after a while finds
// replicas that are starting. Here a replica whose term is over stops what only
// the leader does, goes on serving, and leaves, as a rollout would have it leave,
// once the API server answers again: what the leader runs cannot be started a
// second time.
type term struct {
	lock  resourcelock.Interface // nil without leader election
	name  string                 // of the Lease
	leave func()                 // ends the process as SIGTERM does

	began chan struct{} // closed when this replica leads
	going atomic.Bool

	mu      sync.Mutex
	ctx     context.Context // the term's, once it began
	running sync.WaitGroup  // what the leader alone runs
}

func newTerm(config *rest.Config, mgr ctrl.Manager, o Options, leave func()) (*term, error) {
	t := &term{name: o.LeaderElectionID, leave: leave, began: make(chan struct{})}
	var err error
	t.lock, err = crleaderelection.NewResourceLock(rest.CopyConfig(config), mgr, crleaderelection.Options{
		LeaderElection: o.LeaderElect, LeaderElectionID: o.LeaderElectionID,
		LeaderElectionNamespace: o.Certificates.Namespace, RenewDeadline: renewDeadline,
	})
	if err != nil {
		return nil, fmt.Errorf("name the leader's lease: %w", err)
	}
	return t, nil
}

// NeedLeaderElection implements manager.LeaderElectionRunnable: it is one itself.
func (t *term) NeedLeaderElection() bool { return false }

// Start stands for election until the context ends, or the term does.
func (t *term) Start(ctx context.Context) error {
	log := ctrl.Log.WithName("leaderelection")
	if t.lock == nil {
		t.begin(ctx)
		<-ctx.Done()
		return nil
	}
	// The Lease is given up when what the leader runs has ended, not before; so not by the elector.
	own, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	of, end := context.WithCancel(ctx)
	defer end()
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock: t.lock, Name: t.name,
		LeaseDuration: leaseDuration, RenewDeadline: renewDeadline, RetryPeriod: retryPeriod,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(context.Context) {
				log.Info("leading", "identity", t.lock.Identity())
				t.begin(of)
			},
			OnStoppedLeading: func() {},
		},
	})
	if err != nil {
		return fmt.Errorf("stand for election: %w", err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		elector.Run(logr.NewContext(own, log))
	}()
	select {
	case <-ctx.Done():
		t.finish(end)
		stop()
		<-ended
		t.giveUp(context.WithoutCancel(ctx))
	case <-ended:
		t.finish(end)
		log.Info("no longer leading; still serving until the API server answers", "identity", t.lock.Identity())
		t.depart(ctx)
	}
	return nil
}

// giveUp lets another replica lead at once. Where it fails, the Lease runs out.
func (t *term) giveUp(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, renewDeadline)
	defer cancel()
	err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
		lease, _, err := t.lock.Get(ctx)
		if err != nil || lease.HolderIdentity != t.lock.Identity() {
			return err
		}
		lease.HolderIdentity, lease.LeaseDurationSeconds = "", 1
		return t.lock.Update(ctx, *lease)
	})
	if err != nil {
		ctrl.Log.WithName("leaderelection").Error(err, "lease not given up", "lease", t.name)
	}
}

// depart ends the process once another replica leads: before the API server
// answers again nobody would hear that this one is going. Unlike a pod that is
// deleted, it has to be found unready first. One that is alone goes when nobody has
// taken the Lease for two of its lives.
func (t *term) depart(ctx context.Context) {
	var answered time.Time
	err := wait.PollUntilContextCancel(ctx, retryPeriod, false, func(ctx context.Context) (bool, error) {
		lease, _, err := t.lock.Get(ctx)
		if apierrors.IsNotFound(err) {
			return true, nil // whoever comes makes a new one
		}
		if err != nil {
			return false, nil
		}
		if answered.IsZero() {
			answered = time.Now()
		}
		if lease.HolderIdentity != "" && lease.HolderIdentity != t.lock.Identity() {
			t.going.Store(true)
			return true, nil
		}
		return time.Since(answered) > 2*leaseDuration, nil
	})
	if err == nil && t.going.Load() {
		select {
		case <-ctx.Done():
		case <-time.After(unready):
		}
	}
	t.leave()
}

// Check is a healthz.Checker: it returns an error while this replica is going.
func (t *term) Check(*http.Request) error {
	if t.going.Load() {
		return errors.New("no longer the leader; about to restart")
	}
	return nil
}

func (t *term) begin(ctx context.Context) {
	t.ctx = ctx
	close(t.began)
}

// finish ends the term and returns when nothing of it runs any more.
func (t *term) finish(end func()) {
	t.mu.Lock()
	end()
	t.mu.Unlock()
	t.running.Wait()
}

// join reports whether the term, which has begun, still lasts; then it waits for
// whoever asked.
func (t *term) join() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ctx.Err() != nil {
		return false
	}
	t.running.Add(1)
	return true
}

// electing is a manager that has what only the leader may run wait for the term.
type electing struct {
	ctrl.Manager
	term *term
}

// Add implements manager.Manager.
func (e electing) Add(r manager.Runnable) error {
	if l, ok := r.(manager.LeaderElectionRunnable); ok && !l.NeedLeaderElection() {
		return e.Manager.Add(r)
	}
	return e.Manager.Add(&leaders{Runnable: r, term: e.term})
}

// leaders is what only the leader runs.
type leaders struct {
	manager.Runnable
	term *term
}

// NeedLeaderElection implements manager.LeaderElectionRunnable: it waits itself.
func (*leaders) NeedLeaderElection() bool { return false }

// Start waits for the term, and ends with it.
func (l *leaders) Start(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-l.term.began:
	}
	if !l.term.join() {
		return nil
	}
	defer l.term.running.Done()
	return l.Runnable.Start(l.term.ctx)
}
