package policy

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/test/corpus"
	"github.com/outrider-dev/outrider/test/poll"
)

// TestExhausted admits the corpus in namespaces that have used up their budgets of series: what is decided gets the profile
// essential, as from the webhook, and nothing gets less than it would elsewhere.
func TestExhausted(t *testing.T) {
	c := server(t)
	active(t)
	cases, err := corpus.Load()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, tc := range cases {
		names = append(names, namespaceLike(t, c, tc.Namespace))
	}
	last := namespaceLike(t, c, sidecars.Namespace{Annotations: map[string]string{sidecars.BudgetKey: "1000"}})
	writes, err := client.New(api.Config(), client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := keep(t.Context(), writes, sidecars.Builtin(), &state{exhausted: append(names, last)}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := keep(context.Background(), writes, sidecars.Builtin(), &state{}); err != nil {
			t.Error(err)
		}
	})
	poll.Until(t, 2*time.Minute, 50*time.Millisecond, func() string {
		if pod, _ := dryRun(t, last, redis(sidecars.InjectKey, "redis")); pod.Annotations[sidecars.EssentialKey] != "redis" {
			return "a namespace with a budget that is used up is not known"
		}
		return ""
	})
	var decided tally
	for i, tc := range cases {
		templates, err := tc.Templates()
		if err != nil {
			t.Fatal(err)
		}
		for _, tmpl := range templates {
			got, _ := dryRun(t, names[i], tmpl.Pod)
			dropRequested(got)
			plan := sidecars.NewPlan(sidecars.Input{Pod: tmpl.Pod, Namespace: tc.Namespace, Exhausted: true}, sidecars.Builtin())
			want, _ := dryRun(t, metav1.NamespaceSystem, plan.Apply(tmpl.Pod))
			plain, _ := dryRun(t, metav1.NamespaceSystem, tmpl.Pod)
			same := asJSON(t, got) == asJSON(t, want)
			if !same && asJSON(t, got) != asJSON(t, plain) {
				t.Errorf("%s, %s: it is neither what the engine says nor as it was (-engine +stored):\n%s", tc.Name, tmpl.Name, cmp.Diff(asJSON(t, want), asJSON(t, got)))
			}
			if plan.Injects() {
				decided.add(same)
			}
		}
	}
	t.Logf("figure: where the budget is used up the policies decide %s pods that get a sidecar", decided)
	if decided.decided < decided.all/2 {
		t.Errorf("%s decided, fewer than where there is room", decided)
	}
}
