package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"

	"github.com/go-logr/logr"
	"gomodules.xyz/jsonpatch/v2"
	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/outrider-dev/outrider/sidecars"
)

// The paths at which the alternatives are served.
const (
	naivePath = "/naive"
	fixedPath = "/fixed"
	echoPath  = "/echo"
)

// newNaive is how controller-runtime's own example injects: decode the pod, change
// it, encode it, and let a diff find out what was changed. What it adds is what
// Outrider adds.
func newNaive() http.Handler {
	scheme := runtime.NewScheme()
	_ = corev1.AddToScheme(scheme) // fails only for types that are registered twice
	decoder, catalog := admission.NewDecoder(scheme), sidecars.Builtin()
	return newWebhook(func(_ context.Context, req admission.Request) admission.Response {
		pod := &corev1.Pod{}
		if err := decoder.Decode(req, pod); err != nil {
			return admission.Errored(http.StatusBadRequest, err)
		}
		metav1.SetMetaDataAnnotation(&pod.ObjectMeta, sidecars.InjectKey, "redis") // which an annotated pod has already
		pod = sidecars.NewPlan(sidecars.Input{Pod: pod}, catalog).Apply(pod)
		raw, err := json.Marshal(pod)
		if err != nil {
			return admission.Errored(http.StatusInternalServerError, err)
		}
		return admission.PatchResponseFromRaw(req.Object.Raw, raw)
	})
}

// newFixed adds one container, which it has ready, to any pod: what remains of an
// injector with controller-runtime's typed decoder when nothing is recognized,
// decided, told or counted.
func newFixed() http.Handler {
	scheme := runtime.NewScheme()
	_ = corev1.AddToScheme(scheme)
	decoder := admission.NewDecoder(scheme)
	sample := newPod("", nil, map[string]string{sidecars.InjectKey: "redis"})
	planned := sidecars.NewPlan(sidecars.Input{Pod: sample}, sidecars.Builtin()).Apply(sample)
	container := planned.Spec.Containers[len(planned.Spec.Containers)-1]
	return newWebhook(func(_ context.Context, req admission.Request) admission.Response {
		if err := decoder.Decode(req, &corev1.Pod{}); err != nil {
			return admission.Errored(http.StatusBadRequest, err)
		}
		return admission.Patched("", jsonpatch.NewOperation("add", "/spec/containers/-", container))
	})
}

// newEnvelope is controller-runtime's part of every answer, and nothing else.
func newEnvelope() http.Handler {
	return newWebhook(func(context.Context, admission.Request) admission.Response { return admission.Allowed("") })
}

func newWebhook(handle admission.HandlerFunc) http.Handler {
	return &admission.Webhook{Handler: handle, LogConstructor: func(logr.Logger, *admission.Request) logr.Logger { return logr.Discard() }}
}

// newEcho is the floor: it reads the review and allows it, and decodes nothing but
// what the answer must repeat.
func newEcho(uid types.UID) http.Handler {
	answer, err := json.Marshal(admissionv1.AdmissionReview{TypeMeta: reviewType, Response: &admissionv1.AdmissionResponse{UID: uid, Allowed: true}})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, readErr := io.Copy(io.Discard, r.Body); readErr != nil || err != nil {
			http.Error(w, "the review cannot be read", http.StatusBadRequest)
			return
		}
		_, _ = w.Write(answer) // the client sees what is missing
	})
}

// address of the alternatives, and the authority that their certificate is of.
type address struct {
	URL       string
	Authority []byte // PEM
}

// serveAlternatives serves them over TLS until the process is asked to
// stop, and writes its address to the standard output.
func serveAlternatives(ctx context.Context) error {
	mux := http.NewServeMux()
	mux.Handle(naivePath, newNaive())
	mux.Handle(fixedPath, newFixed())
	mux.Handle(echoPath, newEcho(reviewUID))
	server := httptest.NewUnstartedServer(mux)
	server.StartTLS()
	defer server.Close()
	if err := json.NewEncoder(os.Stdout).Encode(address{URL: server.URL, Authority: encodeCertificate(server.Certificate())}); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// startAlternatives runs this program a second time to serve them: like the
// controller they then share no heap with who asks.
func (s *stage) startAlternatives(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, self, "-serve")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := s.start(cmd); err != nil {
		return fmt.Errorf("start the alternatives: %w", err)
	}
	if err := json.NewDecoder(out).Decode(&s.alternatives); err != nil {
		return fmt.Errorf("read the alternatives' address: %w", err)
	}
	return s.configureNaive(ctx)
}
