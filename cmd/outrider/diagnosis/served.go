package diagnosis

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"
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
	roundTripper, upgrader, err := spdy.RoundTripperFor(p.Config)
	if err != nil {
		return nil, fmt.Errorf("set up the port-forward: %w", err)
	}
	url := p.Client.CoreV1().RESTClient().Post().Resource("pods").Namespace(pod.Namespace).Name(pod.Name).SubResource("portforward").URL()
	dialer := spdy.NewDialer(upgrader, &http.Client{Transport: roundTripper}, http.MethodPost, url)
	stop, ready := make(chan struct{}), make(chan struct{})
	forward, err := portforward.NewOnAddresses(dialer, []string{"127.0.0.1"}, []string{fmt.Sprintf("0:%d", port)}, stop, ready, io.Discard, io.Discard)
	if err != nil {
		return nil, fmt.Errorf("set up the port-forward: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- forward.ForwardPorts() }()
	defer func() {
		close(stop)
		_ = <-ended // what became of a forward that is no longer needed
	}()
	select {
	case <-ready:
	case err := <-ended:
		ended <- nil
		return nil, fmt.Errorf("port-forward: %w", err)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	ports, err := forward.GetPorts()
	if err != nil {
		return nil, fmt.Errorf("port-forward: %w", err)
	}
	// Whether it is to be trusted is what the caller finds out.
	dialTLS := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}
	conn, err := dialTLS.DialContext(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", ports[0].Local))
	if err != nil {
		return nil, fmt.Errorf("TLS handshake: %w", err)
	}
	defer conn.Close()
	return conn.(*tls.Conn).ConnectionState().PeerCertificates, nil
}
