package webhook_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/webhook"
	"github.com/outrider-dev/outrider/webhook/decider"
)

// events records what is said to owners.
type events []string

func (e *events) Eventf(regarding, _ runtime.Object, _, reason, _, note string, args ...any) {
	owner := regarding.(*corev1.ObjectReference)
	*e = append(*e, fmt.Sprintf("%s/%s in %s: %s: ", owner.Kind, owner.Name, owner.Namespace, reason)+fmt.Sprintf(note, args...))
}

func newHandler(entry webhook.Entry) (*webhook.Handler, *events, *prometheus.Registry) {
	registry := prometheus.NewRegistry()
	said := &events{}
	return &webhook.Handler{
		Entry:   entry,
		Decider: &decider.Decider{Exporters: decider.Fixed(sidecars.Builtin())},
		Metrics: webhook.NewMetrics(registry),
		Events:  said,
	}, said, registry
}

func request(raw string) admission.Request {
	return admission.Request{AdmissionRequest: admissionv1.AdmissionRequest{
		UID: "1", Namespace: "shop", Object: runtime.RawExtension{Raw: []byte(raw)},
	}}
}

const (
	asksRedis  = `{"metadata":{"name":"p","annotations":{"outrider.dev/inject":"redis"}},"spec":{"containers":[{"name":"app","image":"redis:7","field":"of the future"}]}}`
	plain      = `{"metadata":{"name":"p"},"spec":{"containers":[{"name":"app","image":"redis:7"}]}}`
	misspelled = `{"metadata":{"generateName":"p-","annotations":{"outrider.dev/inject":"rediss"},"ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"shop-1","uid":"u","controller":true}]},"spec":{"containers":[{"name":"app","image":"x"}]}}`
)

func TestHandle(t *testing.T) {
	for name, tc := range map[string]struct {
		entry    webhook.Entry
		raw      string
		patched  bool
		warnings []string
		events   events
		metric   string
	}{
		"injects": {entry: webhook.Annotated, raw: asksRedis, patched: true,
			metric: `outrider_decisions_total{exporter="redis",outcome="injected",reason="Annotated"} 1`},
		"opted in by the path": {entry: webhook.OptedIn, raw: plain, patched: true,
			metric: `outrider_decisions_total{exporter="redis",outcome="injected",reason="Recognized"} 1`},
		"nothing asked": {entry: webhook.Annotated, raw: plain},
		"misspelled": {entry: webhook.Annotated, raw: misspelled, patched: true,
			warnings: []string{`outrider: there is no exporter "rediss"; did you mean redis?`},
			events:   events{`ReplicaSet/shop-1 in shop: UnknownExporter: there is no exporter "rediss"; did you mean redis?`},
			metric:   `outrider_decisions_total{exporter="unknown",outcome="refused",reason="UnknownExporter"} 1`},
		"not a pod": {entry: webhook.Annotated, raw: `{"spec":[]}`,
			warnings: []string{"outrider: internal error, the pod is admitted without a sidecar; see the controller's log"},
			metric:   `outrider_admission_failures_total{entry="/inject/annotated"} 1`},
		"nothing at all": {entry: webhook.Annotated, raw: ``,
			warnings: []string{"outrider: internal error, the pod is admitted without a sidecar; see the controller's log"}},
	} {
		t.Run(name, func(t *testing.T) {
			h, said, registry := newHandler(tc.entry)
			resp := h.Handle(t.Context(), request(tc.raw))
			if !resp.Allowed {
				t.Errorf("not allowed: %v", resp.Result)
			}
			if got := len(resp.Patches) > 0; got != tc.patched {
				t.Errorf("patched %v, want %v", got, tc.patched)
			}
			if diff := cmp.Diff(tc.warnings, resp.Warnings); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.events, *said, equateEmpty); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			if tc.metric != "" && !strings.Contains(exposition(t, registry), tc.metric) {
				t.Errorf("no %s in\n%s", tc.metric, exposition(t, registry))
			}
		})
	}
}

