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
// Admission warnings reach only the requester, which for a Deployment is a
// controller. The same sentences therefore go into the pod's status annotation
// and into an event on the pod's owner.
package webhook
