package controller

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/outrider-dev/outrider/discovery/monitors"
)

type metrics struct {
	followed *prometheus.GaugeVec
	refused  *prometheus.GaugeVec
}

// newMetrics registers the gauges, which only the leader sets.
func newMetrics(r prometheus.Registerer) *metrics {
	m := &metrics{
		followed: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "outrider_monitors_followed", Help: "Monitors and PrometheusRules of other charts, by kind, of which jobs or rules are loaded. Exported by the leader.",
		}, []string{"kind"}),
		refused: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "outrider_monitor_not_followed", Help: "1 for each monitor or PrometheusRule of which something is not followed, with the first such field; of the first 200 objects. Exported by the leader.",
		}, []string{"kind", "namespace", "name", "field"}),
	}
	r.MustRegister(m.followed, m.refused)
	return m
}

// mostRefused is how many objects have a series of their own.
const mostRefused = 200

func (m *metrics) set(r monitors.Result) {
	for _, kind := range monitors.Kinds {
		m.followed.WithLabelValues(kind).Set(float64(r.Followed[kind]))
	}
	m.refused.Reset()
	seen := map[string]bool{}
	for _, p := range r.Problems {
		if name := p.Kind + "/" + p.Namespace + "/" + p.Name; !seen[name] && len(seen) < mostRefused {
			seen[name] = true
			m.refused.WithLabelValues(p.Kind, p.Namespace, p.Name, p.Field).Set(1)
		}
	}
}
