package apiserver_test

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admission/v1"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/outrider-dev/outrider/sidecars"
)

// injector stands for the injector of a mesh: it adds the mesh's proxy, and gives it the ports that an annotation excludes
// at that moment, as the real ones do once for each pod.
type injector struct {
	configuration, entry string // names of the real one
	proxy, annotation    string
}

var (
	istio   = injector{"istio-sidecar-injector", "namespace.sidecar-injector.istio.io", "istio-proxy", "traffic.sidecar.istio.io/excludeInboundPorts"}
	linkerd = injector{"linkerd-proxy-injector-webhook-config", "linkerd-proxy-injector.linkerd.io", "linkerd-proxy", "config.linkerd.io/skip-inbound-ports"}
)

// excluded is the variable of the stub's proxy.
const excluded = "EXCLUDED"

// TestMeshesSeeTheExclusion has stub injectors, under the names of the real ones, called for pods that get exporters: they
// are called after Outrider, in whatever order the configurations were made, and so see the exporters' ports. One that is
// called before Outrider does not.
func TestMeshesSeeTheExclusion(t *testing.T) {
	c := client(t)
	early := istio
	early.configuration = "00-" + istio.configuration // sorts before 00-outrider
	for name, tc := range map[string]struct {
		injectors   []injector
		before      bool // Outrider's configuration is made again after them
		annotations map[string]string
		want        map[string]string
	}{
		"made after":  {injectors: []injector{istio, linkerd}, want: map[string]string{"istio-proxy": "9121", "linkerd-proxy": "9121"}},
		"made before": {injectors: []injector{linkerd, istio}, before: true, want: map[string]string{"istio-proxy": "9121", "linkerd-proxy": "9121"}},
		"appended": {injectors: []injector{istio, linkerd}, annotations: map[string]string{istio.annotation: "9999", linkerd.annotation: "1,2"},
			want: map[string]string{"istio-proxy": "9999,9121", "linkerd-proxy": "1,2,9121"}},
		"kept": {injectors: []injector{istio, linkerd}, annotations: map[string]string{sidecars.MeshKey: sidecars.MeshKeep},
			want: map[string]string{"istio-proxy": "", "linkerd-proxy": ""}},
		"called before Outrider": {injectors: []injector{early, linkerd}, want: map[string]string{"istio-proxy": "", "linkerd-proxy": "9121"}},
	} {
		t.Run(name, func(t *testing.T) {
			injecting(t, c)
			ns := namespaceLike(t, c, sidecars.Namespace{Labels: map[string]string{"istio-injection": "enabled"}, Annotations: map[string]string{"linkerd.io/inject": "enabled"}})
			for _, i := range tc.injectors {
				i.install(t, c, ns)
			}
			if tc.before {
				again(t, c)
			}
			pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Annotations: map[string]string{sidecars.InjectKey: "redis"}},
				Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "redis", Image: "redis:7"}}}}
			for key, value := range tc.annotations {
				pod.Annotations[key] = value
			}
			eventually(t, func() string { // the API server takes new configurations into account a moment later
				pod.GenerateName = "db-"
				made, err := c.CoreV1().Pods(ns).Create(t.Context(), pod.DeepCopy(), metav1.CreateOptions{})
				if err != nil {
					return err.Error()
				}
				got := map[string]string{}
				injected := false
				for _, of := range made.Spec.Containers {
					injected = injected || of.Name == "outrider-redis"
					if strings.HasSuffix(of.Name, "-proxy") {
						got[of.Name] = of.Env[0].Value
					}
				}
				if !injected {
					return "no exporter"
				}
				return cmp.Diff(tc.want, got)
			})
		})
	}
}

// install serves the stub and has the API server call it for the pods of a namespace, until the test ends.
func (i injector) install(t *testing.T, c kubernetes.Interface, ns string) {
	t.Helper()
	server := httptest.NewTLSServer(i)
	t.Cleanup(server.Close)
	url := server.URL + "/inject"
	fail, none, never := admissionregistrationv1.Fail, admissionregistrationv1.SideEffectClassNone, admissionregistrationv1.NeverReinvocationPolicy
	config := &admissionregistrationv1.MutatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: i.configuration},
		Webhooks: []admissionregistrationv1.MutatingWebhook{{
			Name:                    i.entry,
			ClientConfig:            admissionregistrationv1.WebhookClientConfig{URL: &url, CABundle: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})},
			FailurePolicy:           &fail,
			SideEffects:             &none,
			ReinvocationPolicy:      &never,
			AdmissionReviewVersions: []string{"v1"},
			NamespaceSelector:       &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: ns}},
			Rules: []admissionregistrationv1.RuleWithOperations{{
				Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create},
				Rule:       admissionregistrationv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"pods"}},
			}},
		}},
	}
	configs := c.AdmissionregistrationV1().MutatingWebhookConfigurations()
	must(t)(configs.Create(t.Context(), config, metav1.CreateOptions{}))
	t.Cleanup(func() { _ = configs.Delete(context.Background(), i.configuration, metav1.DeleteOptions{}) })
}

// ServeHTTP answers an AdmissionReview.
func (i injector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var review admissionv1.AdmissionReview
	var pod corev1.Pod
	err := json.NewDecoder(r.Body).Decode(&review)
	if err == nil {
		err = json.Unmarshal(review.Request.Object.Raw, &pod)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	proxy := corev1.Container{Name: i.proxy, Image: "example.com/proxy:1", Env: []corev1.EnvVar{{Name: excluded, Value: pod.Annotations[i.annotation]}}}
	patch, err := json.Marshal([]map[string]any{{"op": "add", "path": "/spec/containers/-", "value": proxy}})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	kind := admissionv1.PatchTypeJSONPatch
	review.Response = &admissionv1.AdmissionResponse{UID: review.Request.UID, Allowed: true, Patch: patch, PatchType: &kind}
	review.Request = nil
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(review)
}

// again makes Outrider's configuration anew, and so the youngest.
func again(t *testing.T, c kubernetes.Interface) {
	t.Helper()
	configs := c.AdmissionregistrationV1().MutatingWebhookConfigurations()
	config, err := configs.Get(t.Context(), "00-outrider", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := configs.Delete(t.Context(), config.Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	config.ObjectMeta = metav1.ObjectMeta{Name: config.Name, Labels: config.Labels, Annotations: config.Annotations}
	must(t)(configs.Create(t.Context(), config, metav1.CreateOptions{}))
}
