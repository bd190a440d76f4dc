package coverage

import (
	"context"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Pods that have ended leave the watch, so that nothing of them is kept.
var running = client.MatchingFieldsSelector{Selector: fields.AndSelectors(
	fields.OneTermNotEqualSelector("status.phase", string(corev1.PodSucceeded)),
	fields.OneTermNotEqualSelector("status.phase", string(corev1.PodFailed)),
)}

// follow keeps the inventory at the pods that the options select, until ctx ends.
// The channel is closed once it has all of them for the first time.
func (v *inventory) follow(ctx context.Context, c client.WithWatch, wg *sync.WaitGroup, selected ...client.ListOption) <-chan struct{} {
	listed := make(chan struct{})
	s := &sink{inventory: v, listed: sync.OnceFunc(func() { close(listed) })}
	r := cache.NewReflectorWithOptions(source(c, append(selected, running)), &metav1.PartialObjectMetadata{}, s, cache.ReflectorOptions{Name: "coverage-pods"})
	wg.Go(func() { r.RunWithContext(ctx) })
	return listed
}

// source lists and watches pods. An API server that does not stream lists (before
// 1.34) sends pages, which are slimmed one by one: all at once would be most of
// the memory that the process ever needs.
func source(c client.WithWatch, selected []client.ListOption) cache.ListerWatcher {
	with := func(o *client.ListOptions) []client.ListOption { return append([]client.ListOption{o}, selected...) }
	return &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			if o.ResourceVersion == "0" {
				o.ResourceVersion = "" // for which alone there are pages
			}
			return listPods(ctx, c, with(&client.ListOptions{Raw: &o, Limit: o.Limit, Continue: o.Continue})...)
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			return c.Watch(ctx, podList(), with(&client.ListOptions{Raw: &o})...)
		},
	}
}

func podList() *metav1.PartialObjectMetadataList {
	l := &metav1.PartialObjectMetadataList{}
	l.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("PodList"))
	return l
}

// listPods returns the metadata of pods, slimmed.
func listPods(ctx context.Context, c client.Reader, options ...client.ListOption) (*metav1.PartialObjectMetadataList, error) {
	l := podList()
	if err := c.List(ctx, l, options...); err != nil {
		return nil, err
	}
	for i := range l.Items {
		slimMetadata(&l.Items[i].ObjectMeta)
	}
	return l, nil
}

// sink hands on what a reflector hears, and stores nothing: a cache of whole
// objects would be most of the memory.
type sink struct {
	inventory *inventory
	listed    func()
}

// Transformer slims what the reflector itself holds while it lists.
func (s *sink) Transformer() cache.TransformFunc {
	return func(o any) (any, error) {
		if m, ok := o.(*metav1.PartialObjectMetadata); ok {
			slimMetadata(&m.ObjectMeta)
		}
		return o, nil
	}
}

// Add is for a pod that was created.
func (s *sink) Add(o any) error { return s.Update(o) }

// Update is for a pod that changed.
func (s *sink) Update(o any) error {
	m, ok := o.(*metav1.PartialObjectMetadata)
	if !ok {
		return fmt.Errorf("watch pods: got %T", o)
	}
	s.inventory.setPod(&m.ObjectMeta, watched)
	return nil
}

// Delete is for a pod that is gone, or that the selector no longer matches.
func (s *sink) Delete(o any) error {
	m, err := meta.Accessor(o)
	if err != nil {
		return fmt.Errorf("watch pods: %w", err)
	}
	s.inventory.dropFrom(types.NamespacedName{Namespace: m.GetNamespace(), Name: m.GetName()}, watched)
	return nil
}

// Replace is for all pods, after a list.
func (s *sink) Replace(all []any, _ string) error {
	alive := make(map[types.NamespacedName]bool, len(all))
	for _, o := range all {
		if err := s.Update(o); err != nil {
			return err
		}
		alive[client.ObjectKeyFromObject(o.(*metav1.PartialObjectMetadata))] = true
	}
	s.inventory.keepPods(alive, watched, func(types.NamespacedName, *pod) bool { return true })
	s.listed()
	return nil
}

// Resync does nothing: there is no second copy to compare with.
func (s *sink) Resync() error { return nil }
