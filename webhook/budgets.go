package webhook

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	corev1 "k8s.io/api/core/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/outrider-dev/outrider/sidecars"
)

// Budgets knows the LimitRanges and ResourceQuotas of all namespaces, from
// caches: a sidecar that they would refuse would cost the pod.
type Budgets struct {
	reader client.Reader
	caches []cache.Informer
}

// SetupWithManager has the manager fill the caches.
func (b *Budgets) SetupWithManager(ctx context.Context, mgr ctrl.Manager) error {
	b.reader = mgr.GetCache()
	for _, kind := range []client.Object{&corev1.LimitRange{}, &corev1.ResourceQuota{}} {
		informer, err := mgr.GetCache().GetInformer(ctx, kind, cache.BlockUntilSynced(false))
		if err != nil {
			return fmt.Errorf("watch %T: %w", kind, err)
		}
		b.caches = append(b.caches, informer)
	}
	return nil
}

// Check returns nil once the caches are filled; it is a healthz.Checker.
func (b *Budgets) Check(*http.Request) error {
	for _, c := range b.caches {
		if !c.HasSynced() {
			return errors.New("LimitRanges and ResourceQuotas are not known yet")
		}
	}
	return nil
}

// Of returns what a namespace's policies leave.
func (b *Budgets) Of(ctx context.Context, namespace string) (sidecars.Budget, error) {
	if err := b.Check(nil); err != nil {
		return sidecars.Budget{}, err
	}
	var budget sidecars.Budget
	var ranges corev1.LimitRangeList
	var quotas corev1.ResourceQuotaList
	for _, list := range []client.ObjectList{&ranges, &quotas} {
		// Nothing in the lists is changed, so the cache need not copy it.
		if err := b.reader.List(ctx, list, client.InNamespace(namespace), client.UnsafeDisableDeepCopy); err != nil {
			return sidecars.Budget{}, fmt.Errorf("list %T: %w", list, err)
		}
	}
	for i := range ranges.Items {
		budget.Limits = append(budget.Limits, ranges.Items[i].Spec.Limits...)
	}
	budget.Quotas = quotas.Items
	return budget, nil
}
