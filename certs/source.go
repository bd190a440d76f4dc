package certs

import (
	"crypto/tls"
	"net/http"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Source is one way to come by the serving certificate.
type Source interface {
	// GetCertificate returns the certificate to serve now, for tls.Config. It
	// is an error while there is none yet.
	GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error)
	// SetupWithManager starts, with the manager, what keeps the certificate.
	SetupWithManager(ctrl.Manager) error
	// Check returns nil while the served certificate is one that the live
	// webhook configuration trusts; it is a healthz.Checker.
	Check(*http.Request) error
}

// Options name the objects that a Source works on. All are required.
type Options struct {
	// Namespace of the controller, its Service and its Secret.
	Namespace string
	// Service is the name of the webhook's Service; the certificate is for
	// <service>.<namespace>.svc.
	Service string
	// Secret is the name of the Secret that holds the certificate.
	Secret string
	// WebhookConfiguration is the name of the MutatingWebhookConfiguration.
	WebhookConfiguration string
}

func (o Options) dnsName() string { return o.Service + "." + o.Namespace + ".svc" }

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
