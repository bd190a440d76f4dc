package coverage

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/outrider-dev/outrider/webhook/decider"
)

// An event is written when its cause begins, not at each reconciliation, and again only a while later.
func TestEventsAreTransitions(t *testing.T) {
	c, err := New(Options{ProofInterval: 1, MostSeries: 1}, Parts{Decider: &decider.Decider{}})
	if err != nil {
		t.Fatal(err)
	}
	of := Workload{"shop", "Deployment", "cache"}
	w := &workload{Workload: of}
	c.inv.workloads[of] = w
	missed := Row{Exporter: "redis", State: Missed, Pods: 2, Message: "why"}
	refusedThen := Row{Exporter: "redis", State: Refused, Reason: "OverBudget", reported: true}
	refusedNow := Row{Exporter: "redis", State: Refused, Reason: "OverBudget", Message: "no room"}
	down := Row{Exporter: "redis", State: Injected, Proof: Down, Pods: 1, ProofMessage: "redis_up 0", confirmed: true}
	blink := Row{Exporter: "redis", State: Injected, Proof: Down, Pods: 1}
	up := Row{Exporter: "redis", State: Injected, Proof: Up, Pods: 1}
	unproven := Row{Exporter: "redis", State: Injected, Proof: Unproven, Pods: 1}
	at := time.Now()
	for i, step := range []struct {
		after time.Duration
		rows  []Row
		want  []string
	}{
		{0, []Row{missed}, []string{"ExporterMissing redis: 2 pods without their exporter: why; to get it: kubectl -n shop rollout restart deployment/cache"}},
		{0, []Row{missed, blink}, nil},
		{0, []Row{blink}, nil},
		{0, []Row{missed}, nil}, // again, too soon
		{0, nil, nil},
		{repeatAfter + time.Minute, []Row{missed}, []string{"ExporterMissing redis: 2 pods without their exporter: why; to get it: kubectl -n shop rollout restart deployment/cache"}},
		{0, []Row{refusedThen}, nil},
		{0, []Row{refusedNow}, []string{"OverBudget no room"}},
		{0, []Row{up}, nil},
		{0, []Row{down}, []string{"ExporterDown redis: 1 pod: redis_up 0"}},
		{0, []Row{down}, nil},
		{0, []Row{unproven}, nil},
		{0, []Row{down, up}, nil},
		{0, []Row{blink, up}, nil},
		{0, []Row{up}, []string{"ExporterUp redis: the exporter reaches its workload again"}},
		{0, []Row{up}, nil},
	} {
		at = at.Add(step.after)
		w.rows = step.rows
		var got []string
		for _, n := range c.notices(w, at) {
			got = append(got, n.Reason+" "+n.text)
			c.inv.remember(of, n.topic())
		}
		slices.Sort(got)
		if diff := cmp.Diff(step.want, got); diff != "" {
			t.Errorf("step %d (-want +got):\n%s", i, diff)
		}
	}
}
