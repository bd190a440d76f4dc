package faults_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// testLeaderPartitioned cuts the controller that leads off from the API server: another one leads, the old one ends
// before the other's Lease begins, and no pod is lost, since the webhook's replicas are others.
func testLeaderPartitioned(t *testing.T, e *env) {
	l := e.startLoad(t, false)
	l.more(t, 20)
	old, before := e.leader(t, leaderLease), e.holder(t, leaderLease)
	restarts := old.Status.ContainerStatuses[0].RestartCount
	err := e.cluster.Filter(t.Context(), fmt.Sprintf(`
chain input { type filter hook input priority 0; ip saddr %[1]s tcp dport 6443 drop; }
chain output { type filter hook output priority 0; ip daddr %[1]s tcp sport 6443 drop; }`, old.Status.PodIP))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.heal(t) })
	began := time.Now()
	l.rollOut(t)
	eventually(t, func() string {
		if holder := e.holder(t, leaderLease); holder == "" || strings.HasPrefix(holder, old.Name+"_") {
			return fmt.Sprintf("%s is held by %q, which is cut off", leaderLease, holder)
		}
		return ""
	})
	took := time.Since(began)
	e.stoodDown(t, old.Name, restarts)
	l.rollOut(t)
	e.heal(t)
	eventually(t, func() string { return e.ready(t.Context()) })
	c := l.end(t)
	if c.missed > 0 {
		t.Errorf("%d pods came without their exporter, first %s", c.missed, l.firstMissed)
	}
	if now := e.holder(t, leaderLease); now == before {
		t.Errorf("%s is held by %s again", leaderLease, now)
	}
	say(t, "the leader cut off from the API server: another one led after %s; %d of %d pods came without their exporter", took.Round(time.Second), c.missed, c.pods)
}

// stoodDown holds that the controller that was cut off had ended before the other one's Lease began. The kubelet says
// when, in whole seconds; both run by one clock.
func (e *env) stoodDown(t *testing.T, name string, restarts int32) {
	t.Helper()
	lease, err := e.client.CoordinationV1().Leases("outrider").Get(t.Context(), leaderLease, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	began, ended := lease.Spec.AcquireTime.Time, time.Time{}
	eventually(t, func() string {
		pod, err := e.client.CoreV1().Pods("outrider").Get(t.Context(), name, metav1.GetOptions{})
		if err != nil {
			return err.Error()
		}
		s := pod.Status.ContainerStatuses[0]
		last := s.LastTerminationState.Terminated
		if s.State.Terminated != nil {
			last = s.State.Terminated
		}
		if last == nil || s.RestartCount == restarts && s.State.Terminated == nil {
			return name + " has not ended"
		}
		ended = last.FinishedAt.Time
		return ""
	})
	if ended.After(began) {
		t.Errorf("%s ended at %s, after the other one's term began at %s", name, ended, began)
	}
}

// heal takes every rule out of the packet filter.
func (e *env) heal(t *testing.T) {
	t.Helper()
	if err := e.cluster.Filter(context.Background(), ""); err != nil {
		t.Error(err)
	}
}
