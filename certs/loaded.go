package certs

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// loaded is a Source whose certificate someone else puts into the Secret:
// cert-manager, or you.
type loaded struct {
	Options
	metrics *Metrics
	client  client.Client
	trust   trust
	serving atomic.Pointer[tls.Certificate]
	problem atomic.Pointer[error] // of the Secret as it is now
	now     func() time.Time
}

func newLoaded(o Options, m *Metrics) *loaded {
	return &loaded{Options: o, metrics: m, now: time.Now}
}

// GetCertificate implements Source.
func (l *loaded) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	if cert := l.serving.Load(); cert != nil {
		return cert, nil
	}
	if problem := l.problem.Load(); problem != nil {
		return nil, *problem
	}
	return nil, fmt.Errorf("secret %s is not read yet", l.key())
}

// SetupServing implements Source.
func (l *loaded) SetupServing(mgr ctrl.Manager, _ *http.ServeMux) error {
	l.client = mgr.GetClient()
	return watch(mgr, "serving-certificate", false, l.load)
}

// SetupKeeping implements Source. In mode cert-manager the caBundle is
// cainjector's.
func (l *loaded) SetupKeeping(mgr ctrl.Manager) error {
	if l.Mode == CertManager {
		return nil
	}
	t := &caBundleSyncer{Options: l.Options, metrics: l.metrics, apiReader: mgr.GetAPIReader(), writer: mgr.GetClient(), now: l.now}
	return watch(mgr, "certificate-trust", true, t.reconcile)
}

// Check implements Source. It is about what is served: a replica with a good
// certificate continues to answer while the Secret holds a bad one.
func (l *loaded) Check(*http.Request) error {
	cert, err := l.GetCertificate(nil)
	if err != nil {
		return err
	}
	err = l.trust.check(cert, l.dnsName(), l.now())
	if problem := l.problem.Load(); err != nil && problem != nil {
		return errors.Join(err, *problem)
	}
	return err
}

// load serves what the Secret holds, as soon as the API server trusts it.
func (l *loaded) load(ctx context.Context, _ reconcile.Request) (reconcile.Result, error) {
	now := l.now()
	if err := seeTrust(ctx, l.client, l.Options, &l.trust, now); err != nil {
		return reconcile.Result{}, err
	}
	again, err := l.take(ctx, now)
	if err == nil {
		l.problem.Store(nil)
		return reconcile.Result{RequeueAfter: again}, nil
	}
	if old := l.problem.Swap(&err); old == nil || (*old).Error() != err.Error() {
		l.metrics.failures.Inc()
		ctrl.LoggerFrom(ctx).Error(err, "the certificate cannot be used", "secret", l.key().String(), "serving", l.serving.Load() != nil)
	}
	return reconcile.Result{RequeueAfter: again}, nil
}

// recheck is how often time alone is looked at.
const recheck = time.Minute

// take adopts what the Secret holds, and returns when to look again.
func (l *loaded) take(ctx context.Context, now time.Time) (time.Duration, error) {
	var secret corev1.Secret
	err := l.client.Get(ctx, l.key(), &secret)
	if apierrors.IsNotFound(err) && l.Mode == CertManager {
		return recheck, fmt.Errorf("there is no secret %s yet: see why cert-manager does not issue it with kubectl describe certificate", l.key())
	}
	if apierrors.IsNotFound(err) {
		return recheck, fmt.Errorf("there is no secret %s: make one with %s, %s and %s, for %s", l.key(), corev1.TLSCertKey, corev1.TLSPrivateKeyKey, trustedCert, l.dnsName())
	}
	if err != nil {
		return recheck, fmt.Errorf("get secret: %w", err)
	}
	found, err := readServing(secret.Data, l.dnsName(), now)
	if err != nil {
		return min(recheck, l.Settle+lag), fmt.Errorf("secret %s: %w", l.key(), err)
	}
	if wait := l.adopt(found, now); wait > 0 {
		return wait, nil
	}
	if old := l.serving.Swap(found); old == nil || !old.Leaf.Equal(found.Leaf) {
		if old != nil {
			l.metrics.rotated(ofServing)
		}
		ctrl.LoggerFrom(ctx).Info("serving certificate loaded", "serial", found.Leaf.SerialNumber.String(), "notAfter", found.Leaf.NotAfter)
	}
	l.metrics.expires(ofServing, found.Leaf)
	for _, c := range readBundle(secret.Data[trustedCert]) {
		if verify(found, []*x509.Certificate{c}, l.dnsName(), now) == nil {
			l.metrics.expires(ofAuthority, c)
		}
	}
	return recheck, expiring(found.Leaf, now)
}

// adopt returns zero if the certificate is to be served now, and else for how
// long to wait at most.
func (l *loaded) adopt(found *tls.Certificate, now time.Time) time.Duration {
	serving := l.serving.Load()
	if serving == nil || serving.Leaf.Equal(found.Leaf) {
		return 0
	}
	since, err := l.trust.since(found, l.dnsName(), now)
	if _, lost := l.trust.since(serving, l.dnsName(), now); lost != nil && err == nil {
		return 0 // what is served is refused
	}
	if err != nil {
		return recheck // the caBundle's change calls
	}
	return max(0, l.Settle-now.Sub(since))
}

// readServing reads a serving certificate for the name, or says what is wrong
// with it and how that is repaired.
func readServing(data map[string][]byte, dnsName string, now time.Time) (*tls.Certificate, error) {
	for _, key := range []string{corev1.TLSCertKey, corev1.TLSPrivateKeyKey} {
		if len(data[key]) == 0 {
			return nil, fmt.Errorf("it has no %s", key)
		}
	}
	cert, err := tls.X509KeyPair(data[corev1.TLSCertKey], data[corev1.TLSPrivateKeyKey])
	if err != nil {
		return nil, fmt.Errorf("%s and %s are not a certificate and its key: %w", corev1.TLSCertKey, corev1.TLSPrivateKeyKey, err)
	}
	switch leaf := cert.Leaf; {
	case leaf.VerifyHostname(dnsName) != nil:
		return nil, fmt.Errorf("%s is for %q; the API server asks for %s: issue it for that name", corev1.TLSCertKey, leaf.DNSNames, dnsName)
	case now.Before(leaf.NotBefore):
		return nil, fmt.Errorf("%s is not valid before %s", corev1.TLSCertKey, leaf.NotBefore.Format(time.RFC3339))
	case !now.Before(leaf.NotAfter):
		return nil, fmt.Errorf("%s expired at %s: renew it", corev1.TLSCertKey, leaf.NotAfter.Format(time.RFC3339))
	}
	return &cert, nil
}

// expiring returns an error when less than a sixth of the certificate's life is
// left, half of what renewal should have left.
func expiring(leaf *x509.Certificate, now time.Time) error {
	if left := leaf.NotAfter.Sub(now); left < leaf.NotAfter.Sub(leaf.NotBefore)/6 {
		return fmt.Errorf("%s is about to expire, at %s: renew it", corev1.TLSCertKey, leaf.NotAfter.Format(time.RFC3339))
	}
	return nil
}
