// Package shared is the ConfigMap in which the leader writes down what every replica
// decides by. Each part of it has a key of its own, with one writer.
package shared

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	toolscache "k8s.io/client-go/tools/cache"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
)

// Store is the ConfigMap.
type Store struct {
	// Namespace and Name of the ConfigMap. Required.
	Namespace, Name string

	cached cache.Cache // nil until it is followed
	client client.Client
}

// Follow has the manager call load, on every replica, with what the ConfigMap is
// whenever it changes, and with nil where it was deleted. synced reports whether load
// was called with what there was at first. All who follow it share one cache.
func (s *Store) Follow(ctx context.Context, mgr ctrl.Manager, load func(*corev1.ConfigMap)) (synced func() bool, err error) {
	if s.cached == nil {
		if err := s.watch(mgr); err != nil {
			return nil, err
		}
	}
	informer, err := s.cached.GetInformer(ctx, &corev1.ConfigMap{}, cache.BlockUntilSynced(false))
	if err != nil {
		return nil, fmt.Errorf("watch ConfigMap %s: %w", s, err)
	}
	changed := func(object any) {
		cm, _ := object.(*corev1.ConfigMap)
		load(cm)
	}
	registration, err := informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc: changed, UpdateFunc: func(_, now any) { changed(now) }, DeleteFunc: func(any) { load(nil) },
	})
	if err != nil {
		return nil, fmt.Errorf("watch ConfigMap %s: %w", s, err)
	}
	return registration.HasSynced, nil
}

// watch has the manager run a cache of its own that holds the one ConfigMap: the
// controller may list no others.
func (s *Store) watch(mgr ctrl.Manager) error {
	own, err := cache.New(mgr.GetConfig(), cache.Options{
		HTTPClient: mgr.GetHTTPClient(), Scheme: mgr.GetScheme(), Mapper: mgr.GetRESTMapper(),
		ByObject: map[client.Object]cache.ByObject{&corev1.ConfigMap{}: {Namespaces: map[string]cache.Config{
			s.Namespace: {FieldSelector: fields.OneTermEqualSelector("metadata.name", s.Name)},
		}}},
	})
	if err != nil {
		return fmt.Errorf("create cache of ConfigMap %s: %w", s, err)
	}
	s.cached, s.client = own, mgr.GetClient()
	return mgr.Add(OnEveryReplica{own})
}

// OnEveryReplica is a Runnable that waits for no leader.
type OnEveryReplica struct{ manager.Runnable }

// NeedLeaderElection implements manager.LeaderElectionRunnable.
func (OnEveryReplica) NeedLeaderElection() bool { return false }

// Get gives the ConfigMap as the cache has it, or nil where it is missing.
func (s *Store) Get(ctx context.Context) (*corev1.ConfigMap, error) {
	var cm corev1.ConfigMap
	err := s.cached.Get(ctx, client.ObjectKey{Namespace: s.Namespace, Name: s.Name}, &cm)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("get ConfigMap %s: %w", s, err)
	}
	return &cm, nil
}

// Put stores a text under a key, or takes the key away where the text is empty, if
// before, which Get gave, has something else there. Where the cache was behind, or
// another client wrote meanwhile, the error is a conflict.
func (s *Store) Put(ctx context.Context, before *corev1.ConfigMap, key, text string) error {
	var err error
	switch {
	case before == nil && text == "" || before != nil && before.Data[key] == text:
		return nil
	case before == nil:
		err = s.client.Create(ctx, &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: s.Name}, Data: map[string]string{key: text},
		})
	default:
		changed := before.DeepCopy()
		if changed.Data == nil {
			changed.Data = map[string]string{}
		}
		changed.Data[key] = text
		if text == "" {
			delete(changed.Data, key)
		}
		err = s.client.Patch(ctx, changed, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
	}
	if err != nil {
		return fmt.Errorf("write %s to ConfigMap %s: %w", key, s, err)
	}
	return nil
}

// String names the ConfigMap.
func (s *Store) String() string { return s.Namespace + "/" + s.Name }
