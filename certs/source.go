package certs

import (
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Source is one way to come by the serving certificate.
type Source interface {
	// GetCertificate returns the certificate to serve now, for tls.Config. It
	// is an error while there is none yet.
	GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error)
	// SetupServing starts, with the manager, what the serving certificate needs on
	// each replica of the webhook, and registers its paths on the webhook's mux.
	SetupServing(ctrl.Manager, *http.ServeMux) error
	// SetupKeeping starts, on the leader, what keeps the CA and the caBundle.
	SetupKeeping(ctrl.Manager) error
	// Check returns nil while the served certificate is one that the live
	// webhook configuration trusts; it is a healthz.Checker.
	Check(*http.Request) error
}

// Mode says where certificates come from; it is a flag.Value.
type Mode string

const (
	// SelfSigned is a self-managed CA, kept in the Secret.
	SelfSigned Mode = "self-signed"
	// CertManager loads the Secret that cert-manager fills, and leaves the
	// caBundle to its cainjector.
	CertManager Mode = "cert-manager"
	// Secret loads a Secret that someone else fills, and writes its ca.crt into
	// the caBundle.
	Secret Mode = "secret"
)

var modes = []string{string(SelfSigned), string(CertManager), string(Secret)}

// String implements flag.Value.
func (m *Mode) String() string { return string(*m) }

// Set implements flag.Value.
func (m *Mode) Set(text string) error {
	if !slices.Contains(modes, text) {
		return fmt.Errorf("%q is none of %s", text, strings.Join(modes, ", "))
	}
	*m = Mode(text)
	return nil
}

// New returns the source of the options' mode. It serves nothing until the
// manager runs.
func New(o Options, m *Metrics) (Source, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	switch o.Mode {
	case SelfSigned:
		return newSelfSigned(o, m), nil
	case CertManager, Secret:
		return newLoaded(o, m), nil
	default:
		return nil, fmt.Errorf("certificate mode %q is none of %s", o.Mode, strings.Join(modes, ", "))
	}
}

// Options name the objects that a Source works on, and how long things last.
type Options struct {
	// Mode is where certificates come from. Default self-signed.
	Mode Mode
	// Namespace of the controller, its Service and its Secret. Default outrider.
	Namespace string
	// Service is the name of the webhook's Service; the certificate is for
	// <service>.<namespace>.svc. Default outrider-webhook. In mode self-signed
	// there is another one, <service>-probe.
	Service string
	// Secret is the name of the Secret that holds the certificate, or the
	// CA that signs it. Default outrider-webhook-tls.
	Secret string
	// WebhookConfiguration is the name of the MutatingWebhookConfiguration.
	// Default outrider.
	WebhookConfiguration string
	// CALife is how long a CA of mode self-signed lives; it is replaced
	// when a third of that is left. Default 365 days.
	CALife time.Duration
	// ServingLife is how long a certificate that it signs lives, and how long a
	// replaced CA stays trusted in modes self-signed and secret. Default
	// 24 hours.
	ServingLife time.Duration
	// Settle is how long a new CA must have been trusted before anything
	// that it signed is served: what API servers may lag behind. Default 5
	// minutes.
	Settle time.Duration

	// Clock is asked before anything is signed, and by candidates for leadership.
	// Default nil: this machine's clock is right.
	Clock *Clock
}

// AddFlags binds the options to flags, with their defaults.
func (o *Options) AddFlags(fs *flag.FlagSet) {
	o.Mode = SelfSigned
	fs.Var(&o.Mode, "certificate-mode", "Where certificates come from: "+strings.Join(modes, ", ")+".")
	fs.StringVar(&o.Namespace, "namespace", "outrider", "Namespace of the controller, its Service and its Secret.")
	fs.StringVar(&o.Service, "webhook-service", "outrider-webhook", "Service through which the API server calls the webhook.")
	fs.StringVar(&o.Secret, "certificate-secret", "outrider-webhook-tls", "Secret that holds the serving certificate or its CA.")
	fs.StringVar(&o.WebhookConfiguration, "webhook-configuration", "00-outrider", "MutatingWebhookConfiguration whose caBundle is kept.")
	fs.DurationVar(&o.CALife, "ca-lifetime", 365*24*time.Hour, "How long a CA of mode self-signed lives.")
	fs.DurationVar(&o.ServingLife, "certificate-lifetime", 24*time.Hour, "How long a serving certificate lives, and a replaced CA stays trusted.")
	fs.DurationVar(&o.Settle, "ca-settle-time", 5*time.Minute, "How long a new CA is trusted before what it signed is served.")
}

func (o Options) validate() error {
	if o.ServingLife <= 0 || o.Settle < 0 {
		return errors.New("--certificate-lifetime must be positive and --ca-settle-time not negative")
	}
	if o.Mode == SelfSigned && o.CALife/3 < o.ServingLife+o.Settle {
		return fmt.Errorf("--ca-lifetime %s is too short: a third of it must hold --certificate-lifetime %s and --ca-settle-time %s", o.CALife, o.ServingLife, o.Settle)
	}
	return nil
}

func (o Options) dnsName() string { return o.Service + "." + o.Namespace + ".svc" }

// probeName is what the API server calls the webhook when the trust in the next
// authority is put to the proof.
func (o Options) probeName() string { return o.Service + "-probe." + o.Namespace + ".svc" }

// ServeWith returns the webhook's TLS configuration. HTTP/2 is off: API servers
// ask webhooks for HTTP/1.1 alone, so nothing else would use it. Sessions are not
// resumed, so that every connection shows the certificate.
func ServeWith(s Source) *tls.Config {
	return &tls.Config{
		MinVersion:             tls.VersionTLS12,
		NextProtos:             []string{"http/1.1"},
		SessionTicketsDisabled: true,
		GetCertificate:         s.GetCertificate,
	}
}

// CacheByObject limits the manager's cache to the two objects that a Source
// reads: the controller may not list others, and must not hold them.
func (o Options) CacheByObject() map[client.Object]cache.ByObject {
	return map[client.Object]cache.ByObject{
		secretObject(): {Namespaces: map[string]cache.Config{
			o.Namespace: {FieldSelector: byName(o.Secret)},
		}},
		webhookObject(): {Field: byName(o.WebhookConfiguration)},
	}
}
