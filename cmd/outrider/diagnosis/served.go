package diagnosis

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/outrider-dev/outrider/cmd/outrider/internal/forward"
)

// webhookPort is the name of the container port on which the webhook listens.
const webhookPort = "webhook"

// servedBy returns the certificates that a pod of the controller serves, the
// leaf first, through a port-forward.
func servedBy(ctx context.Context, p *Patient, pod *corev1.Pod) ([]*x509.Certificate, error) {
	port := int32(0)
	for i := range pod.Spec.Containers {
		for _, declared := range pod.Spec.Containers[i].Ports {
			if declared.Name == webhookPort {
				port = declared.ContainerPort
			}
		}
	}
	if port == 0 {
		return nil, fmt.Errorf("it has no port named %s", webhookPort)
	}
	address, end, err := forward.To(ctx, p.Config, p.Client, pod.Namespace, pod.Name, port)
	if err != nil {
		return nil, err
	}
	defer end()
	// Whether it is to be trusted is what the caller finds out.
	dialTLS := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}
	conn, err := dialTLS.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("TLS handshake: %w", err)
	}
	defer conn.Close()
	return conn.(*tls.Conn).ConnectionState().PeerCertificates, nil
}
