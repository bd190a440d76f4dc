package breaker

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	ctrl "sigs.k8s.io/controller-runtime"
)

// dataKey is the one key of the ConfigMap that is the breaker's.
const dataKey = "suspensions.json"

// stored is what the cache holds of the ConfigMap.
type stored struct {
	object      *corev1.ConfigMap // nil where it is missing
	suspensions []Suspension
}

// follow loads what is stored, on every replica, whenever it changes.
func (b *Breaker) follow(ctx context.Context, mgr ctrl.Manager) error {
	log := mgr.GetLogger().WithName("breaker")
	var err error
	b.synced, err = b.store.Follow(ctx, mgr, func(cm *corev1.ConfigMap) {
		s, err := parse(cm)
		if err != nil {
			log.Error(err, "nothing is suspended: the ConfigMap cannot be read", "configMap", b.store.String())
		}
		b.load(s.suspensions)
		b.metrics.suspended(s.suspensions)
		log.Info("suspended exporters loaded", "suspensions", len(s.suspensions))
	})
	return err
}

// parse reads a ConfigMap, or none. With an error nothing is suspended.
func parse(cm *corev1.ConfigMap) (stored, error) {
	if cm == nil {
		return stored{}, nil
	}
	s := stored{object: cm}
	var err error
	s.suspensions, err = Decode(cm.Data[dataKey])
	return s, err
}

// read gives what the cache holds. What cannot be read suspends nothing, and
// was logged when it was loaded.
func (b *Breaker) read(ctx context.Context) (stored, error) {
	cm, err := b.store.Get(ctx)
	if err != nil {
		return stored{}, fmt.Errorf("read suspensions: %w", err)
	}
	s, _ := parse(cm)
	return s, nil
}

// write stores the suspensions where something else is stored.
func (b *Breaker) write(ctx context.Context, before stored, after []Suspension) error {
	return b.store.Put(ctx, before.object, dataKey, encode(after))
}
