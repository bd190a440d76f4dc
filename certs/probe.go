package certs

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/cert-manager/cert-manager/pkg/util/pki"
	"gomodules.xyz/jsonpatch/v2"
	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	coordinationclient "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
)

// The probe is an entry of the webhook configuration for Leases of our namespace
// with this label. The leader asks the API server to create such a Lease, as a
// dry run; the API server calls the entry's Service, whose name gets it a
// certificate of the next CA; and the answer names that CA. So the
// Lease comes back with the name only if the API server trusts the CA.
const (
	probePath  = "/probe"
	probeLabel = "outrider.dev/probe"
	probeValue = "trust"
	unproven   = "unproven"
)

// probeCertificate is one that the next CA signed, made for each call:
// calls are few, and must not be answered by a CA that has left.
func (s *selfSigned) probeCertificate() (*tls.Certificate, error) {
	next := s.state.Load().next
	if next == nil {
		return nil, fmt.Errorf("no rotation is under way, so nothing is served to %s", s.probeName())
	}
	key, err := pki.GenerateECPrivateKey(pki.ECCurve256)
	if err != nil {
		return nil, fmt.Errorf("generate probe's key: %w", err)
	}
	leaf, err := next.sign(&x509.Certificate{
		PublicKeyAlgorithm: x509.ECDSA,
		PublicKey:          key.Public(),
		DNSNames:           []string{s.probeName()},
		KeyUsage:           x509.KeyUsageDigitalSignature,
		ExtKeyUsage:        []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, s.now(), s.ServingLife)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: key, Leaf: leaf}, nil
}

// answerProbe writes the next CA's fingerprint into the Lease. It ends the
// connection, because the next call is to prove something new.
func (s *selfSigned) answerProbe() http.Handler {
	answer := &admission.Webhook{Handler: admission.HandlerFunc(func(context.Context, admission.Request) admission.Response {
		next := s.state.Load().next
		if next == nil {
			return admission.Allowed("")
		}
		return admission.Patched("", jsonpatch.NewOperation("replace", "/spec/holderIdentity", fingerprint(next.cert)))
	})}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		if r.TLS == nil || r.TLS.ServerName != s.probeName() {
			http.Error(w, "this is served under the name "+s.probeName(), http.StatusMisdirectedRequest)
			return
		}
		answer.ServeHTTP(w, r)
	})
}

// proof asks the API server.
type proof struct {
	Options
	leases coordinationclient.LeasesGetter
}

// proofTimeout bounds one proof.
const proofTimeout = 5 * time.Second

// newProof returns one whose every call is a connection of its own: where there
// are several API servers, it reaches now this one and now that.
func newProof(config *rest.Config, o Options) (*proof, error) {
	own := rest.CopyConfig(config)
	own.Timeout = proofTimeout
	own.Dial = (&net.Dialer{Timeout: proofTimeout}).DialContext
	own.NextProtos = []string{"http/1.1"}
	own.Wrap(func(rt http.RoundTripper) http.RoundTripper { return oneCall{rt} })
	leases, err := coordinationclient.NewForConfig(own)
	if err != nil {
		return nil, fmt.Errorf("create client for the probe: %w", err)
	}
	return &proof{Options: o, leases: leases}, nil
}

type oneCall struct{ http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (c oneCall) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Close = true
	return c.RoundTripper.RoundTrip(req)
}

// try returns nil if the API server has called a replica that serves what this
// authority signed, and trusted it.
func (p *proof) try(ctx context.Context, next *x509.Certificate) error {
	holder := unproven
	lease, err := p.leases.Leases(p.Namespace).Create(ctx, &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{Name: p.Service + "-probe", Labels: map[string]string{probeLabel: probeValue}},
		Spec:       coordinationv1.LeaseSpec{HolderIdentity: &holder},
	}, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	if err != nil {
		return fmt.Errorf("create a lease as a dry run: %w", err)
	}
	if got := lease.Spec.HolderIdentity; got == nil || *got != fingerprint(next) {
		return fmt.Errorf("the API server did not call the probe, or a replica that does not know the next authority")
	}
	return nil
}
