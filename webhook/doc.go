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
// namespaceSelectors exclude each other. The cache of namespaces would know the
// same a moment later, and not whether the chart opts all of them in.
//
// What an answer costs is bounded by a test over named scenarios (TestAllocations).
// Half of the allocations are those of decoding the pod into the API's types.
// managedFields are left out, being the largest part that nothing is decided by.
// Refused: types of our own with only the fields that are decided by, which would
// lose whatever field the engine reads next; a reader of reviews in the place of
// controller-runtime's, which takes a sixth of the allocations and brings limits,
// metrics and panics that we would have to keep; and a faster JSON library, one
// more to trust with what users write.
//
// Enforcement is the API server's own policy (charts/outrider/templates/enforcement),
// so that it costs no call and holds while no replica runs. Here is only what
// keeps its parameter object, in the leader: the catalogue in force as data, and
// the date. The object is the chart's and is filled, as the certificate's Secret
// is; there is no permission to create one. Without it, and where an evaluation
// fails, everything is let through. Decided for the policy:
//
//   - A workload counts as instrumented with our sidecar, with an exporter of its
//     own, or with an endpoint in outrider.dev/scrape; a native one with the label
//     that makes it known too. What the namespace's allow and deny lists leave out
//     is not asked for either.
//   - A pod that asked and has no status came while Outrider was away. It is let
//     through, whatever its namespace enforces, with a warning and an entry in the
//     audit log: nobody loses a pod because of us. So is one whose exporter is
//     suspended, or that was decided for in a way that the policy does not expect.
//   - A pod that asked and was refused is denied where that is enforced, with the
//     refusal's own sentence, since the status of a pod that is not there cannot be
//     read.
//   - A template that asks is fine: its pods are judged when they come. What a
//     controller makes of another object, such as a Deployment's ReplicaSet, is not
//     judged a second time; updates only where they change the template.
//   - The policy recognises what the webhook recognises, or less, never more: it
//     must not deny what the webhook would not inject. Over the corpus they agree.
//     Less is only a command line with a word that holds a \x01 byte, a script with
//     spaces that are not ASCII's, and a definition with a program or argument of
//     several lines.
//   - While no replica runs the date stands still, so that an exemption holds longer
//     and never shorter.
//   - A user can write an exemption, or forge a status: it is a policy against
//     forgetting. The audit log has every exemption that was used.
//
// Admission warnings reach only the requester, which for a Deployment is a
// controller. The same sentences therefore go into the pod's status annotation
// and into an event on the pod's owner.
package webhook
