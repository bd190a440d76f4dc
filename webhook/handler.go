package webhook

import (
	"context"
	"fmt"
	"net/http"
	"runtime/debug"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
	"sigs.k8s.io/json"

	"github.com/outrider-dev/outrider/sidecars"
)

// Entry is one entry of the MutatingWebhookConfiguration, by the path it calls.
type Entry string

// The entries. Their selectors exclude each other, so that a pod is sent once.
const (
	// Annotated is called for pods with an annotation of ours, outside of
	// opted-in namespaces.
	Annotated Entry = "/inject/annotated"
	// OptedIn is called for pods in namespaces that are opted in: those labelled
	// outrider.dev/inject: enabled, or all that are not labelled disabled.
	OptedIn Entry = "/inject/opted-in"
)

// Handler answers the admission of pods on one Entry. It is safe for
// concurrent use.
type Handler struct {
	// Entry that this handler serves.
	Entry Entry
	// Catalog gives the exporters in force; it is asked for every pod.
	Catalog func() sidecars.Catalog
	// Budget gives what a namespace's policies leave. An error means that it is
	// not known, and that nothing is held against the pod. Nil leaves everything.
	Budget func(ctx context.Context, namespace string) (sidecars.Budget, error)
	// Namespace gives the annotations of a pod's namespace. An error means that
	// they are not known, and that the pod is decided for without them. Nil gives
	// none.
	Namespace func(ctx context.Context, name string) (map[string]string, error)
	// Breaker holds back exporters that do not work at present. Nil holds back none.
	Breaker Breaker
	// Settings are the same for all pods.
	Settings sidecars.Settings
	// Metrics counts what is decided. Required.
	Metrics *Metrics
	// Events tells owners what their pods did not get. Required.
	Events Recorder
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
	in := sidecars.Input{Pod: pod, Size: len(req.Object.Raw), Settings: h.Settings}
	if h.Entry == OptedIn {
		in.Namespace.Labels = optedIn
	}
	if !sidecars.Asked(in, h.Catalog()) {
		return admission.Allowed("") // before anything is looked up
	}
	h.consult(ctx, log, req.Namespace, &in)
	plan := h.plan(in, req.Namespace, dryRun(req))
	if !plan.Changes() && (len(plan.Decisions) == 0 || pod.Annotations[sidecars.StatusKey] != "") {
		return admission.Allowed("") // nothing to do, or all of it done and said before
	}
	h.Metrics.count(plan)
	warnings := plan.Warnings()
	if len(warnings) > 0 && !dryRun(req) {
		h.tellOwner(req.Namespace, pod, plan)
	}
	log.V(1).Info("pod decided", "pod", podName(pod), "decisions", plan.Decisions)
	return admission.Patched("", plan.Patch()...).WithWarnings(warnings...)
}

// optedIn are the labels of a namespace that the path OptedIn tells of.
var optedIn = map[string]string{sidecars.InjectKey: sidecars.InjectEnabled}

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

// consult adds what is known of the pod's namespace.
func (h *Handler) consult(ctx context.Context, log logr.Logger, namespace string, in *sidecars.Input) {
	var err error
	if h.Namespace != nil {
		if in.Namespace.Annotations, err = h.Namespace(ctx, namespace); err != nil {
			log.Error(err, "decided without the namespace's annotations")
		}
	}
	if h.Budget != nil {
		if in.Budget, err = h.Budget(ctx, namespace); err != nil {
			log.Error(err, "decided without the namespace's policies")
		}
	}
}

// fail answers for an error of ours: the pod is let through without a sidecar.
func (h *Handler) fail(log logr.Logger, err error) admission.Response {
	h.Metrics.failures.WithLabelValues(string(h.Entry)).Inc()
	log.Error(err, "pod let through without a decision")
	resp := admission.Allowed("")
	resp.Warnings = []string{"outrider: internal error, the pod is admitted without a sidecar; see the controller's log"}
	return resp
}

// Register puts a handler for each entry on the mux of the webhook server.
// Panics and errors of the handlers never reach the pod; what is not an
// AdmissionReview at all is answered by controller-runtime.
func Register(server Server, log logr.Logger, handlers ...*Handler) {
	for _, h := range handlers {
		log := log.WithValues("entry", h.Entry)
		server.Register(string(h.Entry), &admission.Webhook{
			Handler:      h,
			RecoverPanic: new(bool), // ours does, and answers "allowed"
			LogConstructor: func(_ logr.Logger, req *admission.Request) logr.Logger {
				if req == nil {
					return log
				}
				return log.WithValues("namespace", req.Namespace, "uid", req.UID)
			},
		})
	}
}

// Server is where handlers are registered: controller-runtime's webhook.Server.
type Server interface {
	Register(path string, hook http.Handler)
}

func dryRun(req admission.Request) bool { return req.DryRun != nil && *req.DryRun }

func podName(pod *corev1.Pod) string {
	if pod.Name != "" {
		return pod.Name
	}
	return pod.GenerateName
}
