package breaker

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
	"github.com/outrider-dev/outrider/webhook/events"
	"github.com/outrider-dev/outrider/webhook/internal/status"
)

// ConditionSuspended is the condition of a custom Exporter that is True while it
// is suspended anywhere, and its reasons. An exporter that never was has none.
const (
	ConditionSuspended = "Suspended"
	reasonFailing      = "ContainersFail" // True: the message says where and why
	reasonResumed      = "Resumed"        // False: new pods get it again
)

// Metrics are those of the breaker.
type Metrics struct {
	held  *prometheus.GaugeVec
	trips *prometheus.CounterVec
}

// NewMetrics registers the breaker's metrics.
func NewMetrics(r prometheus.Registerer) *Metrics {
	m := &Metrics{
		held: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "outrider_exporter_suspended",
			Help: "1 for an exporter that is not injected into new pods of the namespace because its containers failed; without a namespace, of all. Every replica exports the same.",
		}, []string{"exporter", "namespace"}),
		trips: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "outrider_breaker_trips_total",
			Help: "Times that an exporter was suspended in a namespace, or in all, failed half-open probes included. Counted by the leader.",
		}, []string{"exporter"}),
	}
	r.MustRegister(m.held, m.trips)
	return m
}

func (m *Metrics) suspended(all []Suspension) {
	m.held.Reset()
	for _, s := range all {
		m.held.WithLabelValues(s.Exporter, s.Namespace).Set(1)
	}
}

// mostOwners bounds the events of one change.
const mostOwners = 10

// announce logs and counts changes, and writes events on the owners of pods that failed.
func (b *Breaker) announce(ctx context.Context, changes []transition, pods []corev1.Pod) {
	for _, c := range changes {
		s := c.suspension
		ctrl.LoggerFrom(ctx).Info("exporter suspension changed", "change", string(c.kind), "exporter", s.Exporter, "namespace", s.Namespace,
			"definition", s.Definition, "reason", s.Reason, "kubelet", s.Message, "until", s.Until, "trips", s.Trips, "pods", len(c.pods))
		if c.kind == tripped || c.kind == reopened {
			b.metrics.trips.WithLabelValues(s.Exporter).Inc()
		}
		for _, owner := range owners(c.pods, pods) {
			events.ExporterSuspended.Record(b.events, owner, "%s: new pods start without it: %s", s.Exporter, s.Why())
		}
	}
}

// owners are the controllers of the pods that failed, each once.
func owners(failed []Observation, pods []corev1.Pod) []*corev1.ObjectReference {
	var found []*corev1.ObjectReference
	for _, o := range failed {
		i := slices.IndexFunc(pods, func(p corev1.Pod) bool { return p.Namespace == o.Namespace && p.Name == o.Pod })
		if i < 0 {
			continue
		}
		owner := metav1.GetControllerOf(&pods[i])
		if owner == nil || len(found) == mostOwners || slices.ContainsFunc(found, func(r *corev1.ObjectReference) bool { return r.UID == owner.UID }) {
			continue
		}
		found = append(found, &corev1.ObjectReference{APIVersion: owner.APIVersion, Kind: owner.Kind, Name: owner.Name, UID: owner.UID, Namespace: o.Namespace})
	}
	return found
}

// report brings the conditions of the custom exporters to what is suspended, and
// writes an event on each that a change is about. Built-in ones have no object to
// say it on.
func (b *Breaker) report(ctx context.Context, all []Suspension, changes []transition) error {
	var list v1alpha1.ExporterList
	if err := b.reader.List(ctx, &list); err != nil {
		if meta.IsNoMatchError(err) {
			return nil // the cluster has no custom exporters
		}
		return fmt.Errorf("list exporters: %w", err)
	}
	for i := range list.Items {
		e := &list.Items[i]
		for _, c := range changes {
			if c.suspension.Exporter != e.Name {
				continue
			}
			if c.kind == closed || c.kind == lifted {
				events.ExporterResumed.Record(b.events, e, "%s: new pods get it again%s", e.Name, where(c.suspension.Namespace))
				continue
			}
			events.ExporterSuspended.Record(b.events, e, "%s: new pods start without it%s: %s", e.Name, where(c.suspension.Namespace), c.suspension.Why())
		}
		if condition, any := suspended(e, all); any {
			if err := status.Apply(ctx, b.client, "outrider-breaker", e, condition, v1alpha1.ExporterStatus{}); err != nil {
				return err
			}
		}
	}
	return nil
}

func where(namespace string) string {
	if namespace == "" {
		return ""
	}
	return " in namespace " + namespace
}

// suspended is the condition that says whether an exporter is suspended. It
// reports whether there is anything to say.
func suspended(e *v1alpha1.Exporter, all []Suspension) (condition metav1.Condition, any bool) {
	var places []string
	var why string
	for _, s := range all {
		if s.Exporter == e.Name {
			places = append(places, s.Namespace)
			why = s.Why()
		}
	}
	condition = metav1.Condition{Type: ConditionSuspended, Status: metav1.ConditionTrue, Reason: reasonFailing, ObservedGeneration: e.Generation}
	switch {
	case len(places) == 0:
		condition.Status, condition.Reason, condition.Message = metav1.ConditionFalse, reasonResumed, "new pods get it"
		return condition, meta.FindStatusCondition(e.Status.Conditions, ConditionSuspended) != nil
	case slices.Contains(places, ""):
		condition.Message = "in all namespaces: " + why
	default:
		condition.Message = fmt.Sprintf("in %s: %s", strings.Join(places[:min(len(places), mostOwners)], ", "), why)
	}
	return condition, true
}
