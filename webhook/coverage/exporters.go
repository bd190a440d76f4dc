package coverage

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
	"github.com/outrider-dev/outrider/webhook/internal/status"
)

// conditionCovered is the condition of an Exporter that is True while every pod that
// should have it does, and it reaches its workload as far as anybody knows.
const conditionCovered = "Covered"

const statusInterval = 30 * time.Second

// writeStatuses brings the counts of the custom Exporters up to date.
func (c *Controller) writeStatuses(ctx context.Context) {
	log := ctrl.LoggerFrom(ctx)
	var list v1alpha1.ExporterList
	if err := c.cached.List(ctx, &list); err != nil {
		if !meta.IsNoMatchError(err) && ctx.Err() == nil { // the CustomResourceDefinition may be missing
			log.Error(err, "list exporters")
		}
		return
	}
	counts := map[string]*v1alpha1.ExporterCoverage{}
	for at, t := range c.tallies() {
		if counts[at.exporter] == nil {
			counts[at.exporter] = &v1alpha1.ExporterCoverage{}
		}
		n := counts[at.exporter]
		n.Injected += int32(t.states[Injected])
		n.Missed += int32(t.states[Missed])
		n.Stale += int32(t.states[Stale])
		n.Refused += int32(t.states[Refused])
		n.Suspended += int32(t.states[Suspended])
		n.Up += int32(t.proofs[Up])
		n.Down += int32(t.proofs[Down])
	}
	for i := range list.Items {
		e := &list.Items[i]
		n := counts[e.Name]
		if n == nil && e.Status.Coverage != nil {
			n = &v1alpha1.ExporterCoverage{}
		}
		if n == nil {
			continue // there has been no pod of it: nothing to say
		}
		if err := status.Apply(ctx, c.cached, "outrider-coverage", e, covered(n, e.Generation), v1alpha1.ExporterStatus{Coverage: n}); err != nil && ctx.Err() == nil {
			log.Error(err, "write an Exporter's coverage", "exporter", e.Name)
		}
	}
}

// covered says what is wrong, the gravest first.
func covered(n *v1alpha1.ExporterCoverage, generation int64) metav1.Condition {
	condition := metav1.Condition{Type: conditionCovered, Status: metav1.ConditionFalse, ObservedGeneration: generation}
	switch {
	case n.Missed > 0:
		condition.Reason, condition.Message = "Missed", fmt.Sprintf("%s without it that asked for it; create them again", count(int(n.Missed)))
	case n.Down > 0:
		condition.Reason, condition.Message = "Down", fmt.Sprintf("%s in which it does not reach its workload", count(int(n.Down)))
	case n.Suspended > 0:
		condition.Reason, condition.Message = "Suspended", fmt.Sprintf("%s without it while it is suspended", count(int(n.Suspended)))
	case n.Refused > 0:
		condition.Reason, condition.Message = "Refused", fmt.Sprintf("%s that cannot have it; outrider status says why", count(int(n.Refused)))
	default:
		condition.Status, condition.Reason, condition.Message = metav1.ConditionTrue, "Covered", "every pod that asked for it has it"
	}
	return condition
}
