// Package events is the table of the Kubernetes events that Outrider writes. A
// refusal's event has the Reason of its decision instead.
package events

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"

	"github.com/outrider-dev/outrider/sidecars"
)

// Event is one kind of event.
type Event struct {
	Reason string // one word in CamelCase, unique
	Type   string // Normal or Warning
	Action string // what Outrider was doing
	On     string // kinds of objects that it is written on
	Means  string // one sentence
}

// The events, by what they are about.
var (
	ExporterMissing   = Event{"ExporterMissing", corev1.EventTypeWarning, "Observe", owner, "Pods run without an exporter that was asked for. The message names the command that replaces them."}
	ExporterDown      = Event{"ExporterDown", corev1.EventTypeWarning, "Observe", owner, "An exporter does not reach its server. The message has the cause."}
	ExporterUp        = Event{"ExporterUp", corev1.EventTypeNormal, "Observe", owner, "It reaches its server again."}
	ExporterSuspended = Event{"ExporterSuspended", corev1.EventTypeWarning, "Suspend", owner + ", Exporter", "An exporter failed. New pods start without it."}
	ExporterResumed   = Event{"ExporterResumed", corev1.EventTypeNormal, "Resume", "Exporter", "New pods get the exporter again."}
	PodEvicted        = Event{"PodEvicted", corev1.EventTypeNormal, "Evict", owner, "A pod that only its exporter kept from starting was evicted."}
	WorkloadRestarted = Event{"WorkloadRestarted", corev1.EventTypeNormal, "Restart", workload, "Its rollout was restarted, so that new pods get their exporter."}
	RepairSkipped     = Event{"RepairSkipped", corev1.EventTypeWarning, "Restart", workload, "Its pods lack their exporter and are not replaced. The message has the reason."}

	SeriesBudgetNearlyUsed = Event{"SeriesBudgetNearlyUsed", corev1.EventTypeWarning, "Count", namespace, "Its exporters have 80 % of the series that outrider.dev/budget allows. The message names those that have the most."}
	SeriesBudgetExhausted  = Event{"SeriesBudgetExhausted", corev1.EventTypeWarning, "Count", namespace, "They have more than it allows. New pods get the profile essential."}
	SeriesBudgetRestored   = Event{"SeriesBudgetRestored", corev1.EventTypeNormal, "Count", namespace, "They have less than 80 % again. New pods get the profile that they ask for."}
	SeriesBudgetIgnored    = Event{"SeriesBudgetIgnored", corev1.EventTypeWarning, "Count", namespace, "The annotation has no effect. The message has the reason."}

	MonitorNotFollowed = Event{"MonitorNotFollowed", corev1.EventTypeWarning, "Follow", "ServiceMonitor, PodMonitor, Probe, PrometheusRule", "A field cannot be followed, and what it belongs to is left out. The message names it."}
)

const (
	owner     = "the pods' controller, a bare pod"
	workload  = "Deployment, StatefulSet, DaemonSet"
	namespace = "Namespace"
)

// All returns the events in the order of the pages' table.
func All() []Event {
	return []Event{ExporterMissing, ExporterDown, ExporterUp, ExporterSuspended, ExporterResumed, PodEvicted, WorkloadRestarted, RepairSkipped,
		SeriesBudgetNearlyUsed, SeriesBudgetExhausted, SeriesBudgetRestored, SeriesBudgetIgnored, MonitorNotFollowed}
}

// Refusal is the event that something asked for was not injected.
func Refusal(reason sidecars.Reason) Event {
	return Event{Reason: string(reason), Type: corev1.EventTypeWarning, Action: "Inject", On: owner}
}

// Record writes the event on an object.
func (e Event) Record(to events.EventRecorder, on runtime.Object, format string, args ...any) {
	to.Eventf(on, nil, e.Type, e.Reason, e.Action, format, args...)
}
