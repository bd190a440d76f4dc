package webhook

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/outrider-dev/outrider/sidecars"
)

// tellOwner writes a Warning event on the pod's controller if something that
// was asked for did not happen: one event, however much it was. A pod without a
// controller has none: its creator reads the admission warnings, and the pod
// itself has no UID yet.
func (h *Handler) tellOwner(namespace string, pod *corev1.Pod, plan sidecars.Plan) {
	owner := metav1.GetControllerOf(pod)
	if owner == nil {
		return
	}
	regarding := &corev1.ObjectReference{
		APIVersion: owner.APIVersion, Kind: owner.Kind, Name: owner.Name, UID: owner.UID, Namespace: namespace,
	}
	var told []sidecars.Decision
	for _, d := range plan.Decisions {
		if d.Warns() {
			told = append(told, d)
		}
	}
	more := ""
	if len(told) > 1 {
		more = fmt.Sprintf(" (and %d more, see the pod's annotation %s)", len(told)-1, sidecars.StatusKey)
	}
	h.Events.Eventf(regarding, nil, corev1.EventTypeWarning, string(told[0].Reason), "Inject", "%s%s", told[0].Message, more)
}
