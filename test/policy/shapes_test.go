package policy

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/test/shapes/rows"
)

// TestShapes holds the policies against the engine over the table of pods that people run: each pod that the policies decide
// comes out as the engine says, and is given nothing where the engine gives it nothing.
func TestShapes(t *testing.T) {
	c := server(t)
	active(t)
	optedIn := sidecars.Namespace{Labels: map[string]string{sidecars.InjectKey: sidecars.InjectEnabled}}
	namespaces := map[bool]string{false: namespaceLike(t, c, sidecars.Namespace{}), true: namespaceLike(t, c, optedIn)}
	all, err := rows.Load()
	if err != nil {
		t.Fatal(err)
	}
	p := evaluated(t)
	var decided tally
	for _, row := range all {
		var ns sidecars.Namespace
		if row.OptedIn {
			ns = optedIn
		}
		plan := sidecars.NewPlan(sidecars.Input{Pod: row.Pod, Namespace: ns}, sidecars.Builtin())
		answer, err := p.Ask(t.Context(), row.Pod, "shapes", ns)
		if err != nil {
			t.Errorf("%s/%s: %v", row.Family, row.Name, err)
			continue
		}
		if plan.Injects() {
			decided.add(answer.Requested == sidecars.RequestedByPolicy)
		}
		if answer.Requested != sidecars.RequestedByPolicy {
			continue
		}
		want, _, err := tryDryRun(t, metav1.NamespaceSystem, plan.Apply(row.Pod))
		if err != nil {
			continue // the API server itself refuses it
		}
		got, _ := dryRun(t, namespaces[row.OptedIn], row.Pod)
		dropRequested(got)
		if asJSON(t, got) != asJSON(t, want) {
			t.Errorf("%s/%s: the policies decide otherwise (-engine +stored):\n%s", row.Family, row.Name, cmp.Diff(want, got))
		}
	}
	t.Logf("figure: of the table's pods the policies decide %s that get a sidecar, and none in another way than the webhook", decided)
}
