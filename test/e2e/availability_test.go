package e2e_test

import (
	"context"
	"maps"
	"sync"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// availability watches the Deployments of some namespaces.
type availability struct {
	mu    sync.Mutex
	least map[string]int32 // by namespace/name: of ready and of available replicas
}

// watchAvailability records, until the test ends, the least replicas that each
// Deployment of the namespaces has ready and available at any time.
func (e *env) watchAvailability(t *testing.T, namespaces ...string) *availability {
	t.Helper()
	a := &availability{least: map[string]int32{}}
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	t.Cleanup(func() { stop(); all.Wait() })
	for _, ns := range namespaces {
		all.Go(func() {
			for ctx.Err() == nil { // a watch ends now and then
				e.watchOnce(ctx, ns, a)
			}
		})
	}
	return a
}

func (e *env) watchOnce(ctx context.Context, ns string, a *availability) {
	list, err := e.client.AppsV1().Deployments(ns).List(ctx, metav1.ListOptions{})
	if err != nil {
		return
	}
	for i := range list.Items {
		a.saw(&list.Items[i])
	}
	w, err := e.client.AppsV1().Deployments(ns).Watch(ctx, metav1.ListOptions{ResourceVersion: list.ResourceVersion})
	if err != nil {
		return
	}
	defer w.Stop()
	for event := range w.ResultChan() {
		if d, ok := event.Object.(*appsv1.Deployment); ok {
			a.saw(d)
		}
	}
}

func (a *availability) saw(d *appsv1.Deployment) {
	a.mu.Lock()
	defer a.mu.Unlock()
	key, now := d.Namespace+"/"+d.Name, min(d.Status.ReadyReplicas, d.Status.AvailableReplicas)
	if before, known := a.least[key]; !known || now < before {
		a.least[key] = now
	}
}

// soFar is the least of each Deployment.
func (a *availability) soFar() map[string]int32 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return maps.Clone(a.least)
}

// complete returns what keeps a Deployment's rollout from being complete, or "".
func (e *env) complete(t *testing.T, ns, name string) string {
	t.Helper()
	d, err := e.client.AppsV1().Deployments(ns).Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		return err.Error()
	}
	want, s := *d.Spec.Replicas, d.Status
	if s.ObservedGeneration < d.Generation || s.UpdatedReplicas != want || s.Replicas != want || s.AvailableReplicas != want {
		return ns + "/" + name + " is not complete: " + s.String()
	}
	return ""
}
