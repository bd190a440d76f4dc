package sidecars

import (
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// Budget is what a namespace's policies leave to its pods. The zero value
// leaves everything.
type Budget struct {
	// Limits are the items of the namespace's LimitRanges.
	Limits []corev1.LimitRangeItem
	// Quotas are the namespace's ResourceQuotas; one with scopes is passed over.
	Quotas []corev1.ResourceQuota
}

// The resources that sidecars ask for.
var budgeted = []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory}

// fit changes a sidecar's resources to what the LimitRanges ask of every
// container: raised to the minimum, lowered to the maximum, and no further apart
// than the ratio. It returns why that cannot be, or "".
func (b Budget) fit(r *corev1.ResourceRequirements) string {
	for i := range b.Limits {
		item := &b.Limits[i]
		if item.Type != corev1.LimitTypeContainer || len(r.Requests) == 0 {
			continue
		}
		for _, name := range budgeted {
			request, limit := r.Requests[name], r.Limits[name]
			if least, ok := item.Min[name]; ok && request.Cmp(least) < 0 {
				request = least
			}
			if limit.Cmp(request) < 0 {
				limit = request
			}
			if most, ok := item.Max[name]; ok && limit.Cmp(most) > 0 {
				limit = most
			}
			if limit.Cmp(request) < 0 {
				return fmt.Sprintf("its LimitRange allows a container at most %s of %s", limit.String(), name)
			}
			if ratio, ok := item.MaxLimitRequestRatio[name]; ok && ratio.Sign() > 0 {
				least := *resource.NewMilliQuantity(divideUp(limit.MilliValue(), ratio.MilliValue()), limit.Format)
				if request.Cmp(least) < 0 {
					request = least
				}
			}
			r.Requests[name], r.Limits[name] = request, limit
		}
	}
	return ""
}

// Fits reports whether a budget leaves every sidecar of the catalog as it is, in
// every pod: what counts whole pods may not, and some LimitRanges do not.
func (c Catalog) Fits(b Budget) bool {
	for i := range b.Quotas {
		if q := &b.Quotas[i]; len(q.Spec.Scopes) == 0 && q.Spec.ScopeSelector == nil {
			return false
		}
	}
	for i := range b.Limits {
		if b.Limits[i].Type == corev1.LimitTypePod {
			return false
		}
	}
	for _, e := range c.entries {
		r := e.spec.Resources
		for _, requests := range []corev1.ResourceList{r.Requests, r.Limits} { // those of a Guaranteed pod are the limits
			fitted := corev1.ResourceRequirements{Requests: copied(requests), Limits: copied(r.Limits)}
			if !isNative(e) && (b.fit(&fitted) != "" || !equal(fitted.Requests, requests) || !equal(fitted.Limits, r.Limits)) {
				return false
			}
		}
	}
	return true
}

func equal(a, b corev1.ResourceList) bool {
	return maps.EqualFunc(a, b, func(x, y resource.Quantity) bool { return x.Cmp(y) == 0 })
}

// divideUp is milli/(ratio/1000), rounded up.
func divideUp(milli, ratio int64) int64 {
	whole, rest := milli/ratio, milli%ratio
	return whole*1000 + (rest*1000+ratio-1)/ratio
}

// room returns why a pod, with its sidecars, would be refused by a policy that
// counts whole pods, or "".
func (b Budget) room(pod *corev1.Pod, added ...[]corev1.Container) string {
	requests, limits := totals(pod, added)
	for i := range b.Limits {
		if b.Limits[i].Type != corev1.LimitTypePod {
			continue
		}
		for _, name := range budgeted {
			most, ok := b.Limits[i].Max[name]
			if total := limits[name]; ok && total.Cmp(most) > 0 {
				return fmt.Sprintf("its LimitRange allows a pod %s of %s, and with the sidecar the limits are %s", most.String(), name, total.String())
			}
		}
	}
	for i := range b.Quotas {
		q := &b.Quotas[i]
		if len(q.Spec.Scopes) > 0 || q.Spec.ScopeSelector != nil {
			continue
		}
		for key, need := range quotaNeeds(requests, limits) {
			hard, ok := q.Status.Hard[key]
			if !ok {
				continue
			}
			left := hard.DeepCopy()
			left.Sub(q.Status.Used[key])
			if need.Cmp(left) > 0 {
				return fmt.Sprintf("its ResourceQuota %s has %s of %s left, and with the sidecar the pod needs %s", q.Name, left.String(), key, need.String())
			}
		}
	}
	return ""
}

func quotaNeeds(requests, limits corev1.ResourceList) map[corev1.ResourceName]resource.Quantity {
	return map[corev1.ResourceName]resource.Quantity{
		corev1.ResourceCPU:            requests[corev1.ResourceCPU],
		corev1.ResourceMemory:         requests[corev1.ResourceMemory],
		corev1.ResourceRequestsCPU:    requests[corev1.ResourceCPU],
		corev1.ResourceRequestsMemory: requests[corev1.ResourceMemory],
		corev1.ResourceLimitsCPU:      limits[corev1.ResourceCPU],
		corev1.ResourceLimitsMemory:   limits[corev1.ResourceMemory],
	}
}

// totals add up the containers that run side by side, native sidecars included.
func totals(pod *corev1.Pod, added [][]corev1.Container) (requests, limits corev1.ResourceList) {
	requests, limits = corev1.ResourceList{}, corev1.ResourceList{}
	count := func(c *corev1.Container) {
		for _, name := range budgeted {
			add(requests, name, c.Resources.Requests[name])
			add(limits, name, c.Resources.Limits[name])
		}
	}
	for _, list := range append(added, pod.Spec.Containers) {
		for i := range list {
			count(&list[i])
		}
	}
	for i := range pod.Spec.InitContainers {
		if c := &pod.Spec.InitContainers[i]; c.RestartPolicy != nil {
			count(c)
		}
	}
	return requests, limits
}

func add(to corev1.ResourceList, name corev1.ResourceName, q resource.Quantity) {
	sum := to[name]
	sum.Add(q)
	to[name] = sum
}
