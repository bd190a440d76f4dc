package coverage

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/webhook/decider"
)

// judgment is a question that needs a whole pod: what would be decided about the
// pods of one template?
type judgment struct {
	Workload
	Template string
	Pod      string // one of them
}

// judge fetches the pod, which no cache holds, and decides about it as the
// webhook would now.
func (c *Controller) judge(ctx context.Context, j judgment) error {
	var p corev1.Pod
	if err := c.client.Get(ctx, client.ObjectKey{Namespace: j.Namespace, Name: j.Pod}, &p); err != nil {
		if !apierrors.IsNotFound(err) {
			return fmt.Errorf("get pod: %w", err)
		}
		c.inv.changed(j.Workload) // perhaps it has another pod to ask about
		return nil
	}
	decisions := c.Decider.Decide(ctx, decider.Request{Pod: &p, Namespace: p.Namespace}).Decisions
	v := verdict{decisions: decisions}
	// A budget may be raised and a suspension end; what is not recognized stays so.
	if slices.ContainsFunc(decisions, func(d sidecars.Decision) bool {
		return d.Outcome == sidecars.Injected || d.Outcome == sidecars.Discovered || d.Outcome == sidecars.Refused
	}) {
		v.until = time.Now().Add(verdictsAge)
		c.queue.AddAfter(j.Workload, verdictsAge+settle)
	}
	c.inv.mu.Lock()
	defer c.inv.mu.Unlock()
	w := c.inv.workloads[j.Workload]
	if w == nil {
		return nil
	}
	if w.verdicts == nil {
		w.verdicts = map[string]verdict{}
	}
	w.verdicts[j.Template] = v
	c.inv.changed(j.Workload)
	return nil
}

// verdictOn is the verdict on a pod's template, and whether there is one. A new
// or an old one is asked for.
func (c *Controller) verdictOn(w *workload, p *pod, now time.Time) (verdict, bool) {
	v, ok := w.verdicts[p.template]
	if !ok || !v.until.IsZero() && now.After(v.until) {
		c.judging.Add(judgment{Workload: w.Workload, Template: p.template, Pod: firstOf(w, p.template)})
	}
	return v, ok
}

// firstOf names one pod of a template, always the same, so that it is asked for
// once however many there are.
func firstOf(w *workload, template string) string {
	first := ""
	for _, p := range w.pods {
		if p.template == template && (first == "" || p.name < first) {
			first = p.name
		}
	}
	return first
}
