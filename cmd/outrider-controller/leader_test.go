package main

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"sigs.k8s.io/controller-runtime/pkg/manager"
)

// lease is a Lease on an API server that can be cut off.
type lease struct {
	mu     sync.Mutex
	cut    bool
	record *resourcelock.LeaderElectionRecord // nil where there is none
}

var errCut = errors.New("connection refused")

func (l *lease) Get(context.Context) (*resourcelock.LeaderElectionRecord, []byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cut {
		return nil, nil, errCut
	}
	if l.record == nil {
		return nil, nil, apierrors.NewNotFound(coordinationv1.Resource("leases"), "outrider-leader")
	}
	record := *l.record
	raw, err := json.Marshal(record)
	return &record, raw, err
}

func (l *lease) Create(ctx context.Context, r resourcelock.LeaderElectionRecord) error {
	return l.Update(ctx, r)
}

func (l *lease) Update(_ context.Context, r resourcelock.LeaderElectionRecord) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cut {
		return errCut
	}
	l.record = &r
	return nil
}

func (l *lease) RecordEvent(string) {}
func (l *lease) Identity() string   { return "this" }
func (l *lease) Describe() string   { return "outrider-leader" }

func (l *lease) set(change func(*lease)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change(l)
}

func (l *lease) holder() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.record == nil {
		return ""
	}
	return l.record.HolderIdentity
}

// replica is one that leads, what it alone runs, and whether it has left.
type replica struct {
	lease *lease
	term  *term
	work  context.Context // what the leader runs; ends with the term
	left  context.Context // ends when the process would
	stop  func()          // SIGTERM
}

// lead starts a replica and waits until it leads. What it runs takes a second to end.
func lead(t *testing.T) *replica {
	work, ended := context.WithCancel(t.Context())
	left, leave := context.WithCancel(t.Context())
	ctx, stop := context.WithCancel(t.Context())
	r := &replica{lease: &lease{}, work: work, left: left, stop: stop}
	r.term = &term{lock: r.lease, name: "outrider-leader", leave: func() { leave(); stop() }, began: make(chan struct{})}
	var running sync.WaitGroup
	running.Go(func() {
		if err := r.term.Start(ctx); err != nil {
			t.Error(err)
		}
	})
	running.Go(func() {
		leader := leaders{term: r.term, Runnable: manager.RunnableFunc(func(ctx context.Context) error {
			<-ctx.Done()
			time.Sleep(time.Second)
			if r.lease.holder() != "this" {
				t.Error("the Lease was given up while the leader's work still ran")
			}
			ended()
			return nil
		})}
		if err := leader.Start(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { stop(); running.Wait() })
	<-r.term.began
	if r.lease.holder() != "this" {
		t.Fatalf("the Lease is held by %q", r.lease.holder())
	}
	return r
}

// serves holds that the replica's work has ended, and that it has not gone.
func (r *replica) serves(t *testing.T, when string) {
	t.Helper()
	if r.work.Err() == nil {
		t.Errorf("%s, what only the leader runs goes on", when)
	}
	if r.left.Err() != nil {
		t.Errorf("%s, the process has ended, and its webhook with it", when)
	}
}

// after lets so much time pass. It is the bubble's: a test waits for none of it.
func after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestTheLeaseIsGivenUpAfterTheWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := lead(t)
		after(time.Minute)
		if r.work.Err() != nil {
			t.Error("the term ended though the Lease could be renewed")
		}
		r.stop()
		after(2 * time.Second)
		if r.work.Err() == nil || r.lease.holder() != "" {
			t.Errorf("two seconds after SIGTERM the Lease is held by %q, and the work's end is %v", r.lease.holder(), r.work.Err())
		}
	})
}

func TestAReplicaAloneServesUntilItIsAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := lead(t)
		r.lease.set(func(l *lease) { l.cut = true })
		after(renewDeadline + retryPeriod + 2*time.Second)
		r.serves(t, "when the Lease could not be renewed")
		after(time.Hour)
		r.serves(t, "after an hour without an API server")

		r.lease.set(func(l *lease) { l.cut = false })
		after(leaseDuration)
		r.serves(t, "while another replica may still take the Lease")
		after(2 * leaseDuration)
		if r.left.Err() == nil {
			t.Error("nobody took the Lease for two of its lives, and the replica has not restarted to lead again")
		}
		if err := r.term.Check(nil); err != nil {
			t.Errorf("a replica that is alone was not ready before it went: %v", err)
		}
	})
}

func TestAReplicaIsUnreadyBeforeItGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := lead(t)
		r.lease.set(func(l *lease) { l.cut = true })
		after(time.Minute)
		r.lease.set(func(l *lease) { l.cut, l.record.HolderIdentity = false, "other" })
		after(2 * retryPeriod)
		r.serves(t, "when another replica leads")
		if r.term.Check(nil) == nil {
			t.Error("the replica is about to go and still says that it is ready")
		}
		after(unready)
		if r.left.Err() == nil {
			t.Error("the replica has not gone though another leads")
		}
		if r.lease.holder() != "other" {
			t.Errorf("the Lease is held by %q", r.lease.holder())
		}
	})
}

func TestAReplicaGoesWhereTheLeaseIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := lead(t)
		r.lease.set(func(l *lease) { l.cut = true })
		after(time.Minute)
		r.lease.set(func(l *lease) { l.cut, l.record = false, nil })
		after(2 * retryPeriod)
		if r.left.Err() == nil {
			t.Error("the Lease is gone, and the replica has not restarted to make a new one")
		}
	})
}
