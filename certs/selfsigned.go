package certs

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	cmtls "github.com/cert-manager/cert-manager/pkg/server/tls"
	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// selfSigned is a Source with a CA of its own. The leader keeps it, in
// the Secret, and the caBundle; every replica has its certificates signed by it.
type selfSigned struct {
	Options
	metrics *Metrics
	client  client.Client
	signer  *signer
	serving *cmtls.DynamicSource
	trust   trust
	state   atomic.Pointer[state]
	secret  atomic.Pointer[corev1.Secret] // as it was last seen
	used    atomic.Pointer[authority]     // that signed, and was trusted, last
	now     func() time.Time
}

func newSelfSigned(o Options, m *Metrics) *selfSigned {
	s := &selfSigned{Options: o, metrics: m, now: time.Now}
	s.state.Store(&state{})
	s.signer = &signer{Options: o, metrics: m, now: time.Now}
	s.serving = &cmtls.DynamicSource{DNSNames: []string{o.dnsName()}, Authority: s.signer}
	return s
}

// GetCertificate implements Source. Under the probe's name it is one that the
// next CA signed.
func (s *selfSigned) GetCertificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if hello.ServerName == s.probeName() {
		return s.probeCertificate()
	}
	cert, err := s.serving.GetCertificate(hello)
	if err != nil {
		return nil, fmt.Errorf("no certificate signed by the authority of secret %s yet: %w", s.key(), err)
	}
	return cert, nil
}

// SetupServing implements Source.
func (s *selfSigned) SetupServing(mgr ctrl.Manager, mux *http.ServeMux) error {
	s.signer.apiReader = mgr.GetAPIReader()
	mux.Handle(probePath, s.answerProbe())
	if err := mgr.Add(quiet{s.serving}); err != nil {
		return fmt.Errorf("set up serving certificate: %w", err)
	}
	return s.follow(mgr)
}

// SetupKeeping implements Source.
func (s *selfSigned) SetupKeeping(mgr ctrl.Manager) error {
	proof, err := newProof(mgr.GetConfig(), s.Options)
	if err != nil {
		return err
	}
	k := &keeper{
		Options: s.Options, metrics: s.metrics, apiReader: mgr.GetAPIReader(), writer: mgr.GetClient(),
		prove: proof.try, used: s.used.Load, last: s.secret.Load, now: s.now,
	}
	return errors.Join(s.follow(mgr), watch(mgr, "certificate-authority", true, k.reconcile))
}

// follow takes in, once for both, what the Secret and the webhook configuration say.
func (s *selfSigned) follow(mgr ctrl.Manager) error {
	if s.client != nil {
		return nil
	}
	s.client = mgr.GetClient()
	return watch(mgr, "serving-certificate", false, s.load)
}

// load takes in what the Secret and the webhook configuration say now.
func (s *selfSigned) load(ctx context.Context, _ reconcile.Request) (reconcile.Result, error) {
	now := s.now()
	if err := seeTrust(ctx, s.client, s.Options, &s.trust, now); err != nil {
		return reconcile.Result{}, err
	}
	var secret corev1.Secret
	if err := s.client.Get(ctx, s.key(), &secret); err != nil {
		return reconcile.Result{}, client.IgnoreNotFound(err) // what is known is good until the leader creates it again
	}
	state, _ := readState(secret.Data) // the leader speaks of what is wrong with the rest
	s.state.Store(&state)
	s.secret.Store(&secret)
	if state.signing != nil {
		s.metrics.expires(ofAuthority, state.signing.cert)
		if s.trust.holds(state.signing.cert) {
			s.used.Store(state.signing)
		}
	}
	s.signer.rotated(state.signing)
	return reconcile.Result{}, nil
}

// Check implements Source.
func (s *selfSigned) Check(req *http.Request) error {
	cert, err := s.GetCertificate(&tls.ClientHelloInfo{})
	if err != nil {
		return err
	}
	return s.trust.check(cert, s.dnsName(), s.now())
}

// quiet keeps the library's running commentary to the debug level, and its
// errors where they are.
type quiet struct{ source *cmtls.DynamicSource }

// Start implements manager.Runnable.
func (q quiet) Start(ctx context.Context) error {
	return q.source.Start(logr.NewContext(ctx, ctrl.Log.WithName("serving-certificate").V(1)))
}

// NeedLeaderElection implements manager.LeaderElectionRunnable.
func (q quiet) NeedLeaderElection() bool { return false }

var _ manager.LeaderElectionRunnable = quiet{}
