package breaker

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
)

// dataKey is the one key of the ConfigMap that is ours.
const dataKey = "suspensions.json"

// stored is what the cache holds of the ConfigMap.
type stored struct {
	object      *corev1.ConfigMap // nil where it is missing
	raw         string
	suspensions []Suspension
}

// follow loads what is stored, on every replica, whenever it changes. The cache
// is of its own, and holds that one ConfigMap: the controller may list no others.
func (b *Breaker) follow(ctx context.Context, mgr ctrl.Manager) error {
	own, err := cache.New(mgr.GetConfig(), cache.Options{
		HTTPClient: mgr.GetHTTPClient(), Scheme: mgr.GetScheme(), Mapper: mgr.GetRESTMapper(),
		ByObject: map[client.Object]cache.ByObject{&corev1.ConfigMap{}: {Namespaces: map[string]cache.Config{
			b.Namespace: {FieldSelector: fields.OneTermEqualSelector("metadata.name", b.ConfigMap)},
		}}},
	})
	if err != nil {
		return fmt.Errorf("create cache of suspensions: %w", err)
	}
	b.store = own
	informer, err := own.GetInformer(ctx, &corev1.ConfigMap{}, cache.BlockUntilSynced(false))
	if err != nil {
		return fmt.Errorf("watch suspensions: %w", err)
	}
	log := mgr.GetLogger().WithName("breaker")
	load := func(object any) {
		cm, _ := object.(*corev1.ConfigMap) // none where it was deleted
		s, err := parse(cm)
		if err != nil {
			log.Error(err, "nothing is suspended: the ConfigMap cannot be read", "configMap", b.object())
		}
		b.load(s.suspensions)
		b.metrics.suspended(s.suspensions)
		log.Info("suspended exporters loaded", "suspensions", len(s.suspensions))
	}
	registration, err := informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc: load, UpdateFunc: func(_, now any) { load(now) }, DeleteFunc: func(any) { load(nil) },
	})
	if err != nil {
		return fmt.Errorf("watch suspensions: %w", err)
	}
	b.synced = registration.HasSynced
	return mgr.Add(everywhere{own})
}

// everywhere is a cache that waits for no leader.
type everywhere struct{ cache.Cache }

func (everywhere) NeedLeaderElection() bool { return false }

// parse reads a ConfigMap, or none. With an error nothing is suspended.
func parse(cm *corev1.ConfigMap) (stored, error) {
	if cm == nil {
		return stored{}, nil
	}
	s := stored{object: cm, raw: cm.Data[dataKey]}
	var err error
	s.suspensions, err = Decode(s.raw)
	return s, err
}

// read gives what the cache holds. What cannot be read suspends nothing, and
// was logged when it was loaded.
func (b *Breaker) read(ctx context.Context) (stored, error) {
	var cm corev1.ConfigMap
	err := b.store.Get(ctx, client.ObjectKey{Namespace: b.Namespace, Name: b.ConfigMap}, &cm)
	if apierrors.IsNotFound(err) {
		return stored{}, nil
	}
	if err != nil {
		return stored{}, fmt.Errorf("get suspensions: %w", err)
	}
	s, _ := parse(&cm)
	return s, nil
}

// write stores the suspensions where something else is stored. Where the cache
// was behind, or another client wrote meanwhile, the error is a conflict.
func (b *Breaker) write(ctx context.Context, before stored, after []Suspension) error {
	raw := encode(after)
	if raw == before.raw {
		return nil
	}
	var err error
	if before.object == nil {
		err = b.client.Create(ctx, &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Namespace: b.Namespace, Name: b.ConfigMap}, Data: map[string]string{dataKey: raw},
		})
	} else {
		changed := before.object.DeepCopy()
		if changed.Data == nil {
			changed.Data = map[string]string{}
		}
		changed.Data[dataKey] = raw
		if raw == "" {
			delete(changed.Data, dataKey)
		}
		err = b.client.Patch(ctx, changed, client.MergeFromWithOptions(before.object, client.MergeFromWithOptimisticLock{}))
	}
	if err != nil {
		return fmt.Errorf("write suspensions to ConfigMap %s: %w", b.object(), err)
	}
	return nil
}
