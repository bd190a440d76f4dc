package webhook_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/webhook"
)

// scenario is a review whose cost is measured and bounded, controller-runtime's
// part of the answer included.
type scenario struct {
	name  string
	entry webhook.Entry
	// pod changes the pod of testdata/review.json, which is one that an API server
	// sent: annotated redis, with managedFields. Nil leaves it.
	pod func(*corev1.Pod)
	// injected is how many containers come with the answer, and warnings how many
	// warnings: none of the pod's containers looks like what is asked for.
	injected, warnings int
	// allocations and bytes are the most that one answer may cost: a tenth above
	// what was measured, so that a change for the worse is seen.
	allocations, bytes int64
}

var scenarios = []scenario{
	{name: "not requested", entry: webhook.Annotated, pod: annotate(""), injected: 0, allocations: 350, bytes: 56 << 10},
	{name: "one exporter", entry: webhook.Annotated, injected: 1, warnings: 1, allocations: 450, bytes: 64 << 10},
	{name: "five exporters", entry: webhook.Annotated, pod: annotate("redis,nginx,memcached,apache,postgres"), injected: 5, warnings: 3, allocations: 720, bytes: 108 << 10},
	{name: "200 containers", entry: webhook.Annotated, pod: containers(200), injected: 1, warnings: 1, allocations: 14000, bytes: 2200 << 10},
	{name: "1 MiB of managedFields", entry: webhook.Annotated, pod: managed(1 << 20), injected: 1, warnings: 1, allocations: 480, bytes: 3600 << 10},
	{name: "opted in and recognized", entry: webhook.OptedIn, pod: redis, injected: 1, allocations: 450, bytes: 64 << 10},
	{name: "opted in and not recognized", entry: webhook.OptedIn, pod: annotate(""), injected: 0, allocations: 350, bytes: 56 << 10},
}

// annotate asks for exporters, or for nothing.
func annotate(inject string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		delete(p.Annotations, sidecars.InjectKey)
		if inject != "" {
			p.Annotations[sidecars.InjectKey] = inject
		}
	}
}

// containers gives the pod n of them.
func containers(n int) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		like := p.Spec.Containers[0]
		p.Spec.Containers = nil
		for i := range n {
			like.Name, like.Ports = fmt.Sprintf("app-%d", i), nil
			p.Spec.Containers = append(p.Spec.Containers, like)
		}
	}
}

// managed gives the pod so many managedFields that it has the given size, which
// is that of the largest that is injected.
func managed(size int) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		raw, err := json.Marshal(p)
		if err != nil {
			panic(err)
		}
		var fields strings.Builder
		fields.WriteString(`{"f:metadata":{"f:annotations":{".":{}`)
		for i := 0; fields.Len() < size-len(raw)-200; i++ {
			fmt.Fprintf(&fields, `,"f:example.org/key-%d":{}`, i)
		}
		fields.WriteString(`}}}`)
		p.ManagedFields = append(p.ManagedFields, metav1.ManagedFieldsEntry{
			Manager: "many", Operation: "Update", APIVersion: "v1", FieldsType: "FieldsV1", FieldsV1: metav1.NewFieldsV1(fields.String()),
		})
	}
}

// redis makes the first container one that is recognized.
func redis(p *corev1.Pod) {
	annotate("")(p)
	p.Spec.Containers[0].Image, p.Spec.Containers[0].Args = "docker.io/library/redis:7.0.15", nil
}

// review is the scenario's AdmissionReview.
func (s scenario) review(t testing.TB) []byte {
	t.Helper()
	raw, err := os.ReadFile("testdata/review.json")
	if err != nil {
		t.Fatal(err)
	}
	if s.pod == nil {
		return raw
	}
	var review admissionv1.AdmissionReview
	var pod corev1.Pod
	if err := json.Unmarshal(raw, &review); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(review.Request.Object.Raw, &pod); err != nil {
		t.Fatal(err)
	}
	s.pod(&pod)
	if review.Request.Object.Raw, err = json.Marshal(&pod); err != nil {
		t.Fatal(err)
	}
	if raw, err = json.Marshal(&review); err != nil {
		t.Fatal(err)
	}
	return raw
}

// response is an http.ResponseWriter that costs nothing.
type response struct{ bytes.Buffer }

func (*response) Header() http.Header { return http.Header{} }
func (*response) WriteHeader(int)     {}

// answering returns a function that has the scenario's review answered, without
// a network, and checks the first answer.
func (s scenario) answering(t testing.TB) func() {
	t.Helper()
	h, _, _ := newHandler(s.entry)
	m, review := http.NewServeMux(), s.review(t)
	m.Handle(string(s.entry), h.HTTP(logr.FromSlogHandler(slog.NewJSONHandler(io.Discard, nil)))) // as the controller logs
	body, out := bytes.NewReader(review), &response{}
	req := &http.Request{Method: http.MethodPost, URL: &url.URL{Path: string(s.entry)}, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(body)}
	answer := func() []byte {
		body.Reset(review)
		out.Reset()
		m.ServeHTTP(out, req)
		return out.Bytes()
	}
	var got admissionv1.AdmissionReview
	if err := json.Unmarshal(answer(), &got); err != nil {
		t.Fatal(err)
	}
	if r := got.Response; r == nil || !r.Allowed || len(r.Warnings) != s.warnings || strings.Count(string(r.Patch), `"path":"/spec/containers/-"`) != s.injected {
		t.Fatalf("%s: %+v, want %d containers", s.name, got.Response, s.injected)
	}
	return func() { answer() }
}

// TestAllocations holds each scenario to its budget.
func TestAllocations(t *testing.T) {
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			allocations, size := cost(s.answering(t))
			t.Logf("figure: %d allocations, %d bytes, review of %d bytes", allocations, size, len(s.review(t)))
			if allocations > s.allocations {
				t.Errorf("%d allocations, the budget is %d", allocations, s.allocations)
			}
			if size > s.bytes {
				t.Errorf("%d bytes, the budget is %d", size, s.bytes)
			}
		})
	}
}

// cost is what one call allocates, in allocations and bytes.
func cost(f func()) (allocations, bytes int64) {
	const runs = 20
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // nothing else allocates meanwhile
	f()                                             // fills what is made once
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range runs {
		f()
	}
	runtime.ReadMemStats(&after)
	return int64(after.Mallocs-before.Mallocs) / runs, int64(after.TotalAlloc-before.TotalAlloc) / runs
}

func BenchmarkReview(b *testing.B) {
	for _, s := range scenarios {
		b.Run(strings.ReplaceAll(s.name, " ", "-"), func(b *testing.B) {
			answer := s.answering(b)
			b.ReportAllocs()
			for b.Loop() {
				answer()
			}
		})
	}
}
