package coverage

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/webhook/decider"
	"github.com/outrider-dev/outrider/webhook/monitored"
)

// Where no Prometheus is asked nothing is proven, however the exporter fares: no proof in the report, no series, no event.
func TestProofNeedsAPrometheus(t *testing.T) {
	const address = "http://prometheus.example:9090"
	running, crashing := monitored.Container{}, monitored.Container{Waiting: "CrashLoopBackOff"}
	for name, tc := range map[string]struct {
		url    string
		word   monitored.Container
		want   Row
		series int
		events int
	}{
		"asked":               {address, running, Row{Proof: Unproven, ProofReason: NotYet}, 3, 0},
		"asked, crashing":     {address, crashing, Row{Proof: Down, ProofReason: NotRunning}, 2, 1},
		"not asked":           {"", running, Row{}, 0, 0},
		"not asked, crashing": {"", crashing, Row{}, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			recorder := events.NewFakeRecorder(10)
			exporters := decider.NewExporters(sidecars.Builtin(), prometheus.NewRegistry())
			c, err := New(Options{PrometheusURL: tc.url, ProofInterval: 1, MostSeries: 10},
				Parts{Exporters: exporters, Decider: &decider.Decider{Exporters: exporters}, Events: recorder})
			if err != nil {
				t.Fatal(err)
			}
			m := withStatus(t, true, sidecars.Decision{Exporter: "redis", Outcome: sidecars.Injected})
			c.inv.setPod(m, watched)
			c.inv.containers[types.NamespacedName{Namespace: m.Namespace, Name: m.Name}] = monitored.Containers{"redis": tc.word}
			c.reconcile(t.Context(), workloadOf(m))
			c.leads.Store(true)

			rows := c.Report("").Rows
			if len(rows) != 1 || rows[0].State != Injected {
				t.Fatalf("rows %+v, want one that is injected", rows)
			}
			got := Row{Proof: rows[0].Proof, ProofReason: rows[0].ProofReason}
			if diff := cmp.Diff(tc.want.key(), got.key(), cmp.AllowUnexported(rowKey{})); diff != "" {
				t.Errorf("proof (-want +got):\n%s", diff)
			}
			if n := proofSeries(t, c); n != tc.series {
				t.Errorf("%d series of the proof, want %d", n, tc.series)
			}
			if n := len(recorder.Events); n != tc.events {
				t.Errorf("%d events, want %d", n, tc.events)
			}
		})
	}
}

func proofSeries(t *testing.T, c *Controller) int {
	t.Helper()
	r := prometheus.NewRegistry()
	r.MustRegister(&collector{c})
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, f := range families {
		if strings.HasPrefix(f.GetName(), "outrider_coverage_proof") {
			n += len(f.GetMetric())
		}
	}
	return n
}
