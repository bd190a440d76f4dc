// Package webhook answers the API server: an AdmissionReview comes in, the
// additions that sidecars.NewPlan decides go out.
//
// # Decisions
//
// # A pod is never refused because of us
//
// An error of ours, a panic included, is answered "allowed" with a warning, a log line
// and a counter: with failurePolicy Ignore an answer of "not allowed" would still block
// the pod.
//
// # Opted-in namespaces are a path
//
// The API server calls one path for each entry of the MutatingWebhookConfiguration,
// whose namespaceSelectors exclude each other. The cache of namespaces would know the
// same a moment later, and not whether the chart opts all of them in.
//
// # What an answer costs is bounded by a test over named scenarios
//
// Half of the allocations (TestAllocations) are those of decoding the pod. managedFields
// are left out: no decision depends on them. Refused: types of our own with fewer fields,
// which would lose a field that the engine reads next; a reader of reviews instead of
// controller-runtime's, which takes a sixth of the allocations and brings limits and
// metrics; and a faster JSON library, one more to trust with what users write.
//
// # Warnings are repeated in the status annotation and in an event on the owner
//
// Admission warnings reach only the requester, which for a Deployment is a controller.
//
// # Enforcement is the API server's own policy
//
// It costs no call and holds while no replica runs (charts/outrider/templates/enforcement).
// Here is what keeps its parameter object, in the leader: the catalog in force as data,
// and the date. The chart creates the object, and the leader fills it; it may not create
// one. Without it, and where an evaluation fails, everything is let through.
//
// # What counts as instrumented
//
// Our sidecar, an exporter of the pod's own, or an endpoint in outrider.dev/scrape; a
// native one with the label that makes it known. What the namespace's allow and deny
// lists leave out is not asked for.
//
// # A pod that asked and has no status is let through
//
// It came while Outrider was away: a warning and an entry in the audit log, whatever its
// namespace enforces. So is one whose exporter is suspended. A pod that asked and was
// refused is denied where that is enforced, with the refusal's sentence, since the status
// of a pod that was not created cannot be read.
//
// # Templates are judged when their pods come
//
// What a controller makes of another object, such as a Deployment's ReplicaSet, is not
// judged again; updates only where they change the template.
//
// # The policy recognizes what the webhook recognizes, or less
//
// It must not deny what the webhook would not inject. Over the corpus they agree. Less is
// a command line with a word that holds a \x01 byte, a script with spaces that are not
// ASCII's, and a definition with a program or argument of several lines.
//
// # It is a policy against forgetting
//
// A user can write an exemption, or forge a status; the audit log has every exemption that
// was used. While no replica runs the date stands still, so that an exemption holds longer
// and never shorter.
package webhook
