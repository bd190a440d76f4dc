package faults_test

import (
	"syscall"
	"testing"
	"time"
)

// testAPIServerRestarted kills the API server, twice, and starts it again. Creates fail meanwhile and are
// tried again; not one pod is missed, since a client that can create pods can also call the webhook.
func testAPIServerRestarted(t *testing.T, e *env) {
	l := e.startLoad(t, true)
	var down time.Duration
	for range 2 {
		l.more(t, 30)
		if err := e.cluster.Kill("kube-apiserver"); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		during(2*time.Second, func() {})
		if err := e.cluster.Restart(t.Context(), "kube-apiserver"); err != nil {
			t.Fatal(err)
		}
		down += time.Since(began)
		l.rollOut(t)
		l.more(t, 30)
	}
	eventually(t, func() string { return e.ready(t.Context()) })
	c := l.end(t)
	say(t, "the API server killed twice, away for %s: %d of %d pods came without their exporter, %d creates were tried again", down.Round(time.Second), c.missed, c.pods, l.retried.Load())
	if l.retried.Load() == 0 {
		t.Error("no create failed, so the API server was not away")
	}
	if c.missed > 0 {
		t.Errorf("%d pods were missed", c.missed)
	}
}

// testEtcdPaused stops etcd for longer than a Lease lasts: nobody can lead meanwhile, and the replicas
// answer all the same.
func testEtcdPaused(t *testing.T, e *env) {
	l := e.startLoad(t, true)
	l.more(t, 30)
	const pause = 22 * time.Second // a Lease lasts 15
	if err := e.cluster.Signal("etcd", syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	stopped := true
	resume := func() {
		if stopped {
			stopped = false
			if err := e.cluster.Signal("etcd", syscall.SIGCONT); err != nil {
				t.Error(err)
			}
		}
	}
	t.Cleanup(resume)
	during(pause, func() {})
	resume()
	l.rollOut(t)
	l.more(t, 30)
	eventually(t, func() string { return e.ready(t.Context()) })
	c := l.end(t)
	say(t, "etcd paused for %s, Leases last 15s: %d of %d pods came without their exporter, %d creates were tried again, the replicas were restarted %d times",
		pause, c.missed, c.pods, l.retried.Load(), e.restarts(t))
	if c.missed > 0 {
		t.Errorf("%d pods were missed", c.missed)
	}
}
