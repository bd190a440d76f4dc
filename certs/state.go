package certs

import (
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cert-manager/cert-manager/pkg/util/pki"
)

// Keys of the Secret in mode self-signed: the CA that signs, the one that
// is to sign next, all that are trusted, and when those of them that are neither
// leave, as a JSON object of times by fingerprint. In the other modes tls.crt and tls.key are the serving certificate, and
// ca.crt is what it is trusted by.
const (
	signingCert = "tls.crt"
	signingKey  = "tls.key"
	nextCert    = "next.crt"
	nextKey     = "next.key"
	trustedCert = "ca.crt"
	retireAtKey = "retire-at"
)

// mostForeignCAs bounds what is kept of a caBundle that someone else fills.
const mostForeignCAs = 32

// state is what the Secret of mode self-signed holds.
type state struct {
	signing *authority // nil until one is trusted
	next    *authority // nil unless a rotation is under way
	retired []retired  // trusted still, because something that they signed may be served
}

// retired is a CA that no longer signs, and when it leaves the caBundle.
type retired struct {
	cert *x509.Certificate
	at   time.Time
}

// trusted are all CAs that every caBundle must carry.
func (s state) trusted() []*x509.Certificate {
	var all []*x509.Certificate
	for _, a := range []*authority{s.signing, s.next} {
		if a != nil {
			all = append(all, a.cert)
		}
	}
	for _, r := range s.retired {
		all = append(all, r.cert)
	}
	return all
}

// retire keeps a certificate trusted until then, unless it is already.
func (s *state) retire(c *x509.Certificate, at time.Time) {
	if !slices.ContainsFunc(s.trusted(), c.Equal) {
		s.retired = append(slices.Clone(s.retired), retired{c, at})
	}
}

// unretire forgets a retired certificate.
func (s *state) unretire(c *x509.Certificate) {
	s.retired = slices.DeleteFunc(slices.Clone(s.retired), func(r retired) bool { return r.cert.Equal(c) })
}

// readState reads the Secret. The error says what of it cannot be used; the
// state has the rest.
func readState(data map[string][]byte) (state, error) {
	var s state
	var errs []error
	var err error
	if s.signing, err = readAuthority(data, signingCert, signingKey); err != nil {
		errs = append(errs, err)
	}
	if s.next, err = readAuthority(data, nextCert, nextKey); err != nil {
		errs = append(errs, err)
	}
	if s.signing.is(s.next) {
		s.next = nil
	}
	at := map[string]time.Time{}
	if len(data[retireAtKey]) > 0 {
		if err := json.Unmarshal(data[retireAtKey], &at); err != nil {
			errs = append(errs, fmt.Errorf("decode %s: %w", retireAtKey, err))
		}
	}
	if len(data[trustedCert]) == 0 {
		return s, errors.Join(errs...)
	}
	all, err := pki.DecodeX509CertificateSetBytes(data[trustedCert])
	if err != nil {
		errs = append(errs, fmt.Errorf("decode %s: %w", trustedCert, err))
	}
	for _, c := range all {
		s.retire(c, at[fingerprint(c)])
	}
	return s, errors.Join(errs...)
}

// readAuthority returns nil where there is none.
func readAuthority(data map[string][]byte, certKey, keyKey string) (*authority, error) {
	if len(data[certKey]) == 0 && len(data[keyKey]) == 0 {
		return nil, nil
	}
	cert, err := pki.DecodeX509CertificateBytes(data[certKey])
	if err != nil {
		return nil, fmt.Errorf("decode %s: %w", certKey, err)
	}
	key, err := pki.DecodePrivateKeyBytes(data[keyKey])
	if err != nil {
		return nil, fmt.Errorf("decode %s: %w", keyKey, err)
	}
	if ok, err := pki.PublicKeyMatchesCertificate(key.Public(), cert); err != nil || !ok {
		return nil, errors.Join(fmt.Errorf("%s is not the key of %s", keyKey, certKey), err)
	}
	if !cert.IsCA {
		return nil, fmt.Errorf("%s may not sign certificates", certKey)
	}
	return &authority{cert: cert, key: key}, nil
}

// encode is the content of the Secret.
func (s state) encode() (map[string][]byte, error) {
	data := map[string][]byte{}
	for _, a := range []struct {
		authority       *authority
		certKey, keyKey string
	}{{s.signing, signingCert, signingKey}, {s.next, nextCert, nextKey}} {
		if a.authority == nil {
			continue
		}
		var err error
		if data[a.certKey], err = pki.EncodeX509(a.authority.cert); err != nil {
			return nil, fmt.Errorf("encode %s: %w", a.certKey, err)
		}
		if data[a.keyKey], err = pki.EncodePKCS8PrivateKey(a.authority.key); err != nil {
			return nil, fmt.Errorf("encode %s: %w", a.keyKey, err)
		}
	}
	var err error
	if data[trustedCert], err = encodeBundle(s.trusted()); err != nil {
		return nil, err
	}
	if len(s.retired) == 0 {
		return data, nil
	}
	at := map[string]time.Time{}
	for _, r := range s.retired {
		at[fingerprint(r.cert)] = r.at.UTC()
	}
	if data[retireAtKey], err = json.Marshal(at); err != nil {
		return nil, fmt.Errorf("encode %s: %w", retireAtKey, err)
	}
	return data, nil
}

// encodeBundle is the PEM of several certificates.
func encodeBundle(certs []*x509.Certificate) ([]byte, error) {
	var bundle []byte
	for _, c := range certs {
		pem, err := pki.EncodeX509(c)
		if err != nil {
			return nil, fmt.Errorf("encode authority: %w", err)
		}
		bundle = append(bundle, pem...)
	}
	return bundle, nil
}
