package corpus_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/test/corpus"
	"github.com/outrider-dev/outrider/webhook"
	"github.com/outrider-dev/outrider/webhook/decider"
)

// namespaces are those of the corpus, by name.
type namespaces map[string]sidecars.Namespace

func (n namespaces) Namespace(_ context.Context, name string) (sidecars.Namespace, error) {
	return n[name], nil
}

// TestWebhookOverHTTP sends every case to the handlers as the API server does
// and compares what comes back with the goldens.
func TestWebhookOverHTTP(t *testing.T) {
	m := http.NewServeMux()
	catalog := sidecars.Builtin()
	counters := webhook.NewMetrics(prometheus.NewRegistry())
	known := namespaces{}
	for _, c := range cases(t) {
		templates, err := c.Templates()
		if err != nil {
			t.Fatal(err)
		}
		for _, tmpl := range templates {
			known[tmpl.Namespace] = c.Namespace
		}
	}
	for _, entry := range []webhook.Entry{webhook.Annotated, webhook.OptedIn} {
		m.Handle(string(entry), (&webhook.Handler{
			Entry: entry, Decider: &decider.Decider{Exporters: decider.Fixed(catalog), Namespaces: known},
			Metrics: counters, Events: &events.FakeRecorder{},
		}).HTTP(logr.Discard()))
	}
	server := httptest.NewServer(m)
	defer server.Close()
	for _, c := range cases(t) {
		t.Run(c.Name, func(t *testing.T) {
			entry := webhook.Annotated
			if c.Namespace.Labels[sidecars.InjectKey] == sidecars.InjectEnabled {
				entry = webhook.OptedIn
			}
			got, err := c.Render(func(tmpl corpus.Template) ([]byte, error) {
				resp := review(t, server.URL+string(entry), tmpl)
				want := sidecars.NewPlan(sidecars.Input{Pod: tmpl.Pod, Namespace: c.Namespace}, catalog).Warnings()
				if diff := cmp.Diff(want, resp.Warnings); diff != "" {
					t.Errorf("%s: warnings (-want +got):\n%s", tmpl.Name, diff)
				}
				return resp.Patch, nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(c.Injected), string(got)); diff != "" {
				t.Errorf("the webhook's answer differs from the golden (-golden +got):\n%s", diff)
			}
		})
	}
}

// admissionReview is what the API server sends when a pod is created.
func admissionReview(tmpl corpus.Template) admissionv1.AdmissionReview {
	return admissionv1.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"},
		Request: &admissionv1.AdmissionRequest{
			UID: "u", Operation: admissionv1.Create, Namespace: tmpl.Namespace,
			Resource: metav1.GroupVersionResource{Version: "v1", Resource: "pods"},
			Object:   runtime.RawExtension{Raw: tmpl.Raw},
		},
	}
}

// review has a pod admitted.
func review(t *testing.T, url string, tmpl corpus.Template) *admissionv1.AdmissionResponse {
	t.Helper()
	body, err := json.Marshal(admissionReview(tmpl))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Post(url, "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer admissionv1.AdmissionReview
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	if answer.Response == nil || !answer.Response.Allowed || answer.Response.UID != "u" {
		t.Fatalf("%s %s: %+v", tmpl.Kind, tmpl.Name, answer.Response)
	}
	return answer.Response
}
