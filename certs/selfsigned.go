package certs

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"sync/atomic"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// Lives of the certificates that a SelfSigned source makes.
const (
	CALife      = 365 * 24 * time.Hour
	ServingLife = 30 * 24 * time.Hour
)

// SelfSigned is a Source with an authority of its own, kept in the Secret. The
// leader makes and renews it and writes the caBundle; every replica serves.
type SelfSigned struct {
	Options
	client  client.Client
	serving atomic.Pointer[tls.Certificate]
	now     func() time.Time

	// What was made last, and from which version of the Secret: a second look at
	// that version, from a cache that lags, must not make other certificates.
	made     map[string][]byte
	madeFrom string
}

// NewSelfSigned returns a source that serves nothing until the manager runs.
func NewSelfSigned(o Options) *SelfSigned {
	return &SelfSigned{Options: o, now: time.Now}
}

// GetCertificate implements Source.
func (s *SelfSigned) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	if cert := s.serving.Load(); cert != nil {
		return cert, nil
	}
	return nil, fmt.Errorf("no serving certificate yet: Secret %s/%s is empty or unread", s.Namespace, s.Secret)
}

// SetupWithManager implements Source with two controllers: one on every replica
// that loads what the Secret holds, one on the leader that keeps the Secret and
// the caBundle.
func (s *SelfSigned) SetupWithManager(mgr ctrl.Manager) error {
	s.client = mgr.GetClient()
	everywhere := false
	err := ctrl.NewControllerManagedBy(mgr).Named("serving-certificate").
		For(secretObject()).
		WithOptions(controller.Options{NeedLeaderElection: &everywhere}).
		Complete(reconcile.Func(s.load))
	if err != nil {
		return fmt.Errorf("set up serving certificate: %w", err)
	}
	toSecret := handler.EnqueueRequestsFromMapFunc(func(context.Context, client.Object) []reconcile.Request {
		return []reconcile.Request{{NamespacedName: s.secretKey()}}
	})
	err = ctrl.NewControllerManagedBy(mgr).Named("certificate-authority").
		For(secretObject()).
		Watches(webhookObject(), toSecret).
		Complete(reconcile.Func(s.keep))
	if err != nil {
		return fmt.Errorf("set up certificate authority: %w", err)
	}
	return nil
}

// load serves what the Secret holds. What cannot be used is not served: the
// last good certificate stays.
func (s *SelfSigned) load(ctx context.Context, _ reconcile.Request) (reconcile.Result, error) {
	var secret corev1.Secret
	if err := s.client.Get(ctx, s.secretKey(), &secret); err != nil {
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	if len(secret.Data[servingCert]) == 0 {
		return reconcile.Result{}, nil // not filled yet
	}
	cert, err := parseServing(secret.Data)
	if err != nil {
		return reconcile.Result{}, reconcile.TerminalError(fmt.Errorf("secret %s: %w", s.secretKey(), err))
	}
	if old := s.serving.Swap(cert); old == nil || !old.Leaf.Equal(cert.Leaf) {
		ctrl.LoggerFrom(ctx).Info("serving certificate loaded", "serial", cert.Leaf.SerialNumber.String(), "notAfter", cert.Leaf.NotAfter)
	}
	return reconcile.Result{}, nil
}

// keep brings the caBundle, and then the Secret, to what they should be: what
// is served must be trusted before it is served. Authorities that the caBundle
// holds already stay in it until they expire, because replicas may serve what
// they signed for a moment longer.
func (s *SelfSigned) keep(ctx context.Context, _ reconcile.Request) (reconcile.Result, error) {
	var secret corev1.Secret
	err := s.client.Get(ctx, s.secretKey(), &secret)
	if client.IgnoreNotFound(err) != nil {
		return reconcile.Result{}, fmt.Errorf("get secret: %w", err)
	}
	missing := apierrors.IsNotFound(err)
	a := authority{dnsName: s.dnsName(), caLife: CALife, servingLife: ServingLife}
	content := secret.Data
	if s.made != nil && s.madeFrom == secret.ResourceVersion {
		content = s.made
	}
	data, again, err := a.next(content, s.now())
	if err != nil {
		return reconcile.Result{}, err
	}
	s.made, s.madeFrom = data, secret.ResourceVersion
	if err := s.keepTrust(ctx, data[authorityCert]); err != nil {
		return reconcile.Result{}, err
	}
	if err := s.keepSecret(ctx, &secret, missing, data); err != nil {
		return reconcile.Result{}, err
	}
	return reconcile.Result{RequeueAfter: again.Sub(s.now())}, nil
}

// keepSecret writes the Secret where it is missing or holds something else.
func (s *SelfSigned) keepSecret(ctx context.Context, secret *corev1.Secret, missing bool, data map[string][]byte) error {
	var err error
	switch {
	case missing:
		err = s.client.Create(ctx, &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: s.Secret}, Type: corev1.SecretTypeOpaque, Data: data,
		})
	case reflect.DeepEqual(data, secret.Data):
		return nil
	default:
		updated := secret.DeepCopy()
		if updated.Data == nil {
			updated.Data = map[string][]byte{}
		}
		maps.Copy(updated.Data, data)
		err = s.client.Update(ctx, updated)
	}
	if err != nil {
		return fmt.Errorf("write secret: %w", err)
	}
	ctrl.LoggerFrom(ctx).Info("certificates written", "secret", s.secretKey().String())
	return nil
}

// Check implements Source.
func (s *SelfSigned) Check(req *http.Request) error {
	cert := s.serving.Load()
	if cert == nil {
		return errors.New("no serving certificate yet")
	}
	var config admissionv1.MutatingWebhookConfiguration
	if err := s.client.Get(req.Context(), types.NamespacedName{Name: s.WebhookConfiguration}, &config); err != nil {
		return fmt.Errorf("get webhook configuration: %w", err)
	}
	return trusts(&config, cert.Leaf, s.dnsName(), s.now())
}

func (s *SelfSigned) secretKey() types.NamespacedName {
	return types.NamespacedName{Namespace: s.Namespace, Name: s.Secret}
}

func secretObject() client.Object { return &corev1.Secret{} }

func webhookObject() client.Object { return &admissionv1.MutatingWebhookConfiguration{} }

func byName(name string) fields.Selector { return fields.OneTermEqualSelector("metadata.name", name) }
