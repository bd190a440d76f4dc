package certificates_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const ownSecret = "corporate-tls"

// modes are the values of each, and who then issues what is served.
var modes = map[string]struct {
	certs  map[string]any
	issuer string
}{
	"self-signed":  {map[string]any{"mode": "self-signed", "settleTime": "1s"}, "outrider"},
	"cert-manager": {map[string]any{"mode": "cert-manager", "settleTime": "1s"}, "outrider-webhook-ca"},
	"secret":       {map[string]any{"mode": "secret", "secretName": ownSecret, "settleTime": "1s"}, "corporate"},
}

// Every mode is changed for every other by helm upgrade and a rolling update, while pods are created; and in each of
// them the certificate, and then the authority too, is replaced. cert-manager is the real one.
func TestModesUnderLoad(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.startCertManager(t)
	e.install(t, modes["self-signed"].certs)
	e.putOwn(t, newOwn(t), dnsName)
	for range 2 {
		e.startReady(t)
	}
	load := e.startLoad(t)
	load.more(t, 20)
	last := "self-signed"
	for _, mode := range []string{"cert-manager", "secret", "self-signed", "secret", "cert-manager", "self-signed"} {
		during := fmt.Sprintf("from %s to %s", last, mode)
		e.upgrade(t, modes[mode].certs)
		e.roll(t)
		for _, r := range e.replicas {
			if got := r.serving(t).Issuer.CommonName; got != modes[mode].issuer {
				t.Fatalf("%s: a replica serves what %q issued, want %q", during, got, modes[mode].issuer)
			}
		}
		load.more(t, 20)
		load.unharmed(t, e, during)
		e.replace(t, mode)
		load.more(t, 20)
		load.unharmed(t, e, "new certificates in mode "+mode)
		last = mode
	}
	load.end(t, e, "6 changes of mode, with a new authority in each")
}

const dnsName = "outrider-webhook." + releaseNamespace + ".svc"

// replace has the certificate and its authority replaced, and waits until every replica serves what the new one signed.
func (e *env) replace(t *testing.T, mode string) {
	t.Helper()
	before := map[*replica]*x509.Certificate{}
	for _, r := range e.replicas {
		before[r] = r.serving(t)
	}
	switch mode {
	case "self-signed":
		if err := e.client.CoreV1().Secrets(releaseNamespace).Delete(t.Context(), secretName, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
	case "cert-manager":
		e.reissue(t, "outrider-webhook-ca")
		e.reissue(t, "outrider-webhook-cert")
	case "secret":
		e.putOwn(t, newOwn(t), dnsName)
	}
	for _, r := range e.replicas {
		eventually(t, func() string {
			if now := r.serving(t); now.CheckSignatureFrom(before[r]) == nil || string(now.AuthorityKeyId) == string(before[r].AuthorityKeyId) {
				return fmt.Sprintf("mode %s: a replica still serves what the old authority signed", mode)
			}
			return ""
		})
	}
}

// serving is the certificate that a replica shows to who asks for the webhook's name.
func (r *replica) serving(t *testing.T) *x509.Certificate {
	t.Helper()
	conn, err := tls.Dial("tcp", r.webhook, &tls.Config{InsecureSkipVerify: true, ServerName: dnsName})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	state := conn.ConnectionState()
	if state.Version != tls.VersionTLS13 {
		t.Errorf("TLS %x is spoken where both sides know 1.3", state.Version)
	}
	return state.PeerCertificates[0]
}

// own is an authority that has nothing to do with Outrider's.
type own struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newOwn(t *testing.T) own {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: serial(t), Subject: pkix.Name{CommonName: "corporate"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	cert, key := signed(t, template, nil)
	return own{cert, key}
}

// putOwn has the Secret of mode secret hold a certificate that this authority issues for the name.
func (e *env) putOwn(t *testing.T, ca own, name string) {
	t.Helper()
	e.putSecret(t, ca.issue(t, name))
}

// issue makes the data of a Secret with a certificate for the name.
func (ca own) issue(t *testing.T, name string) map[string][]byte {
	t.Helper()
	cert, key := signed(t, &x509.Certificate{
		SerialNumber: serial(t), DNSNames: []string{name}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}, &ca)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{
		corev1.TLSCertKey:       pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}),
		corev1.TLSPrivateKeyKey: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}),
		"ca.crt":                pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.cert.Raw}),
	}
}

func (e *env) putSecret(t *testing.T, data map[string][]byte) {
	t.Helper()
	secrets := e.client.CoreV1().Secrets(releaseNamespace)
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: ownSecret}, Type: corev1.SecretTypeTLS, Data: data}
	_, err := secrets.Update(t.Context(), secret, metav1.UpdateOptions{})
	if err != nil {
		_, err = secrets.Create(t.Context(), secret, metav1.CreateOptions{})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// signed makes a certificate of the template, self-signed where there is no CA.
func signed(t *testing.T, template *x509.Certificate, by *own) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if by == nil {
		by = &own{template, key}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, by.cert, key.Public(), by.key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

func serial(t *testing.T) *big.Int {
	t.Helper()
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		t.Fatal(err)
	}
	return n
}
