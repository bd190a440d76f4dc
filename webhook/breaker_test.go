package webhook_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/outrider-dev/outrider/webhook"
)

// trial lets the exporter through while it has places.
type trial struct{ places, asked int }

func (b *trial) Suspended(string) map[string]string {
	return map[string]string{"memcached": "its image cannot be pulled"}
}

func (b *trial) Try(_, exporter string) string {
	b.asked++
	if exporter != "redis" || b.places == 0 {
		return "it is on trial"
	}
	b.places--
	return ""
}

// The last place of a trial is given once, by pods that are created, and a pod
// that comes too late is told so.
func TestTrial(t *testing.T) {
	h, _, registry := newHandler(webhook.Annotated)
	b := &trial{places: 1}
	h.Decider.Breaker = b
	yes, dry := true, request(asksRedis)
	dry.DryRun = &yes
	if resp := h.Handle(t.Context(), dry); len(resp.Warnings) != 0 || b.asked != 0 {
		t.Errorf("a dry run took a place: %v", resp.Warnings)
	}
	if resp := h.Handle(t.Context(), request(asksRedis)); len(resp.Warnings) != 0 {
		t.Errorf("warnings %v for the pod that the exporter is tried on", resp.Warnings)
	}
	resp := h.Handle(t.Context(), request(asksRedis))
	want := []string{"outrider: redis: its injection is suspended: it is on trial; the pod starts without it"}
	if diff := cmp.Diff(want, resp.Warnings); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
	if !resp.Allowed {
		t.Error("a pod was refused")
	}
	both := strings.Replace(asksRedis, `"redis"}`, `"redis,memcached,nginx"}`, 1)
	h.Decider.Breaker = &trial{places: 1}
	resp = h.Handle(t.Context(), request(both))
	want = []string{
		"outrider: memcached: its injection is suspended: its image cannot be pulled; the pod starts without it",
		"outrider: nginx: its injection is suspended: it is on trial; the pod starts without it",
	}
	if diff := cmp.Diff(want, resp.Warnings); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
	if want := `outrider_decisions_total{exporter="memcached",outcome="refused",reason="Suspended"} 1`; !strings.Contains(exposition(t, registry), want) {
		t.Errorf("no %s", want)
	}
}
