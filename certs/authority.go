package certs

import (
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"time"

	"crypto/rand"

	"github.com/cert-manager/cert-manager/pkg/util/pki"
)

// Keys of the Secret. ca.crt may hold several authorities, the signing one
// first: all of them are trusted.
const (
	authorityCert = "ca.crt"
	authorityKey  = "ca.key"
	servingCert   = "tls.crt"
	servingKey    = "tls.key"
)

// authorityName is the common name of our authorities.
const authorityName = "outrider"

// skew is how far behind the API server's clock may be.
const skew = time.Hour

// authority makes the content of the Secret. It is a pure function of the
// present content and the time.
type authority struct {
	dnsName     string
	caLife      time.Duration
	servingLife time.Duration
}

// material is the parsed content of the Secret.
type material struct {
	trusted []*x509.Certificate // the signing authority first
	caKey   crypto.Signer
	serving *tls.Certificate
}

// next returns what the Secret should hold, which is data itself while it is
// good, and when to look again. Missing and broken content is made anew;
// certificates are replaced in the last third of their life. An authority that
// is replaced stays trusted until it expires.
func (a authority) next(data map[string][]byte, now time.Time) (map[string][]byte, time.Time, error) {
	m, err := parseMaterial(data)
	if err != nil {
		m = material{}
	}
	m.serving, _ = parseServing(data) // a broken one is made anew by the same authority
	changed := false
	if m.caKey == nil || now.After(renewal(m.trusted[0])) {
		ca, key, err := a.newAuthority(now)
		if err != nil {
			return nil, time.Time{}, err
		}
		m.trusted, m.caKey, changed = append([]*x509.Certificate{ca}, alive(m.trusted, now)...), key, true
	}
	if changed || !a.serves(m, now) {
		if m.serving, err = a.newServing(m, now); err != nil {
			return nil, time.Time{}, err
		}
		changed = true
	}
	again := renewal(m.trusted[0])
	if r := renewal(m.serving.Leaf); r.Before(again) {
		again = r
	}
	if !changed {
		return data, again, nil
	}
	data, err = m.encode()
	return data, again, err
}

// serves reports whether the serving certificate is for our name, signed by the
// signing authority and not due for renewal.
func (a authority) serves(m material, now time.Time) bool {
	if m.serving == nil || now.After(renewal(m.serving.Leaf)) {
		return false
	}
	return verify(m.serving.Leaf, m.trusted[:1], a.dnsName, now) == nil
}

func verify(leaf *x509.Certificate, trusted []*x509.Certificate, dnsName string, now time.Time) error {
	roots := x509.NewCertPool()
	for _, ca := range trusted {
		roots.AddCert(ca)
	}
	_, err := leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: dnsName, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	return err
}

// renewal is when a certificate is to be replaced: at two thirds of its life.
func renewal(c *x509.Certificate) time.Time {
	return c.NotAfter.Add(-c.NotAfter.Sub(c.NotBefore) / 3)
}

func alive(certs []*x509.Certificate, now time.Time) []*x509.Certificate {
	var out []*x509.Certificate
	for _, c := range certs {
		if now.Before(c.NotAfter) {
			out = append(out, c)
		}
	}
	return out
}

func (a authority) newAuthority(now time.Time) (*x509.Certificate, crypto.Signer, error) {
	key, err := pki.GenerateECPrivateKey(pki.ECCurve256)
	if err != nil {
		return nil, nil, fmt.Errorf("generate authority's key: %w", err)
	}
	template, err := template(now, a.caLife, authorityName)
	if err != nil {
		return nil, nil, err
	}
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	_, cert, err := pki.SignCertificate(template, template, key.Public(), key)
	if err != nil {
		return nil, nil, fmt.Errorf("sign authority: %w", err)
	}
	return cert, key, nil
}

func (a authority) newServing(m material, now time.Time) (*tls.Certificate, error) {
	key, err := pki.GenerateECPrivateKey(pki.ECCurve256)
	if err != nil {
		return nil, fmt.Errorf("generate serving key: %w", err)
	}
	template, err := template(now, a.servingLife, a.dnsName)
	if err != nil {
		return nil, err
	}
	template.DNSNames = []string{a.dnsName}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	_, cert, err := pki.SignCertificate(template, m.trusted[0], key.Public(), m.caKey)
	if err != nil {
		return nil, fmt.Errorf("sign serving certificate: %w", err)
	}
	return &tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key, Leaf: cert}, nil
}

func template(now time.Time, life time.Duration, name string) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("draw serial number: %w", err)
	}
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    now.Add(-skew),
		NotAfter:     now.Add(life),
	}, nil
}

func (m material) encode() (map[string][]byte, error) {
	caKey, err := pki.EncodePKCS8PrivateKey(m.caKey)
	if err != nil {
		return nil, fmt.Errorf("encode authority's key: %w", err)
	}
	key, err := pki.EncodePKCS8PrivateKey(m.serving.PrivateKey)
	if err != nil {
		return nil, fmt.Errorf("encode serving key: %w", err)
	}
	cert, err := pki.EncodeX509(m.serving.Leaf)
	if err != nil {
		return nil, fmt.Errorf("encode serving certificate: %w", err)
	}
	var bundle []byte
	for _, ca := range m.trusted {
		pem, err := pki.EncodeX509(ca)
		if err != nil {
			return nil, fmt.Errorf("encode authority: %w", err)
		}
		bundle = append(bundle, pem...)
	}
	return map[string][]byte{authorityCert: bundle, authorityKey: caKey, servingCert: cert, servingKey: key}, nil
}

// parseMaterial reads the authority of the Secret's data. An error means that it
// cannot be used.
func parseMaterial(data map[string][]byte) (material, error) {
	var m material
	var err error
	if m.trusted, err = pki.DecodeX509CertificateSetBytes(data[authorityCert]); err != nil {
		return m, fmt.Errorf("decode %s: %w", authorityCert, err)
	}
	if m.caKey, err = pki.DecodePrivateKeyBytes(data[authorityKey]); err != nil {
		return m, fmt.Errorf("decode %s: %w", authorityKey, err)
	}
	if ok, err := pki.PublicKeyMatchesCertificate(m.caKey.Public(), m.trusted[0]); err != nil || !ok {
		return m, errors.Join(fmt.Errorf("%s is not the key of %s", authorityKey, authorityCert), err)
	}
	return m, nil
}

func parseServing(data map[string][]byte) (*tls.Certificate, error) {
	cert, err := tls.X509KeyPair(data[servingCert], data[servingKey])
	if err != nil {
		return nil, fmt.Errorf("decode %s and %s: %w", servingCert, servingKey, err)
	}
	return &cert, nil
}
