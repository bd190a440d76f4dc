package certs

import (
	"crypto/x509"

	"github.com/prometheus/client_golang/prometheus"
)

// Values of the label certificate.
const (
	ofAuthority = "authority"
	ofServing   = "serving"
)

// Metrics count what becomes of the certificates of this replica.
type Metrics struct {
	expiration *prometheus.GaugeVec
	lifetime   *prometheus.GaugeVec
	rotations  *prometheus.CounterVec
	failures   prometheus.Counter
	repairs    prometheus.Counter
}

// NewMetrics registers the metrics of certificates.
func NewMetrics(r prometheus.Registerer) *Metrics {
	m := &Metrics{
		expiration: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "outrider_certificate_expiration_timestamp_seconds",
			Help: "When the certificate that this replica serves (serving), and the CA that signed it (authority), expire.",
		}, []string{"certificate"}),
		lifetime: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "outrider_certificate_lifetime_seconds",
			Help: "How long the certificate that this replica serves (serving), and the CA that signed it (authority), are valid in total. They are renewed when a third is left.",
		}, []string{"certificate"}),
		rotations: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "outrider_certificate_rotations_total",
			Help: "Certificates replaced by this replica: those that it serves (serving), and, while it leads, CAs that sign (authority).",
		}, []string{"certificate"}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "outrider_certificate_failures_total",
			Help: "Certificates that could not be used, made or written.",
		}),
		repairs: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "outrider_cabundle_repairs_total",
			Help: "Times that a caBundle did not hold what was last written, and was repaired.",
		}),
	}
	m.rotations.WithLabelValues(ofAuthority)
	m.rotations.WithLabelValues(ofServing)
	r.MustRegister(m.expiration, m.lifetime, m.rotations, m.failures, m.repairs)
	return m
}

func (m *Metrics) expires(which string, c *x509.Certificate) {
	m.expiration.WithLabelValues(which).Set(float64(c.NotAfter.Unix()))
	m.lifetime.WithLabelValues(which).Set(c.NotAfter.Sub(c.NotBefore).Seconds())
}

func (m *Metrics) rotated(which string) { m.rotations.WithLabelValues(which).Inc() }
