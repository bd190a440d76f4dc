package sidecars

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
)

// validateCost checks what the types do not say.
func validateCost(c *v1alpha1.Cost, bad *problems) {
	if c == nil {
		return
	}
	if sources := []v1alpha1.CostSource{v1alpha1.Measured, v1alpha1.Documented, v1alpha1.Estimated}; !slices.Contains(sources, c.Source) {
		bad.add("spec.cost.source", "%q is none of %s", c.Source, sources)
	}
	if c.Series.Base < 1 || c.Series.Essential < 0 || c.Series.Essential > c.Series.Base {
		bad.add("spec.cost.series", "needs a base above zero, and essential not above it, got %d and %d", c.Series.Base, c.Series.Essential)
	}
	seen := map[string]bool{}
	for i, per := range c.Series.Per {
		field := fmt.Sprintf("spec.cost.series.per[%d]", i)
		if per.Of == "" || seen[per.Of] {
			bad.add(field+".of", "%q is empty or there twice", per.Of)
		}
		seen[per.Of] = true
		if per.Series < 1 || per.Essential < 0 || per.Essential > per.Series {
			bad.add(field, "needs series above zero, and essential not above them, got %d and %d", per.Series, per.Essential)
		}
	}
	for field, q := range map[string]*resource.Quantity{"cpu": c.CPU, "memory": c.Memory} {
		if q != nil && q.Sign() <= 0 {
			bad.add("spec.cost."+field, "%s is not above zero", q.String())
		}
	}
}

// Expected is what one exporter of a plan is expected to take in one pod.
type Expected struct {
	Exporter string
	// Profile is Essential or empty.
	Profile Profile
	// Requests and Limits of its container; nil where the workload serves metrics itself.
	Requests, Limits corev1.ResourceList
	// Cost is the definition's; nil where it is unknown.
	Cost *v1alpha1.Cost
}

// Series of one scrape of a server that holds nothing, under its profile; zero where the cost is unknown.
func (e Expected) Series() int32 {
	if e.Cost == nil {
		return 0
	}
	if e.Profile == Essential && e.Cost.Series.Essential > 0 {
		return e.Cost.Series.Essential
	}
	return e.Cost.Series.Base
}

// Unmeasured is where a cost comes from that was not measured: documented or estimated; else it is empty.
func (e Expected) Unmeasured() v1alpha1.CostSource {
	if e.Cost == nil || e.Cost.Source == v1alpha1.Measured {
		return ""
	}
	return e.Cost.Source
}

// Per is what further things of the server add, under its profile.
func (e Expected) Per() []v1alpha1.SeriesPer {
	if e.Cost == nil {
		return nil
	}
	per := slices.Clone(e.Cost.Series.Per)
	if e.Profile == Essential && e.Cost.Series.Essential > 0 {
		for i := range per {
			per[i].Series = per[i].Essential
		}
		per = slices.DeleteFunc(per, func(p v1alpha1.SeriesPer) bool { return p.Series == 0 })
	}
	return per
}

// Expected are the costs of the exporters that the pod gets, or has from an earlier
// admission, in the order of the decisions.
func (p Plan) Expected(c Catalog) []Expected {
	var all []Expected
	for _, d := range p.Decisions {
		e, known := c.entries[d.Exporter]
		if !known || d.Outcome != Injected && d.Outcome != Discovered {
			continue
		}
		x := Expected{Exporter: d.Exporter, Profile: d.Profile, Cost: e.spec.Cost}
		if d.Outcome == Injected {
			x.Requests, x.Limits = p.resourcesOf(ContainerPrefix + d.Exporter)
		}
		all = append(all, x)
	}
	return all
}

// resourcesOf are those of a container that the plan adds, or that the pod has.
func (p Plan) resourcesOf(name string) (requests, limits corev1.ResourceList) {
	for _, list := range [][]corev1.Container{p.containers, p.native, p.pod.Spec.Containers, p.pod.Spec.InitContainers} {
		for i := range list {
			if list[i].Name == name {
				return list[i].Resources.Requests, list[i].Resources.Limits
			}
		}
	}
	return nil, nil
}
