package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	admissionv1 "k8s.io/api/admission/v1"

	"github.com/outrider-dev/outrider/test/cluster/progress"
	"github.com/outrider-dev/outrider/webhook"
)

// handler is a server that the same review is sent to.
type handler struct {
	name, url string
	tls       *tls.Config
	patches   bool
}

// handlers are the alternatives and the controller.
func (s *stage) handlers(ctx context.Context) ([]handler, error) {
	authority, err := s.authority(ctx)
	if err != nil {
		return nil, err
	}
	alternatives := trusting(s.alternatives.Authority, "")
	return []handler{
		{name: "echo", url: s.alternatives.URL + echoPath, tls: alternatives},
		{name: "outrider", url: "https://" + s.webhook + string(webhook.Annotated), tls: trusting(authority, serverName), patches: true},
		{name: "fixed handler", url: s.alternatives.URL + fixedPath, tls: alternatives, patches: true},
		{name: "naive handler", url: s.alternatives.URL + naivePath, tls: alternatives, patches: true},
	}, nil
}

func trusting(authority []byte, name string) *tls.Config {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority)
	return &tls.Config{RootCAs: pool, ServerName: name, MinVersion: tls.VersionTLS13}
}

// roundTrips is a measurement: the review is sent over so many connections, one
// request at a time on each, in blocks whose order is random in each round.
type roundTrips struct {
	connections, rounds, block int
}

// rate is what became of one handler's requests.
type rate struct {
	times []time.Duration
	took  time.Duration // of all blocks together
}

// measure returns each handler's figures, by its name.
func (r roundTrips) measure(ctx context.Context, s *stage, review []byte) (map[string]rate, error) {
	handlers, err := s.handlers(ctx)
	if err != nil {
		return nil, err
	}
	defer progress.Start(ctx, "send %d reviews over %d connections", r.rounds*r.block*len(handlers), r.connections)()
	clients := map[string][]*http.Client{}
	for _, h := range handlers {
		for range r.connections {
			transport := &http.Transport{TLSClientConfig: h.tls}
			defer transport.CloseIdleConnections()
			clients[h.name] = append(clients[h.name], &http.Client{Transport: transport, Timeout: patience})
		}
		if _, err := r.run(ctx, h, clients[h.name], review); err != nil { // connects, and warms up
			return nil, err
		}
	}
	rates := map[string]rate{}
	before, err := s.spent()
	if err != nil {
		return nil, err
	}
	for range r.rounds {
		for _, i := range rand.Perm(len(handlers)) {
			h := handlers[i]
			began := time.Now()
			times, err := r.run(ctx, h, clients[h.name], review)
			if err != nil {
				return nil, err
			}
			sum := rates[h.name]
			rates[h.name] = rate{append(sum.times, times...), sum.took + time.Since(began)}
		}
	}
	after, err := s.spent()
	if err != nil {
		return nil, err
	}
	if got := after.called - before.called; got != r.rounds*r.block {
		return nil, fmt.Errorf("the controller counts %d calls of %d", got, r.rounds*r.block)
	}
	return rates, nil
}

// run sends one block. It is an error if one is not answered as it must be.
func (r roundTrips) run(ctx context.Context, h handler, clients []*http.Client, review []byte) ([]time.Duration, error) {
	times, failed := make([]time.Duration, r.block), make([]error, len(clients))
	var all sync.WaitGroup
	for worker, client := range clients {
		all.Go(func() {
			for i := worker; i < r.block && failed[worker] == nil; i += len(clients) {
				began := time.Now()
				answer, err := post(ctx, client, h.url, review)
				times[i] = time.Since(began)
				if err == nil {
					err = h.check(answer)
				}
				if err != nil {
					failed[worker] = fmt.Errorf("%s: %w", h.name, err)
				}
			}
		})
	}
	all.Wait()
	return times, errors.Join(failed...)
}

func post(ctx context.Context, client *http.Client, url string, review []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(review))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", url, resp.Status)
	}
	return io.ReadAll(resp.Body)
}

// check reads an answer: the pod is allowed, and patched by those that inject.
func (h handler) check(answer []byte) error {
	var review admissionv1.AdmissionReview
	if err := json.Unmarshal(answer, &review); err != nil {
		return fmt.Errorf("decode the answer: %w", err)
	}
	if r := review.Response; r == nil || !r.Allowed || r.UID != reviewUID || (len(r.Patch) > 0) != h.patches {
		return fmt.Errorf("the answer is %s", answer)
	}
	return nil
}
