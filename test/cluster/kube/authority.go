package kube

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// validity is how long a cluster's certificates last. Each start of a cluster issues new ones.
const validity = 365 * 24 * time.Hour

// authority is a certificate authority that lives as long as its cluster.
type authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	pem  []byte // the certificate
}

// pair is a certificate and its key, in PEM.
type pair struct{ cert, key []byte }

// identity is whom a certificate names: a user and groups for a client, addresses for a server.
type identity struct {
	name   string
	groups []string
	hosts  []string // none: the certificate is a client's
}

func newAuthority(name string) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the key of %s: %w", name, err)
	}
	cert := certificate(name)
	cert.IsCA, cert.BasicConstraintsValid = true, true
	cert.KeyUsage |= x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("sign %s: %w", name, err)
	}
	if cert, err = x509.ParseCertificate(der); err != nil {
		return nil, fmt.Errorf("parse %s: %w", name, err)
	}
	return &authority{key: key, cert: cert, pem: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}, nil
}

// issue signs a new key for id.
func (a *authority) issue(id identity) (pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return pair{}, fmt.Errorf("make the key of %s: %w", id.name, err)
	}
	cert := certificate(id.name)
	cert.Subject.Organization = id.groups
	cert.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	for _, h := range id.hosts {
		cert.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		if ip := net.ParseIP(h); ip != nil {
			cert.IPAddresses = append(cert.IPAddresses, ip)
		} else {
			cert.DNSNames = append(cert.DNSNames, h)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, a.cert, key.Public(), a.key)
	if err != nil {
		return pair{}, fmt.Errorf("sign %s: %w", id.name, err)
	}
	keyPEM, err := encodeKey(key)
	if err != nil {
		return pair{}, err
	}
	return pair{cert: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), key: keyPEM}, nil
}

func certificate(name string) *x509.Certificate {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		panic(err) // crypto/rand never returns an error
	}
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(validity),
		KeyUsage:     x509.KeyUsageDigitalSignature,
	}
}

func encodeKey(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encode key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), nil
}

// signingKey makes the key pair with which service account tokens are signed.
func signingKey() (pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return pair{}, fmt.Errorf("make the service account key: %w", err)
	}
	private, err := encodeKey(key)
	if err != nil {
		return pair{}, err
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return pair{}, fmt.Errorf("encode the service account key: %w", err)
	}
	return pair{cert: pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}), key: private}, nil
}

// write stores the pair as dir/name.crt and dir/name.key.
func (p pair) write(dir, name string) error {
	if err := os.WriteFile(filepath.Join(dir, name+".crt"), p.cert, 0o644); err != nil {
		return fmt.Errorf("write certificate: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".key"), p.key, 0o600); err != nil {
		return fmt.Errorf("write key: %w", err)
	}
	return nil
}

// kubeconfig writes a kubeconfig to path with which id talks to the API server at server.
func (a *authority) kubeconfig(path, server string, id identity) error {
	p, err := a.issue(id)
	if err != nil {
		return err
	}
	const name = "outrider"
	config := clientcmdapi.NewConfig()
	config.Clusters[name] = &clientcmdapi.Cluster{Server: server, CertificateAuthorityData: a.pem}
	config.AuthInfos[name] = &clientcmdapi.AuthInfo{ClientCertificateData: p.cert, ClientKeyData: p.key}
	config.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	config.CurrentContext = name
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		return fmt.Errorf("write kubeconfig of %s: %w", id.name, err)
	}
	return nil
}

// pki is where the certificates and keys of one control plane lie.
type pki struct{ dir string }

func (p pki) file(name string) string { return filepath.Join(p.dir, name) }

// write makes every certificate that an API server on hosts needs and returns the authority that
// signs further ones.
func (p pki) write(hosts ...string) (*authority, error) {
	if err := os.MkdirAll(p.dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the certificate folder: %w", err)
	}
	ca, err := newAuthority("outrider-cluster")
	if err != nil {
		return nil, err
	}
	front, err := newAuthority("outrider-front-proxy")
	if err != nil {
		return nil, err
	}
	caKey, err := encodeKey(ca.key)
	if err != nil {
		return nil, err
	}
	tokens, err := signingKey()
	if err != nil {
		return nil, err
	}
	pairs := map[string]pair{"ca": {cert: ca.pem, key: caKey}, "front-proxy-ca": {cert: front.pem}, "sa": tokens}
	for name, issue := range map[string]struct {
		by *authority
		id identity
	}{
		"apiserver": {ca, identity{name: "kube-apiserver", hosts: hosts}},
		// The group spares a binding to system:kubelet-api-admin, without which logs and exec are refused.
		"kubelet-client":     {ca, identity{name: "kube-apiserver-kubelet-client", groups: []string{"system:masters"}}},
		"front-proxy-client": {front, identity{name: "front-proxy-client"}},
	} {
		if pairs[name], err = issue.by.issue(issue.id); err != nil {
			return nil, err
		}
	}
	for name, pair := range pairs {
		if err := pair.write(p.dir, name); err != nil {
			return nil, err
		}
	}
	return ca, nil
}

// admin is the user of the tests: it may do everything.
var admin = identity{name: "outrider-admin", groups: []string{"system:masters"}}
