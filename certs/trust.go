package certs

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/cert-manager/cert-manager/pkg/util/pki"
	"gomodules.xyz/jsonpatch/v2"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/types"
)

// trust is what a replica has seen of the webhook configuration: which entries
// trust whom, and since when. Its methods may be called concurrently.
type trust struct {
	mu      sync.Mutex
	known   bool // there is a configuration
	checked bool // the trust was good once
	entries []entryTrust
}

type entryTrust struct {
	name  string
	since map[string]time.Time // by fingerprint
	certs []*x509.Certificate
}

// see takes in those entries of the configuration, as it is now, that call this
// Service; the probe's is not one of them. There is none when it is gone.
func (t *trust) see(config *admissionv1.MutatingWebhookConfiguration, service types.NamespacedName, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	old := map[string]map[string]time.Time{}
	for _, e := range t.entries {
		old[e.name] = e.since
	}
	t.known, t.entries = config != nil, nil
	if config == nil {
		return
	}
	for i := range config.Webhooks {
		if s := config.Webhooks[i].ClientConfig.Service; s == nil || s.Name != service.Name || s.Namespace != service.Namespace {
			continue
		}
		e := entryTrust{name: config.Webhooks[i].Name, since: map[string]time.Time{}}
		e.certs = readBundle(config.Webhooks[i].ClientConfig.CABundle)
		for _, c := range e.certs {
			e.since[fingerprint(c)] = now
			if since, ok := old[e.name][fingerprint(c)]; ok {
				e.since[fingerprint(c)] = since
			}
		}
		t.entries = append(t.entries, e)
	}
}

// since returns from when on every entry has trusted the certificate, or the
// error why one does not.
func (t *trust) since(served *tls.Certificate, dnsName string, now time.Time) (time.Time, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.known || len(t.entries) == 0 {
		return time.Time{}, errors.New("there is no webhook configuration, or none of its entries calls this Service")
	}
	var all time.Time
	for _, e := range t.entries {
		var first time.Time
		err := fmt.Errorf("its caBundle holds no certificate")
		for _, c := range e.certs {
			at := e.since[fingerprint(c)]
			if failed := verify(served, []*x509.Certificate{c}, dnsName, now); failed != nil {
				err = failed
			} else if first.IsZero() || at.Before(first) {
				first = at
			}
		}
		if first.IsZero() {
			return time.Time{}, fmt.Errorf("webhook %s does not trust the certificate: %w", e.name, err)
		}
		if all.Before(first) {
			all = first
		}
	}
	return all, nil
}

// holds reports whether every entry trusts the CA.
func (t *trust) holds(c *x509.Certificate) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, e := range t.entries {
		if !slices.ContainsFunc(e.certs, c.Equal) {
			return false
		}
	}
	return len(t.entries) > 0
}

// lag is how long a replica that starts has seen its trust before it is ready:
// API servers may see it later.
const lag = time.Second

// check returns nil where every entry trusts the certificate, and, the first
// time, has for a moment.
func (t *trust) check(served *tls.Certificate, dnsName string, now time.Time) error {
	since, err := t.since(served, dnsName, now)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.checked && now.Sub(since) < lag {
		return errors.New("the certificate is trusted since a moment ago; waiting for every API server to hear of it")
	}
	t.checked = true
	return nil
}

// readBundle returns the certificates of a caBundle; none where it is broken.
func readBundle(bundle []byte) []*x509.Certificate {
	certs, err := pki.DecodeX509CertificateSetBytes(bundle)
	if err != nil {
		return nil
	}
	return certs
}

// present are the CAs in any caBundle of the configuration.
func present(config *admissionv1.MutatingWebhookConfiguration) []*x509.Certificate {
	var all []*x509.Certificate
	for i := range config.Webhooks {
		for _, c := range readBundle(config.Webhooks[i].ClientConfig.CABundle) {
			if !slices.ContainsFunc(all, c.Equal) {
				all = append(all, c)
			}
		}
	}
	return all
}

// trustedByAll reports whether every entry trusts the CA.
func trustedByAll(config *admissionv1.MutatingWebhookConfiguration, c *x509.Certificate) bool {
	for i := range config.Webhooks {
		if !slices.ContainsFunc(readBundle(config.Webhooks[i].ClientConfig.CABundle), c.Equal) {
			return false
		}
	}
	return len(config.Webhooks) > 0
}

// trustPatch is the JSON patch after which every entry trusts exactly these, nil
// where they do: the order does not matter, or two writers that order differently
// would never come to rest. It applies only to the version that it was made from.
func trustPatch(config *admissionv1.MutatingWebhookConfiguration, trusted []*x509.Certificate) ([]byte, error) {
	bundle, err := encodeBundle(trusted)
	if err != nil {
		return nil, err
	}
	ops := []jsonpatch.Operation{jsonpatch.NewOperation("test", "/metadata/resourceVersion", config.ResourceVersion)}
	for i := range config.Webhooks {
		if !sameSet(readBundle(config.Webhooks[i].ClientConfig.CABundle), trusted) {
			ops = append(ops, jsonpatch.NewOperation("add", fmt.Sprintf("/webhooks/%d/clientConfig/caBundle", i), bundle))
		}
	}
	if len(ops) == 1 {
		return nil, nil
	}
	patch, err := json.Marshal(ops)
	if err != nil {
		return nil, fmt.Errorf("encode caBundle patch: %w", err)
	}
	return patch, nil
}

func sameSet(a, b []*x509.Certificate) bool {
	in := func(set []*x509.Certificate) func(*x509.Certificate) bool {
		return func(c *x509.Certificate) bool { return !slices.ContainsFunc(set, c.Equal) }
	}
	return !slices.ContainsFunc(a, in(b)) && !slices.ContainsFunc(b, in(a))
}
