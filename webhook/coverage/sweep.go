package coverage

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/outrider-dev/outrider/sidecars"
)

const (
	sweepPage      = 500              // pods in one page
	sweepPause     = 2 * time.Second  // between two pages: 20,000 pods take 80 s
	againInterval  = 30 * time.Second // after which namespaces with missed pods are swept again
	everyNamespace = ""
)

// labeled selects the pods that are watched where the API server's policies label
// those that should be decided, and unlabeled those that a sweep lists. Both leave out
// the monitored pods, which are known from the watch that exists for them.
var (
	labeled   = unmonitored(selection.Exists)
	unlabeled = unmonitored(selection.DoesNotExist)
)

// unmonitored selects the pods that Prometheus does not scrape, with or without the
// policies' label.
func unmonitored(requested selection.Operator) client.MatchingLabelsSelector {
	return client.MatchingLabelsSelector{Selector: labels.NewSelector().Add(
		requirement(sidecars.RequestedKey, requested), requirement(sidecars.MonitoredKey, selection.NotEquals, sidecars.MonitoredTrue))}
}

func requirement(key string, o selection.Operator, values ...string) labels.Requirement {
	r, err := labels.NewRequirement(key, o, values)
	if err != nil {
		panic(err) // of constants
	}
	return *r
}

// watchedPods selects what is watched; nothing selects all pods.
func (c *Controller) watchedPods() []client.ListOption {
	if !c.Labeled {
		return nil
	}
	return []client.ListOption{labeled}
}

// setMonitored takes note of a pod with exporters. Where not all pods are watched, it is
// known from here.
func (c *Controller) setMonitored(p *corev1.Pod) {
	if c.Labeled && !ended(p) {
		c.inv.setPod(&p.ObjectMeta, scraped)
	}
	c.inv.setContainers(p)
}

// sweepUntil finds, until ctx ends, the pods that should have been decided and carry no
// label: those from before the policy, or from before their namespace was opted in. All
// pods are looked at in long intervals, and namespaces where something is missed in
// short ones, so that a pod that has gone is not reported for long.
func (c *Controller) sweepUntil(ctx context.Context, wg *sync.WaitGroup) {
	for range 2 { // one namespace need not wait for all
		wg.Go(func() { work(ctx, c.sweeps, c.sweep) })
	}
	wg.Go(func() { every(ctx, c.SweepInterval, func(context.Context) { c.sweeps.Add(everyNamespace) }) })
	wg.Go(func() {
		every(ctx, min(againInterval, c.SweepInterval), func(context.Context) {
			for _, namespace := range c.inv.missedInSweeps() {
				c.sweeps.Add(namespace)
			}
		})
	})
}

// sweep lists the pods without the label in a namespace, or in every one, page by
// page.
func (c *Controller) sweep(ctx context.Context, namespace string) error {
	began := c.inv.beginSweep()
	alive := map[types.NamespacedName]bool{}
	options := &client.ListOptions{Namespace: namespace, Limit: sweepPage}
	for {
		page, err := listPods(ctx, c.client, options, unlabeled, running)
		if err != nil {
			return fmt.Errorf("list pods without %s: %w", sidecars.RequestedKey, err)
		}
		for i := range page.Items {
			if m := &page.Items[i].ObjectMeta; c.inv.concerned(m) {
				c.inv.setPod(m, swept)
				alive[client.ObjectKeyFromObject(&page.Items[i])] = true
			}
		}
		if options.Continue = page.Continue; options.Continue == "" {
			break
		}
		select {
		case <-time.After(sweepPause):
		case <-ctx.Done():
			return nil
		}
	}
	c.inv.endSweep(began, namespace, alive)
	return nil
}

// beginSweep returns the sweep's number.
func (v *inventory) beginSweep() int64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.sweeps++
	return v.sweeps
}

// endSweep takes note that a sweep of a namespace, or of every one, has found these pods
// alone. Of what was reported since it began it knows nothing: it may have listed the pod's
// page before there was the pod, which a second sweep has found meanwhile.
func (v *inventory) endSweep(began int64, namespace string, alive map[types.NamespacedName]bool) {
	v.keepPods(alive, swept, func(key types.NamespacedName, p *pod) bool {
		return p.sweep < began && (namespace == everyNamespace || namespace == key.Namespace)
	})
}

// concerned reports whether the pod was decided, or should have been.
func (v *inventory) concerned(m *metav1.ObjectMeta) bool {
	p := newPod(m)
	v.mu.Lock()
	defer v.mu.Unlock()
	return p.decided || p.candidate(v.optedIn[m.Namespace])
}

// missedInSweeps are the namespaces with pods that a sweep found and that should have
// been decided.
func (v *inventory) missedInSweeps() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	namespaces := map[string]bool{}
	for key, p := range v.pods {
		if p.sources == swept && p.candidate(v.optedIn[key.Namespace]) {
			namespaces[key.Namespace] = true
		}
	}
	return slices.Collect(maps.Keys(namespaces))
}
