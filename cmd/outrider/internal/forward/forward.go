// Package forward reaches a port of a pod through the API server, as kubectl
// port-forward does. It arrives inside the pod: neither a NetworkPolicy nor a
// firewall between the API server and the pod stands in its way.
package forward

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"
)

// To forwards a local port to a pod's and returns its address, such as
// 127.0.0.1:40123, and what ends it.
func To(ctx context.Context, config *rest.Config, client kubernetes.Interface, namespace, pod string, port int32) (address string, end func(), err error) {
	transport, upgrader, err := spdy.RoundTripperFor(config)
	if err != nil {
		return "", nil, fmt.Errorf("set up the port-forward: %w", err)
	}
	url := client.CoreV1().RESTClient().Post().Resource("pods").Namespace(namespace).Name(pod).SubResource("portforward").URL()
	dialer := spdy.NewDialer(upgrader, &http.Client{Transport: transport}, http.MethodPost, url)
	stop, ready := make(chan struct{}), make(chan struct{})
	forwarder, err := portforward.NewOnAddresses(dialer, []string{"127.0.0.1"}, []string{fmt.Sprintf("0:%d", port)}, stop, ready, io.Discard, io.Discard)
	if err != nil {
		return "", nil, fmt.Errorf("set up the port-forward: %w", err)
	}
	var failed error
	ended := make(chan struct{})
	go func() { failed = forwarder.ForwardPorts(); close(ended) }()
	end = func() { close(stop); <-ended }
	select {
	case <-ready:
	case <-ended:
		return "", nil, fmt.Errorf("port-forward to pod %s/%s: %w", namespace, pod, failed)
	case <-ctx.Done():
		end()
		return "", nil, ctx.Err()
	}
	ports, err := forwarder.GetPorts()
	if err != nil {
		end()
		return "", nil, fmt.Errorf("port-forward to pod %s/%s: %w", namespace, pod, err)
	}
	return fmt.Sprintf("127.0.0.1:%d", ports[0].Local), end, nil
}

// Get asks a pod over HTTP and returns the body and the status code.
func Get(ctx context.Context, config *rest.Config, client kubernetes.Interface, namespace, pod string, port int32, path string) ([]byte, int, error) {
	address, end, err := To(ctx, config, client, namespace, pod, port)
	if err != nil {
		return nil, 0, err
	}
	defer end()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+path, nil)
	if err != nil {
		return nil, 0, err
	}
	// Connections must not outlive the forward.
	response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
	if err != nil {
		return nil, 0, fmt.Errorf("ask pod %s/%s: %w", namespace, pod, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return body, response.StatusCode, err
}
