package sidecars_test

import (
	"strings"
	"testing"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
)

// TestCostIsValid says which costs a definition may state.
func TestCostIsValid(t *testing.T) {
	per := func(all ...v1alpha1.SeriesPer) v1alpha1.Cost {
		return v1alpha1.Cost{Source: v1alpha1.Measured, Series: v1alpha1.SeriesCost{Base: 10, Per: all}}
	}
	for name, c := range map[string]struct {
		cost v1alpha1.Cost
		want string
	}{
		"good":             {per(v1alpha1.SeriesPer{Of: "database", Series: 5, Essential: 5}), ""},
		"no source":        {v1alpha1.Cost{Series: v1alpha1.SeriesCost{Base: 10}}, "spec.cost.source"},
		"no base":          {v1alpha1.Cost{Source: v1alpha1.Documented}, "spec.cost.series"},
		"more essential":   {v1alpha1.Cost{Source: v1alpha1.Documented, Series: v1alpha1.SeriesCost{Base: 10, Essential: 11}}, "spec.cost.series"},
		"no kind":          {per(v1alpha1.SeriesPer{Series: 5}), "spec.cost.series.per[0].of"},
		"a kind twice":     {per(v1alpha1.SeriesPer{Of: "a", Series: 5}, v1alpha1.SeriesPer{Of: "a", Series: 5}), "spec.cost.series.per[1].of"},
		"nothing for each": {per(v1alpha1.SeriesPer{Of: "a"}), "spec.cost.series.per[0]"},
	} {
		t.Run(name, func(t *testing.T) {
			spec, _ := sidecars.Builtin().Spec("redis")
			spec.Cost = &c.cost
			e := v1alpha1.Exporter{Spec: spec}
			e.Name = "redis"
			_, err := sidecars.Builtin().With(e)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want+":") {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}
