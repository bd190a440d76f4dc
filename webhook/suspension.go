package webhook

import (
	"maps"

	"github.com/outrider-dev/outrider/sidecars"
)

// Breaker holds back exporters that do not work at present.
type Breaker interface {
	// Suspended gives the exporters that are not injected in a namespace now, each
	// with the reason in words. One that is on trial, with pods left to try it on,
	// is not among them.
	Suspended(namespace string) map[string]string
	// Try is told of an injection before it is answered, and takes one of the
	// pods of a trial where there is one. It returns the reason why this
	// exporter is suspended after all, or "".
	Try(namespace, exporter string) string
}

// plan decides, and counts the pod for the trials of the exporters that it gets.
// Two pods may have seen the last place of a trial; the second is decided again.
func (h *Handler) plan(in sidecars.Input, namespace string, dryRun bool) sidecars.Plan {
	catalog := h.Catalog()
	if h.Breaker == nil {
		return sidecars.NewPlan(in, catalog)
	}
	in.Suspended = h.Breaker.Suspended(namespace)
	plan := sidecars.NewPlan(in, catalog)
	if dryRun {
		return plan
	}
	late := map[string]string{}
	for _, d := range plan.Decisions {
		if d.Outcome == sidecars.Injected && d.New() {
			if why := h.Breaker.Try(namespace, d.Exporter); why != "" {
				late[d.Exporter] = why
			}
		}
	}
	if len(late) == 0 {
		return plan
	}
	maps.Copy(late, in.Suspended)
	in.Suspended = late
	return sidecars.NewPlan(in, catalog)
}