var equateEmpty = cmp.Transformer("", func(e events) []string { return append([]string{}, e...) })

func exposition(t *testing.T, r *prometheus.Registry) string {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(&b, f); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

type broken struct{}

func (broken) Catalog() sidecars.Catalog { panic("broken") }

func TestPanicLetsThePodThrough(t *testing.T) {
	h, _, registry := newHandler(webhook.Annotated)
	h.Decider.Exporters = broken{}
	resp := h.Handle(t.Context(), request(asksRedis))
	if !resp.Allowed || len(resp.Patches) != 0 || len(resp.Warnings) != 1 {
		t.Errorf("response %+v, want allowed with one warning", resp)
	}
	if want := `outrider_admission_failures_total{entry="/inject/annotated"} 1`; !strings.Contains(exposition(t, registry), want) {
		t.Errorf("no %s", want)
	}
}

func TestDryRunSaysNothingToOwners(t *testing.T) {
	h, said, _ := newHandler(webhook.Annotated)
	req, yes := request(misspelled), true
	req.DryRun = &yes
	if resp := h.Handle(t.Context(), req); len(resp.Warnings) != 1 {
		t.Errorf("warnings %v, want one", resp.Warnings)
	}
	if len(*said) != 0 {
		t.Errorf("a dry run wrote events: %v", *said)
	}
}

// sources are a cluster's caches.
type sources struct {
	looks     int
	asked     string // the last namespace
	namespace sidecars.Namespace
	err       error
}

func (s *sources) Namespace(_ context.Context, name string) (sidecars.Namespace, error) {
	s.looks++
	s.asked = name
	return s.namespace, s.err
}

func (s *sources) Budget(context.Context, string) (sidecars.Budget, error) {
	s.looks++
	return sidecars.Budget{}, nil
}

// Where there is nothing to decide, the caches of the cluster are left alone.
func TestNothingIsLookedUpForNothing(t *testing.T) {
	const foreign = `{"metadata":{"name":"p","annotations":{"example.org/a":"b"}},"spec":{"containers":[{"name":"app","image":"x"}]}}`
	for name, tc := range map[string]struct {
		entry webhook.Entry
		raw   string
		looks int
	}{
		"not asked":                {webhook.Annotated, foreign, 0},
		"opted in, not recognized": {webhook.OptedIn, foreign, 0},
		"opted in, recognized":     {webhook.OptedIn, plain, 2},
		"asked":                    {webhook.Annotated, asksRedis, 2},
		"asked in vain":            {webhook.Annotated, misspelled, 2},
	} {
		t.Run(name, func(t *testing.T) {
			h, _, _ := newHandler(tc.entry)
			looked := &sources{}
			h.Decider.Namespaces, h.Decider.Budgets = looked, looked
			h.Handle(t.Context(), request(tc.raw))
			if looked.looks != tc.looks {
				t.Errorf("%d looks, want %d", looked.looks, tc.looks)
			}
		})
	}
}

// A namespace that cannot be read costs its pods the defaults and nothing else.
func TestPodsAreDecidedWithoutTheirNamespace(t *testing.T) {
	for name, tc := range map[string]struct {
		annotations map[string]string
		err         error
		address     string
	}{
		"known":   {map[string]string{"redis.outrider.dev/port": "7000"}, nil, "tcp://127.0.0.1:7000"},
		"unknown": {nil, errors.New("not there"), "tcp://127.0.0.1:6379"},
	} {
		h, _, _ := newHandler(webhook.Annotated)
		known := &sources{namespace: sidecars.Namespace{Annotations: tc.annotations}, err: tc.err}
		h.Decider.Namespaces = known
		resp := h.Handle(t.Context(), request(asksRedis))
		patch, err := json.Marshal(resp.Patches)
		if err != nil {
			t.Fatal(err)
		}
		if known.asked != "shop" || !resp.Allowed || !strings.Contains(string(patch), tc.address) {
			t.Errorf("%s: asked for %q, allowed %t, want %s in %s", name, known.asked, resp.Allowed, tc.address, patch)
		}
	}
}
