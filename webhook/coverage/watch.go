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
var live = client.MatchingFieldsSelector{Selector: fields.AndSelectors(
	fields.OneTermNotEqualSelector("status.phase", string(corev1.PodSucceeded)),
	fields.OneTermNotEqualSelector("status.phase", string(corev1.PodFailed)),
)}

// follow keeps the inventory at what the cluster has, until ctx ends. The
// channel is closed once it has all of it for the first time.
func (v *inventory) follow(ctx context.Context, c client.WithWatch, wg *sync.WaitGroup) <-chan struct{} {
	var sinks []cache.TransformingStore
	var listed sync.WaitGroup
	run := func(name string, kind client.Object, list func() client.ObjectList, s cache.TransformingStore, opts ...client.ListOption) {
		sinks = append(sinks, s)
		r := cache.NewReflectorWithOptions(source(c, list, s.Transformer(), opts...), kind, s, cache.ReflectorOptions{Name: name})
		wg.Go(func() { r.RunWithContext(ctx) })
	}
	namespaces := newSink(&listed, func(o *metav1.PartialObjectMetadata) { slimNamespace(&o.ObjectMeta) },
		func(o *metav1.PartialObjectMetadata) { v.setNamespace(&o.ObjectMeta) },
		func(key types.NamespacedName) { v.optIn(key.Name, false) }, v.keepNamespaces)
	pods := newSink(&listed, func(o *metav1.PartialObjectMetadata) { slimMetadata(&o.ObjectMeta) },
		func(o *metav1.PartialObjectMetadata) { v.setPod(&o.ObjectMeta) }, v.dropPod, v.keepPods)

	run("coverage-namespaces", &metav1.PartialObjectMetadata{}, metadataOf("NamespaceList"), namespaces)
	run("coverage-pods", &metav1.PartialObjectMetadata{}, metadataOf("PodList"), pods, live)
	synced := make(chan struct{})
	go func() { listed.Wait(); close(synced) }()
	return synced
}

func slimNamespace(m *metav1.ObjectMeta) { m.ManagedFields, m.Annotations = nil, nil }

func metadataOf(kind string) func() client.ObjectList {
	return func() client.ObjectList {
		list := &metav1.PartialObjectMetadataList{}
		list.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind(kind))
		return list
	}
}

// source lists and watches one kind. An API server that does not stream lists
// (before 1.34) sends pages, which are slimmed one by one: all at once would be
// most of the memory that the process ever needs.
func source(c client.WithWatch, list func() client.ObjectList, slim cache.TransformFunc, opts ...client.ListOption) cache.ListerWatcher {
	options := func(o metav1.ListOptions) []client.ListOption {
		return append([]client.ListOption{&client.ListOptions{Raw: &o, Limit: o.Limit, Continue: o.Continue}}, opts...)
	}
	return &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			if o.ResourceVersion == "0" {
				o.ResourceVersion = "" // for which alone there are pages
			}
			l := list()
			if err := c.List(ctx, l, options(o)...); err != nil {
				return nil, err
			}
			return l, meta.EachListItem(l, func(item runtime.Object) error {
				_, err := slim(item)
				return err
			})
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			return c.Watch(ctx, list(), options(o)...)
		},
	}
}

// sink hands on what a reflector hears, and stores nothing: a cache of whole
// objects would be most of the memory.
type sink[T client.Object] struct {
	slim   func(T)
	set    func(T)
	drop   func(types.NamespacedName)
	keep   func(map[types.NamespacedName]bool)
	listed func()
}

func newSink[T client.Object](listed *sync.WaitGroup, slim, set func(T), drop func(types.NamespacedName), keep func(map[types.NamespacedName]bool)) *sink[T] {
	listed.Add(1)
	return &sink[T]{slim: slim, set: set, drop: drop, keep: keep, listed: sync.OnceFunc(listed.Done)}
}

// Transformer slims what the reflector itself holds while it lists.
func (s *sink[T]) Transformer() cache.TransformFunc {
	return func(o any) (any, error) {
		if t, ok := o.(T); ok {
			s.slim(t)
		}
		return o, nil
	}
}

// Add is for an object that was created.
func (s *sink[T]) Add(o any) error { return s.Update(o) }

// Update is for an object that changed.
func (s *sink[T]) Update(o any) error {
	t, ok := o.(T)
	if !ok {
		return fmt.Errorf("watch: got %T", o)
	}
	s.set(t)
	return nil
}

// Delete is for an object that is gone, or that the selector no longer matches.
func (s *sink[T]) Delete(o any) error {
	m, err := meta.Accessor(o)
	if err != nil {
		return fmt.Errorf("watch: %w", err)
	}
	s.drop(types.NamespacedName{Namespace: m.GetNamespace(), Name: m.GetName()})
	return nil
}

// Replace is for all objects, after a list.
func (s *sink[T]) Replace(all []any, _ string) error {
	alive := make(map[types.NamespacedName]bool, len(all))
	for _, o := range all {
		t, ok := o.(T)
		if !ok {
			return fmt.Errorf("list: got %T", o)
		}
		alive[client.ObjectKeyFromObject(t)] = true
		s.set(t)
	}
	s.keep(alive)
	s.listed()
	return nil
}

// Resync does nothing: there is no second copy to compare with.
func (s *sink[T]) Resync() error { return nil }
