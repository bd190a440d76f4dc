package corpus_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"unicode/utf8"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/events"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/webhook"
	"github.com/outrider-dev/outrider/webhook/decider"
	"github.com/outrider-dev/outrider/webhook/serving"
)

// FuzzAnnotations holds the properties for any annotations of the domain, on the pods of the corpus.
func FuzzAnnotations(f *testing.F) {
	var pods []*corev1.Pod
	for _, c := range cases(f) {
		templates, err := c.Templates()
		if err != nil {
			f.Fatal(err)
		}
		for _, tmpl := range templates {
			for key, value := range tmpl.Pod.Annotations {
				f.Add(uint(len(pods)), tmpl.Pod.Annotations[sidecars.InjectKey], key, value, false)
			}
			for key, value := range c.Namespace.Annotations {
				f.Add(uint(len(pods)), "auto", key, value, true)
			}
			pods = append(pods, tmpl.Pod)
		}
	}
	f.Fuzz(func(t *testing.T, which uint, inject, key, value string, ofNamespace bool) {
		if !utf8.ValidString(inject) || !utf8.ValidString(key) || !utf8.ValidString(value) {
			return // JSON has none
		}
		pod := pods[which%uint(len(pods))].DeepCopy()
		if pod.Annotations == nil {
			pod.Annotations = map[string]string{}
		}
		pod.Annotations[sidecars.InjectKey] = inject
		namespace := sidecars.Namespace{Labels: map[string]string{sidecars.InjectKey: sidecars.InjectEnabled}}
		if ofNamespace {
			namespace.Annotations = map[string]string{key: value}
		} else {
			pod.Annotations[key] = value
		}
		raw, err := json.Marshal(pod)
		if err != nil {
			t.Fatal(err)
		}
		properties(t, raw, namespace)
	})
}

// FuzzExporter holds that whatever definition is taken into the catalog, no container made from it escapes.
func FuzzExporter(f *testing.F) {
	for _, pattern := range []string{"../../sidecars/catalog/*.yaml", "../apiserver/testdata/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			f.Fatalf("%s: %v", pattern, err)
		}
		for _, file := range files {
			raw, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(raw, "container", "6380")
			f.Add(raw, "native", "a\nb: ${port}$(PASSWORD)")
		}
	}
	var pods []*corev1.Pod
	for _, c := range cases(f) {
		if c.Name == "redis-password" || c.Name == "redis-socket" || c.Name == "mysql-envfrom" || c.Name == "guaranteed" {
			templates, err := c.Templates()
			if err != nil {
				f.Fatal(err)
			}
			pods = append(pods, templates[0].Pod)
		}
	}
	if len(pods) != 4 {
		f.Fatalf("%d pods, want 4", len(pods))
	}
	f.Fuzz(func(t *testing.T, raw []byte, placement, value string) {
		e, err := sidecars.Parse(raw)
		if err != nil {
			return
		}
		catalog, err := sidecars.Builtin().With(e)
		if err != nil {
			return
		}
		for _, pod := range pods {
			pod = pod.DeepCopy()
			pod.Annotations = map[string]string{sidecars.InjectKey: e.Name + ",auto", sidecars.PlacementKey: placement}
			for _, p := range e.Spec.Parameters {
				pod.Annotations[e.Name+".outrider.dev/"+p.Name] = value
			}
			in := sidecars.Input{Pod: pod}
			plan := sidecars.NewPlan(in, catalog)
			got := plan.Apply(pod)
			lockedDown(t, pod, got, nil)
			ownTargets(t, got)
			in.Pod = got
			if again := sidecars.NewPlan(in, catalog); again.Changes() {
				t.Errorf("a second admission changes the pod: %s", text(t, again.Patch()))
			}
		}
	})
}

// mostItems of the lists in a review are let in.
const mostItems = 10_000

// FuzzReview posts any bytes to the webhook's port: an object of JSON is answered with an AdmissionReview, which never refuses a pod,
// and anything else with a status of HTTP that says so.
func FuzzReview(f *testing.F) {
	m := http.NewServeMux()
	catalog := sidecars.Builtin()
	counters := webhook.NewMetrics(prometheus.NewRegistry())
	for _, entry := range []webhook.Entry{webhook.Annotated, webhook.OptedIn} {
		m.Handle(string(entry), (&webhook.Handler{
			Entry: entry, Decider: &decider.Decider{Exporters: decider.Fixed(catalog)},
			Metrics: counters, Events: &events.FakeRecorder{},
		}).HTTP(logr.Discard()))
	}
	server := httptest.NewUnstartedServer(nil)
	server.Config = serving.NewServer(serving.Reviews(f.Context(), m))
	server.StartTLS()
	f.Cleanup(server.Close)
	client := server.Client()
	for _, c := range cases(f) {
		templates, err := c.Templates()
		if err != nil {
			f.Fatal(err)
		}
		for _, tmpl := range templates {
			body, err := json.Marshal(admissionReview(tmpl))
			if err != nil {
				f.Fatal(err)
			}
			f.Add(body, true)
		}
	}
	for _, body := range []string{"", "{", "null", "[]", `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}`, `{"request":{"object":7}}`, "a: &a [*a]", "k8s\x00\x01"} {
		f.Add([]byte(body), false)
	}
	f.Fuzz(func(t *testing.T, body []byte, optedIn bool) {
		entry := webhook.Annotated
		if optedIn {
			entry = webhook.OptedIn
		}
		resp, err := client.Post(server.URL+string(entry), "application/json", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		raw, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		if small := len(body) < mostItems; resp.StatusCode != http.StatusOK {
			if resp.StatusCode != http.StatusBadRequest && (small || resp.StatusCode != http.StatusRequestEntityTooLarge) || small && json.Valid(body) && bytes.HasPrefix(body, []byte("{")) {
				t.Errorf("answered with %s", resp.Status)
			}
			return
		}
		var answer admissionv1.AdmissionReview
		if err := json.Unmarshal(raw, &answer); err != nil || answer.Response == nil {
			t.Fatalf("%s is no answer: %v", raw, err)
		}
		if !answer.Response.Allowed && (answer.Response.Result == nil || answer.Response.Result.Code != http.StatusBadRequest) {
			t.Errorf("refused: %s", raw)
		}
		if allowed := answer.Response; allowed.Allowed && len(allowed.Patch) > 0 {
			var ops []map[string]any
			if err := json.Unmarshal(allowed.Patch, &ops); err != nil || *allowed.PatchType != admissionv1.PatchTypeJSONPatch {
				t.Errorf("%s is no patch: %v", allowed.Patch, err)
			}
		}
	})
}
