package faults_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// testLeaderPartitioned cuts the replica that leads off from the API server, which still reaches it: it goes
// on answering, another one leads, and it does not lead a moment longer than its Lease.
func testLeaderPartitioned(t *testing.T, e *env) {
	l := e.startLoad(t, false)
	l.more(t, 20)
	old := e.leader(t, leaderLease)
	before := map[string]string{} // what it holds
	for _, lease := range []string{leaderLease, certsLease} {
		if holder := e.holder(t, lease); strings.HasPrefix(holder, old.Name+"_") {
			before[lease] = holder
		}
	}
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
		for lease := range before {
			if holder := e.holder(t, lease); holder == "" || strings.HasPrefix(holder, old.Name+"_") {
				return fmt.Sprintf("%s is held by %q, which is cut off", lease, holder)
			}
		}
		return ""
	})
	took := time.Since(began)
	e.stoodDown(t, old.Name)
	l.rollOut(t)
	e.heal(t)
	eventually(t, func() string { return e.settled(t) })
	c := l.end(t)
	if c.missed > 0 {
		t.Errorf("%d pods came without their exporter, first %s", c.missed, l.firstMissed)
	}
	for lease, holder := range before {
		if now := e.holder(t, lease); now == holder {
			t.Errorf("%s is held by %s again", lease, holder)
		}
	}
	say(t, "the leader cut off from the API server: another one led after %s; %d of %d pods came without their exporter", took.Round(time.Second), c.missed, c.pods)
}

// stoodDown holds that the replica that was cut off had ended everything that only the leader does before the
// other one's Lease began. It says so in its log, which the kubelet has; both run by one clock.
func (e *env) stoodDown(t *testing.T, name string) {
	t.Helper()
	lease, err := e.client.CoordinationV1().Leases("outrider").Get(t.Context(), leaderLease, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	began, ended := lease.Spec.AcquireTime.Time, time.Time{}
	eventually(t, func() string {
		raw, err := e.client.CoreV1().Pods("outrider").GetLogs(name, &corev1.PodLogOptions{}).DoRaw(t.Context())
		if err != nil {
			return err.Error()
		}
		for line := range strings.Lines(string(raw)) {
			var said struct{ Time time.Time }
			if strings.Contains(line, "no longer leading") && json.Unmarshal([]byte(line), &said) == nil {
				ended = said.Time
				return ""
			}
		}
		return name + " has not ended its term"
	})
	if ended.After(began) {
		t.Errorf("%s ended its term at %s, after the other one's began at %s", name, ended, began)
	}
}

// heal takes every rule out of the packet filter.
func (e *env) heal(t *testing.T) {
	t.Helper()
	if err := e.cluster.Filter(context.Background(), ""); err != nil {
		t.Error(err)
	}
}
