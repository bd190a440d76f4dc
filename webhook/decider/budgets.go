package decider

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"

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

// Budget returns what a namespace's policies leave.
func (b *Budgets) Budget(ctx context.Context, namespace string) (sidecars.Budget, error) {
	if err := b.Check(nil); err != nil {
		return sidecars.Budget{}, err
	}
	var ranges corev1.LimitRangeList
	var quotas corev1.ResourceQuotaList
	for _, list := range []client.ObjectList{&ranges, &quotas} {
		// Nothing in the lists is changed, so the cache need not copy it.
		if err := b.reader.List(ctx, list, client.InNamespace(namespace), client.UnsafeDisableDeepCopy); err != nil {
			return sidecars.Budget{}, fmt.Errorf("list %T: %w", list, err)
		}
	}
	return NewBudget(ranges.Items, quotas.Items), nil
}

// Budgeted are the namespaces, sorted, whose policies may change or refuse one of the
// catalog's sidecars.
func (b *Budgets) Budgeted(ctx context.Context, c sidecars.Catalog) ([]string, error) {
	return Budgeted(ctx, b.reader, c)
}

// Budgeted finds them with a reader.
func Budgeted(ctx context.Context, reader client.Reader, c sidecars.Catalog) ([]string, error) {
	var ranges corev1.LimitRangeList
	var quotas corev1.ResourceQuotaList
	for _, list := range []client.ObjectList{&ranges, &quotas} {
		if err := reader.List(ctx, list, client.UnsafeDisableDeepCopy); err != nil {
			return nil, fmt.Errorf("list %T: %w", list, err)
		}
	}
	found := map[string]bool{}
	for i := range ranges.Items {
		r := &ranges.Items[i]
		found[r.Namespace] = found[r.Namespace] || !c.Fits(sidecars.Budget{Limits: r.Spec.Limits})
	}
	for i := range quotas.Items {
		q := &quotas.Items[i]
		found[q.Namespace] = found[q.Namespace] || !c.Fits(sidecars.Budget{Quotas: quotas.Items[i : i+1]})
	}
	maps.DeleteFunc(found, func(_ string, budgeted bool) bool { return !budgeted })
	return slices.Sorted(maps.Keys(found)), nil
}

// NewBudget is what the policies of one namespace leave together.
func NewBudget(ranges []corev1.LimitRange, quotas []corev1.ResourceQuota) sidecars.Budget {
	budget := sidecars.Budget{Quotas: quotas}
	for i := range ranges {
		budget.Limits = append(budget.Limits, ranges[i].Spec.Limits...)
	}
	return budget
}
