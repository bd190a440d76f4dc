// Package remote runs a command in a container of a pod, with the rights of the
// kubeconfig, as kubectl exec does.
package remote

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/httpstream" //nolint:staticcheck // as k8s.io/client-go reports its errors
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/remotecommand"
)

// Exec runs a command with a text on its standard input, and returns what it
// prints. An error of the command has the end of what it printed.
func Exec(ctx context.Context, config *rest.Config, client kubernetes.Interface, namespace, pod, container, stdin string, command ...string) (string, error) {
	url := client.CoreV1().RESTClient().Post().Resource("pods").Namespace(namespace).Name(pod).SubResource("exec").
		VersionedParams(&corev1.PodExecOptions{Container: container, Command: command, Stdin: true, Stdout: true, Stderr: true}, scheme.ParameterCodec).URL()
	spdy, err := remotecommand.NewSPDYExecutor(config, "POST", url)
	if err != nil {
		return "", fmt.Errorf("exec in pod %s: %w", pod, err)
	}
	websocket, err := remotecommand.NewWebSocketExecutor(config, "GET", url.String())
	if err != nil {
		return "", fmt.Errorf("exec in pod %s: %w", pod, err)
	}
	executor, err := remotecommand.NewFallbackExecutor(websocket, spdy, func(err error) bool {
		return httpstream.IsUpgradeFailure(err) || httpstream.IsHTTPSProxyError(err)
	})
	if err != nil {
		return "", fmt.Errorf("exec in pod %s: %w", pod, err)
	}
	var out, problem bytes.Buffer
	err = executor.StreamWithContext(ctx, remotecommand.StreamOptions{Stdin: strings.NewReader(stdin), Stdout: &out, Stderr: &problem})
	if err != nil {
		text := strings.TrimSpace(problem.String() + out.String())
		return out.String(), fmt.Errorf("pod %s: %w: %s", pod, err, text[max(0, len(text)-500):])
	}
	return out.String(), nil
}
