package webhook

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/outrider-dev/outrider/sidecars"
)

// Metrics counts what the handlers decide. How often
// and how fast they are called is counted by controller-runtime
// (controller_runtime_webhook_*).
type Metrics struct {
	decisions *prometheus.CounterVec
	failures  *prometheus.CounterVec
}

// NewMetrics registers the webhook's metrics.
func NewMetrics(r prometheus.Registerer) *Metrics {
	m := &Metrics{
		decisions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "outrider_decisions_total",
			Help: "Decisions about exporters and annotations of admitted pods, by exporter (unknown for names outside the catalog), outcome and reason.",
		}, []string{"exporter", "outcome", "reason"}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "outrider_admission_failures_total",
			Help: "Pods let through without a decision because of an error of Outrider, by entry of the webhook configuration.",
		}, []string{"entry"}),
	}
	for _, entry := range []Entry{Annotated, OptedIn} {
		m.failures.WithLabelValues(string(entry))
	}
	r.MustRegister(m.decisions, m.failures)
	return m
}

// count adds a plan's decisions. A name that users make up must not become a
// label's value.
func (m *Metrics) count(plan sidecars.Plan) {
	for _, d := range plan.Decisions {
		if !d.New() {
			continue
		}
		exporter := d.Exporter
		if d.Reason == sidecars.UnknownExporter || d.Reason == sidecars.UnknownKey {
			exporter = "unknown"
		}
		m.decisions.WithLabelValues(exporter, string(d.Outcome), string(d.Reason)).Inc()
	}
}
