package certs

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"slices"
	"sync"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// signer is what the library's source has its certificates signed by, on every
// replica: whatever signs according to the Secret, provided that the API server
// has been told to trust it.
type signer struct {
	Options
	metrics   *Metrics
	apiReader client.Reader // not the cache: what lags may name a CA that has left
	now       func() time.Time

	mu       sync.Mutex
	watchers []chan<- struct{}
	used     *authority // that signed last
}

// Run implements the library's CA. The Secret is watched elsewhere.
func (s *signer) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// WatchRotation implements the library's CA.
func (s *signer) WatchRotation(ch chan<- struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watchers = append(s.watchers, ch)
}

// StopWatchingRotation implements the library's CA.
func (s *signer) StopWatchingRotation(ch chan<- struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watchers = slices.DeleteFunc(s.watchers, func(c chan<- struct{}) bool { return c == ch })
}

// rotated asks for another certificate where it is not this CA that
// signed the last one.
func (s *signer) rotated(now *authority) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now == nil || now.is(s.used) {
		return
	}
	for _, ch := range s.watchers {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}

// signTimeout bounds the two reads before a signature.
const signTimeout = 10 * time.Second

// Sign implements the library's CA. An error keeps the last certificate,
// and the library asks again.
func (s *signer) Sign(template *x509.Certificate) (*x509.Certificate, error) {
	ctx, cancel := context.WithTimeout(context.Background(), signTimeout)
	defer cancel()
	var secret corev1.Secret
	if err := s.apiReader.Get(ctx, s.key(), &secret); err != nil {
		return nil, fmt.Errorf("get secret: %w", err)
	}
	var config admissionv1.MutatingWebhookConfiguration
	if err := s.apiReader.Get(ctx, types.NamespacedName{Name: s.WebhookConfiguration}, &config); err != nil {
		return nil, fmt.Errorf("get webhook configuration: %w", err)
	}
	if err := s.Clock.check(s.ServingLife); err != nil { // as of those answers
		return nil, err
	}
	now := s.now()
	state, _ := readState(secret.Data) // the leader speaks of what is wrong with the rest
	if err := state.signing.usable(now); err != nil {
		return nil, fmt.Errorf("secret %s: %w", s.key(), err)
	}
	cert, err := state.signing.sign(template, now, s.ServingLife)
	if err != nil {
		return nil, err
	}
	var seen trust
	seen.see(&config, s.service(), now)
	if _, err := seen.since(&tls.Certificate{Certificate: [][]byte{cert.Raw}, Leaf: cert}, s.dnsName(), now); err != nil {
		return nil, fmt.Errorf("the authority of secret %s is not trusted yet: %w", s.key(), err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.used != nil {
		s.metrics.rotated(ofServing)
	}
	s.used = state.signing
	s.metrics.expires(ofServing, cert)
	return cert, nil
}

func (o Options) service() types.NamespacedName {
	return types.NamespacedName{Namespace: o.Namespace, Name: o.Service}
}

func (o Options) key() types.NamespacedName {
	return types.NamespacedName{Namespace: o.Namespace, Name: o.Secret}
}
