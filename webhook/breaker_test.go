package webhook_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/outrider-dev/outrider/webhook"
)

// halfOpen lets the exporter through while it has probes.
type halfOpen struct{ probes, asked int }

func (b *halfOpen) Suspended(string) map[string]string {
	return map[string]string{"memcached": "its image cannot be pulled"}
}

func (b *halfOpen) Try(_, exporter string) string {
	b.asked++
	if exporter != "redis" || b.probes == 0 {
		return "it is half-open"
	}
	b.probes--
	return ""
}

// The last half-open probe is given once, to a pod that is created, and a pod
// that comes too late gets a warning.
func TestHalfOpen(t *testing.T) {
	h, _, registry := newHandler(webhook.Annotated)
	b := &halfOpen{probes: 1}
	h.Decider.Breaker = b
	yes, dry := true, request(asksRedis)
	dry.DryRun = &yes
	if resp := h.Handle(t.Context(), dry); len(resp.Warnings) != 0 || b.asked != 0 {
		t.Errorf("a dry run took a probe: %v", resp.Warnings)
	}
	if resp := h.Handle(t.Context(), request(asksRedis)); len(resp.Warnings) != 0 {
		t.Errorf("warnings %v for the pod that the exporter is tried on", resp.Warnings)
	}
	resp := h.Handle(t.Context(), request(asksRedis))
	want := []string{"outrider: redis: its injection is suspended: it is half-open; the pod starts without it"}
	if diff := cmp.Diff(want, resp.Warnings); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
	if !resp.Allowed {
		t.Error("a pod was refused")
	}
	both := strings.Replace(asksRedis, `"redis"}`, `"redis,memcached,nginx"}`, 1)
	h.Decider.Breaker = &halfOpen{probes: 1}
	resp = h.Handle(t.Context(), request(both))
	want = []string{
		"outrider: memcached: its injection is suspended: its image cannot be pulled; the pod starts without it",
		"outrider: nginx: its injection is suspended: it is half-open; the pod starts without it",
	}
	if diff := cmp.Diff(want, resp.Warnings); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
	if want := `outrider_decisions_total{exporter="memcached",outcome="refused",reason="Suspended"} 1`; !strings.Contains(exposition(t, registry), want) {
		t.Errorf("no %s", want)
	}
}
