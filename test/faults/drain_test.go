package faults_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
)

// testDrain drains every node in turn: each drain ends, a webhook's replica is ready at all times, and no pod is missed.
func testDrain(t *testing.T, e *env) {
	l := e.startLoad(t, false)
	l.more(t, 20)
	l.missed.Store(0)
	var took []string
	fewest := 2
	for _, node := range e.cluster.Nodes() {
		began := time.Now()
		done := make(chan error, 1)
		go func() {
			done <- e.drain(t.Context(), node)
		}()
		err := e.watchReplicas(t, done, &fewest)
		if err != nil {
			t.Error(err)
		}
		took = append(took, fmt.Sprintf("%s %s", node, seconds(began)))
		l.rollOut(t)
		if _, err := e.cluster.Kubectl(t.Context(), "uncordon", node); err != nil {
			t.Fatal(err)
		}
		e.whole(t)
	}
	missed := l.missed.Load()
	e.apps.settle(t)
	c := l.end(t)
	say(t, "every node drained in turn (%s): at least %d of 2 webhook replicas ready, %d of %d pods came without their exporter", strings.Join(took, ", "), fewest, missed, c.pods)
	if c.missed > 0 || fewest < 1 {
		t.Errorf("%d pods came without their exporter, first %s; at least %d replicas were ready", c.missed, l.firstMissed, fewest)
	}
}

// drain evicts the pods of a node, as its owner does before work on it.
func (e *env) drain(ctx context.Context, node string) error {
	_, err := e.cluster.Kubectl(ctx, "drain", node, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=180s")
	return err
}

// watchReplicas notes the fewest replicas that the webhook's Service led to until something is done.
func (e *env) watchReplicas(t *testing.T, done <-chan error, fewest *int) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-done:
			return err
		case <-tick.C:
			if known, err := e.endpoints(t.Context()); err == nil {
				*fewest = min(*fewest, len(known))
			}
		}
	}
}

// testRollingReboot takes one node after the other away and gives it back at once, this machine's own included.
func testRollingReboot(t *testing.T, e *env) {
	l := e.startLoad(t, false)
	l.more(t, 20)
	l.missed.Store(0)
	var took []string
	for _, node := range e.cluster.Nodes() {
		began := time.Now()
		if err := e.cluster.Kill(node); err != nil {
			t.Fatal(err)
		}
		if err := e.cluster.Restart(t.Context(), node); err != nil {
			t.Fatal(err)
		}
		e.restarted(t, node, began)
		took = append(took, fmt.Sprintf("%s %s", node, seconds(began)))
		l.rollOut(t)
	}
	missed := l.missed.Load()
	e.apps.settle(t)
	c := l.end(t)
	say(t, "every node rebooted in turn, until the release was whole (%s): %d of %d pods came without their exporter", strings.Join(took, ", "), missed, c.pods)
	if c.told > 0 {
		t.Errorf("%d pods were refused their exporter", c.told)
	}
}
