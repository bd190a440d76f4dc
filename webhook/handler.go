package webhook

import (
	"context"
	"fmt"
	"runtime/debug"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
	"sigs.k8s.io/json"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/webhook/decider"
)

// Entry is one entry of the MutatingWebhookConfiguration, by the path it calls.
type Entry string

// The entries. Their selectors exclude each other, so that a pod is sent once.
const (
	// Annotated is called for pods with an annotation of ours, outside of
	// opted-in namespaces.
	Annotated Entry = "/inject/annotated"
	// OptedIn is called for pods in namespaces that are opted in: those labeled
	// outrider.dev/inject: enabled, or all that are not labeled disabled.
	OptedIn Entry = "/inject/opted-in"
)

// optIn is what an entry says about the namespaces of its pods.
func (e Entry) optIn() string {
	if e == OptedIn {
		return sidecars.InjectEnabled
	}
	return sidecars.InjectDisabled
}

// Handler answers the admission of pods on one Entry. It is safe for
// concurrent use.
type Handler struct {
	// Entry that this handler serves.
	Entry Entry
	// Decider decides. Required.
	Decider *decider.Decider
	// Metrics counts what is decided. Required.
	Metrics *Metrics
	// Events reports to owners what their pods did not get. Required.
	Events events.EventRecorder
}

// Handle decides for one pod. The response always allows it.
func (h *Handler) Handle(ctx context.Context, req admission.Request) (resp admission.Response) {
	log := logr.FromContextOrDiscard(ctx)
	defer func() {
		if p := recover(); p != nil {
			resp = h.fail(log, fmt.Errorf("panic: %v", p))
			log.Info("stack of the panic", "stack", string(debug.Stack()))
		}
	}()
	pod, err := decodePod(req.Object.Raw)
	if err != nil {
		return h.fail(log, fmt.Errorf("decode pod: %w", err))
	}
	plan := h.Decider.Decide(ctx, decider.Request{
		Pod: pod, Namespace: req.Namespace, Size: len(req.Object.Raw), OptIn: h.Entry.optIn(), Created: !dryRun(req),
	})
	if !plan.Changes() && (len(plan.Decisions) == 0 || pod.Annotations[sidecars.StatusKey] != "") {
		return admission.Allowed("") // nothing to do, or all of it done and said before
	}
	h.Metrics.count(plan)
	warnings := plan.Warnings()
	if len(warnings) > 0 && !dryRun(req) {
		h.recordRefusals(req.Namespace, pod, plan)
	}
	log.V(1).Info("pod decided", "pod", podName(pod), "decisions", plan.Decisions)
	return admission.Patched("", plan.Patch()...).WithWarnings(warnings...)
}

// decodePod leaves out what may be as large as the rest of the pod together and
// is not decided by.
func decodePod(raw []byte) (*corev1.Pod, error) {
	var pod struct {
		Metadata struct {
			metav1.ObjectMeta
			ManagedFields leftOut `json:"managedFields"` // hides ObjectMeta's
		} `json:"metadata"`
		Spec corev1.PodSpec `json:"spec"`
	}
	if err := json.UnmarshalCaseSensitivePreserveInts(raw, &pod); err != nil {
		return nil, err
	}
	return &corev1.Pod{ObjectMeta: pod.Metadata.ObjectMeta, Spec: pod.Spec}, nil
}

// leftOut is any JSON, and keeps nothing of it.
type leftOut struct{}

// UnmarshalJSON implements json.Unmarshaler.
func (leftOut) UnmarshalJSON([]byte) error { return nil }

// fail answers for an error of ours: the pod is let through without a sidecar.
func (h *Handler) fail(log logr.Logger, err error) admission.Response {
	h.Metrics.failures.WithLabelValues(string(h.Entry)).Inc()
	log.Error(err, "pod let through without a decision")
	resp := admission.Allowed("")
	resp.Warnings = []string{"outrider: internal error, the pod is admitted without a sidecar; see the controller's log"}
	return resp
}

// HTTP returns what answers AdmissionReviews on the entry's path. Panics and errors
// of the handler never reach the pod; what is not an AdmissionReview at all is
// answered by controller-runtime.
func (h *Handler) HTTP(log logr.Logger) *admission.Webhook {
	log = log.WithValues("entry", h.Entry)
	return &admission.Webhook{
		Handler:      h,
		RecoverPanic: new(bool), // ours does, and answers "allowed"
		LogConstructor: func(_ logr.Logger, req *admission.Request) logr.Logger {
			if req == nil {
				return log
			}
			return log.WithValues("namespace", req.Namespace, "uid", req.UID)
		},
	}
}

func dryRun(req admission.Request) bool { return req.DryRun != nil && *req.DryRun }

func podName(pod *corev1.Pod) string {
	if pod.Name != "" {
		return pod.Name
	}
	return pod.GenerateName
}
