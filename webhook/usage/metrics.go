package usage

import (
	"maps"

	"github.com/prometheus/client_golang/prometheus"
)

var (
	seriesDesc = prometheus.NewDesc("outrider_namespace_series",
		"Series that Prometheus keeps of the pods of a namespace that has a budget. Exported by the leader only.", []string{"namespace"}, nil)
	budgetDesc = prometheus.NewDesc("outrider_namespace_series_budget",
		"Series that the namespace's annotation outrider.dev/budget allows. Exported by the leader only.", []string{"namespace"}, nil)
	exhaustedDesc = prometheus.NewDesc("outrider_namespace_series_exhausted",
		"1 while new pods of the namespace get the profile essential, because its budget is used up. Exported by the leader only.", []string{"namespace"}, nil)
)

// collector makes the gauges at each scrape. A replica that does not lead has none.
type collector struct{ *Usage }

// Describe sends what Collect may send.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	ch <- seriesDesc
	ch <- budgetDesc
	ch <- exhaustedDesc
}

// Collect sends the gauges of the namespaces whose series are known.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	c.mu.Lock()
	all := maps.Clone(c.budgets)
	c.mu.Unlock()
	for name, b := range all {
		if b.counted == nil {
			continue
		}
		full := 0.0
		if b.level == exhausted {
			full = 1
		}
		ch <- prometheus.MustNewConstMetric(seriesDesc, prometheus.GaugeValue, float64(b.counted.now), name)
		ch <- prometheus.MustNewConstMetric(budgetDesc, prometheus.GaugeValue, float64(b.most), name)
		ch <- prometheus.MustNewConstMetric(exhaustedDesc, prometheus.GaugeValue, full, name)
	}
}
