package main

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"testing"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/client-go/tools/events"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/webhook"
	"github.com/outrider-dev/outrider/webhook/decider"
)

// response is an http.ResponseWriter that costs nothing.
type response struct{ bytes.Buffer }

func (*response) Header() http.Header { return http.Header{} }
func (*response) WriteHeader(int)     {}

func newOutrider() http.Handler {
	h := &webhook.Handler{
		Entry: webhook.Annotated, Decider: &decider.Decider{Exporters: decider.Fixed(sidecars.Builtin())},
		Metrics: webhook.NewMetrics(prometheus.NewRegistry()), Events: &events.FakeRecorder{},
	}
	m := http.NewServeMux()
	m.Handle(string(h.Entry), h.HTTP(logr.FromSlogHandler(slog.NewJSONHandler(io.Discard, nil))))
	return m
}

// BenchmarkAlternatives has the one review answered by Outrider and by what could
// stand in its place, without a network.
func BenchmarkAlternatives(b *testing.B) {
	review, err := os.ReadFile(golden)
	if err != nil {
		b.Fatal(err)
	}
	for _, alternative := range []struct {
		name    string
		handler http.Handler
		patches bool
	}{{"outrider", newOutrider(), true}, {"naive", newNaive(), true}, {"fixed", newFixed(), true}, {"envelope", newEnvelope(), false}} {
		b.Run("handler="+alternative.name, func(b *testing.B) {
			body, out := bytes.NewReader(review), &response{}
			req := &http.Request{Method: http.MethodPost, URL: &url.URL{Path: string(webhook.Annotated)}, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(body)}
			answer := func() {
				body.Reset(review)
				out.Reset()
				alternative.handler.ServeHTTP(out, req)
			}
			answer()
			if err := (handler{patches: alternative.patches}).check(out.Bytes()); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				answer()
			}
		})
	}
}
