package faults_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/outrider-dev/outrider/sidecars"
)

// churn changes what pods are not, under pods that are created meanwhile: it rolls a Deployment out, labels namespaces
// and edits the catalog.
type churn struct {
	rollouts, labels, exporters atomic.Int64
	switched                    string // a namespace that is opted in half of the time, with pods that ask for themselves
	stop                        func()

	mu    sync.Mutex
	wrong []string
}

func (e *env) startChurn(t *testing.T, l *load) *churn {
	t.Helper()
	l.rollOut(t)
	toggled := l.annotated + "-toggled"
	c := &churn{switched: l.annotated + "-switched"}
	sessions := l.annotated + "-sessions"
	for _, ns := range []string{toggled, c.switched, sessions} {
		e.namespace(t, ns, false)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	repeat := func(every time.Duration, n *atomic.Int64, do func(i int64) error) {
		all.Go(func() {
			tick := time.NewTicker(every)
			defer tick.Stop()
			for ctx.Err() == nil {
				if err := do(n.Add(1)); err != nil && ctx.Err() == nil {
					c.note(err)
				}
				select {
				case <-ctx.Done():
				case <-tick.C:
				}
			}
		})
	}
	all.Go(func() { l.work(ctx, c.switched, 0, map[string]string{sidecars.InjectKey: "redis"}) })
	all.Go(func() { l.work(ctx, sessions, 0, map[string]string{sidecars.InjectKey: "sessions"}) })
	repeat(8*time.Second, &c.rollouts, func(i int64) error {
		patch := fmt.Appendf(nil, `{"spec":{"template":{"metadata":{"annotations":{"example.org/run":"%d"}}}}}`, i)
		_, err := e.client.AppsV1().Deployments(l.rolled).Patch(ctx, "rolled-1", types.MergePatchType, patch, metav1.PatchOptions{})
		return err
	})
	repeat(time.Second, &c.labels, func(i int64) error { // an entry of the webhook is for each of both states
		patch := fmt.Appendf(nil, `{"metadata":{"labels":{"outrider.dev/inject":%s}}}`, []string{`"enabled"`, `null`}[i%2])
		_, err := e.client.CoreV1().Namespaces().Patch(ctx, c.switched, types.MergePatchType, patch, metav1.PatchOptions{})
		return err
	})
	repeat(time.Second, &c.labels, func(i int64) error {
		label := []string{`"enabled"`, `"disabled"`, `null`}[i%3]
		patch := fmt.Appendf(nil, `{"metadata":{"labels":{"outrider.dev/inject":%s},"annotations":{"outrider.dev/deny":"exporter-%d"}}}`, label, i%7)
		_, err := e.client.CoreV1().Namespaces().Patch(ctx, toggled, types.MergePatchType, patch, metav1.PatchOptions{})
		return err
	})
	repeat(2*time.Second, &c.exporters, func(i int64) error {
		manifest := fmt.Appendf(nil, custom, 11211+i%5)
		if i%4 == 0 {
			return e.applier.Delete(ctx, manifest)
		}
		return e.applier.Apply(ctx, manifest)
	})
	c.stop = sync.OnceFunc(func() {
		cancel()
		all.Wait()
		if err := e.applier.Delete(context.Background(), fmt.Appendf(nil, custom, 11211)); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(c.stop)
	return c
}

func (c *churn) note(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wrong = append(c.wrong, err.Error())
}

// clean holds that nothing refused the changes.
func (c *churn) clean(t *testing.T) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.wrong) > 0 {
		t.Errorf("%d changes failed: %s", len(c.wrong), strings.Join(c.wrong[:min(3, len(c.wrong))], "; "))
	}
}
