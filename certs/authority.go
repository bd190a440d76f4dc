package certs

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/cert-manager/cert-manager/pkg/util/pki"
)

// authorityName is the common name of our CAs.
const authorityName = "outrider"

// skew is how far clocks may be apart: those of the replicas, and the API
// server's.
const skew = time.Hour

// authority is a certificate that signs others, and its key.
type authority struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// newAuthority makes a CA that lives this long from now on.
func newAuthority(now time.Time, life time.Duration) (*authority, error) {
	key, err := pki.GenerateECPrivateKey(pki.ECCurve256)
	if err != nil {
		return nil, fmt.Errorf("generate authority's key: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("draw serial number: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: authorityName, SerialNumber: serial.Text(16)},
		NotBefore:             now.Add(-tolerance(life)),
		NotAfter:              now.Add(life),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	_, cert, err := pki.SignCertificate(template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("sign authority: %w", err)
	}
	return &authority{cert: cert, key: key}, nil
}

// sign completes the template of a serving certificate, which lives this long
// from now on but not longer than its CA, and signs it.
func (a *authority) sign(template *x509.Certificate, now time.Time, life time.Duration) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("draw serial number: %w", err)
	}
	template.SerialNumber = serial
	template.BasicConstraintsValid = true
	template.NotBefore, template.NotAfter = now.Add(-tolerance(life)), now.Add(life)
	if a.cert.NotAfter.Before(template.NotAfter) {
		template.NotAfter = a.cert.NotAfter
	}
	_, cert, err := pki.SignCertificate(template, a.cert, template.PublicKey, a.key)
	if err != nil {
		return nil, fmt.Errorf("sign serving certificate: %w", err)
	}
	return cert, nil
}

// usable returns nil while the CA can sign.
func (a *authority) usable(now time.Time) error {
	switch {
	case a == nil:
		return errors.New("there is no authority")
	case !a.cert.IsCA:
		return errors.New("the authority's certificate may not sign others")
	case !now.Before(a.cert.NotAfter):
		return fmt.Errorf("the authority expired at %s", a.cert.NotAfter.Format(time.RFC3339))
	}
	return nil
}

// is reports whether both are the same CA; there may be none.
func (a *authority) is(other *authority) bool {
	return a != nil && other != nil && a.cert.Equal(other.cert)
}

// fingerprint names a certificate.
func fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return hex.EncodeToString(sum[:])
}

// renewal is when a certificate is to be replaced: when a third of its life is
// left.
func renewal(c *x509.Certificate) time.Time {
	return c.NotAfter.Add(-c.NotAfter.Sub(c.NotBefore) / 3)
}

// tolerance is by how much another's clock may differ where something lives
// this long. It is never more than that life, because a certificate dated back
// further would be due for renewal from its first moment.
func tolerance(life time.Duration) time.Duration { return min(skew, life) }

// verify returns nil if one of the CAs vouches for the certificate as
// that of a server of this name. The others of its chain are in between.
func verify(served *tls.Certificate, trusted []*x509.Certificate, dnsName string, now time.Time) error {
	options := x509.VerifyOptions{
		Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool(),
		DNSName: dnsName, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, ca := range trusted {
		options.Roots.AddCert(ca)
	}
	for _, raw := range served.Certificate[1:] {
		if c, err := x509.ParseCertificate(raw); err == nil {
			options.Intermediates.AddCert(c)
		}
	}
	_, err := served.Leaf.Verify(options)
	return err
}
