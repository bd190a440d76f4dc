// Package webhook answers the API server: an AdmissionReview comes in, the
// additions that sidecars.NewPlan decides go out.
//
// # Decisions
//
// A pod is never refused because of us. What goes wrong here, a panic
// included, is answered "allowed" with a warning, a log line and a counter:
// with failurePolicy Ignore an answer of "not allowed" would still block the
// pod, and an outage of ours must not be one of the cluster's.
//
// Which namespaces are opted in is told by the path that the API server calls,
// one for each entry of the MutatingWebhookConfiguration, whose
// namespaceSelectors exclude each other. A cache of namespaces would know the
// same a moment later, and cost memory and a permission.
//
// LimitRanges and ResourceQuotas are cached for all namespaces. There are few of
// them, and without them a sidecar could make the API server refuse its pod.
//
// Admission warnings reach only the requester, which for a Deployment is a
// controller. The same sentences therefore go into the pod's status annotation
// and into an event on the pod's owner.
//
// Custom Exporters lie over the built-in catalogue, one by one in the order of
// their names, on every replica by itself; only the leader writes their status.
// A definition that the API server lets in and the catalogue refuses, such as
// one whose pattern is no regular expression, leaves the last good one of the
// same object in force, or else the built-in one of that name, or nothing. The
// last good one is remembered in memory and not in the cluster: a replica that
// starts while the definition is bad never saw a good one. Refused: a copy of it
// in the status or in a ConfigMap, which would be a second place to read what is
// in force from, and one that the author of the Exporter does not edit.
//
// Where two exporters claim an image name, the first by name is recognised, and
// the condition of the other says so.
//
// Without the CustomResourceDefinition the built-in catalogue is served, and it
// is looked for again, a minute apart at most; a replica follows when it is
// there, without a restart, and survives that it is deleted. A replica is ready once it knows the custom
// exporters or knows that there are none: one that served earlier would leave
// pods without their sidecar.
package webhook
