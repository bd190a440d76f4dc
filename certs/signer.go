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
// replica: the CA that signs according to the Secret, provided that every entry of
// the webhook configuration trusts it. While the Secret has none, it is the last one.
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
	missing := s.apiReader.Get(ctx, s.key(), &secret)
	if client.IgnoreNotFound(missing) != nil {
		return nil, fmt.Errorf("get secret: %w", missing)
	}
	var config admissionv1.MutatingWebhookConfiguration
	if err := s.apiReader.Get(ctx, types.NamespacedName{Name: s.WebhookConfiguration}, &config); err != nil {
		return nil, fmt.Errorf("get webhook configuration: %w", err)
	}
	if err := s.Clock.check(s.ServingLife); err != nil { // as of those answers
		return nil, err
	}
	state, _ := readState(secret.Data) // the leader speaks of what is wrong with the rest
	s.mu.Lock()
	defer s.mu.Unlock()
	cert, err := s.signBy(state.signing, template, &config)
	if err == nil {
		return cert, nil
	}
	if cert, failed := s.signBy(s.used, template, &config); failed == nil {
		return cert, nil
	}
	if missing != nil {
		return nil, fmt.Errorf("get secret: %w", missing)
	}
	return nil, fmt.Errorf("secret %s: %w", s.key(), err)
}

// signBy signs by a CA that every entry of the configuration trusts.
func (s *signer) signBy(by *authority, template *x509.Certificate, config *admissionv1.MutatingWebhookConfiguration) (*x509.Certificate, error) {
	now := s.now()
	if err := by.usable(now); err != nil {
		return nil, err
	}
	cert, err := by.sign(template, now, s.ServingLife)
	if err != nil {
		return nil, err
	}
	var seen trust
	seen.see(config, s.service(), now)
	if _, err := seen.since(&tls.Certificate{Certificate: [][]byte{cert.Raw}, Leaf: cert}, s.dnsName(), now); err != nil {
		return nil, fmt.Errorf("the authority is not trusted yet: %w", err)
	}
	if s.used != nil {
		s.metrics.rotated(ofServing)
	}
	s.used = by
	s.metrics.expires(ofServing, cert)
	return cert, nil
}

func (o Options) service() types.NamespacedName {
	return types.NamespacedName{Namespace: o.Namespace, Name: o.Service}
}

func (o Options) key() types.NamespacedName {
	return types.NamespacedName{Namespace: o.Namespace, Name: o.Secret}
}
