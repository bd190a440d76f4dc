package webhook

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/webhook/events"
)

// recordRefusals writes one Warning event on the pod's controller if something that
// was asked for did not happen. A pod without a controller has none: its creator
// reads the admission warnings, and the pod itself has no UID yet.
func (h *Handler) recordRefusals(namespace string, pod *corev1.Pod, plan sidecars.Plan) {
	owner := metav1.GetControllerOf(pod)
	if owner == nil {
		return
	}
	regarding := &corev1.ObjectReference{
		APIVersion: owner.APIVersion, Kind: owner.Kind, Name: owner.Name, UID: owner.UID, Namespace: namespace,
	}
	var refused []sidecars.Decision
	for _, d := range plan.Decisions {
		if d.Warns() {
			refused = append(refused, d)
		}
	}
	more := ""
	if len(refused) > 1 {
		more = fmt.Sprintf(" (and %d more, see the pod's annotation %s)", len(refused)-1, sidecars.StatusKey)
	}
	events.Refusal(refused[0].Reason).Record(h.Events, regarding, "%s%s", refused[0].Message, more)
}
