package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"

	"github.com/outrider-dev/outrider/cmd/outrider/release"
	"github.com/outrider-dev/outrider/test/child"
	"github.com/outrider-dev/outrider/test/endpoint"
	"github.com/outrider-dev/outrider/test/manifest"
	"github.com/outrider-dev/outrider/test/relay"
)

const (
	releaseNamespace = "outrider"
	controllerName   = "outrider-controller"
)

// controller is the real binary, with the arguments and the permissions that the chart gives it.
type controller struct {
	*child.Process
	metrics string // address
	relay   *relay.Relay
}

// startController installs the chart's objects and runs the controller, which asks the Prometheus at an address for proof.
func (c *cluster) startController(ctx context.Context, dir, prometheus string) (*controller, error) {
	listens := map[string]string{}
	var err error
	for _, name := range []string{"webhook", "metrics", "health-probe"} {
		if listens[name], err = endpoint.Free(); err != nil {
			return nil, err
		}
	}
	args, err := c.install(ctx, listens["webhook"])
	if err != nil {
		return nil, err
	}
	ctl := &controller{metrics: listens["metrics"]}
	if ctl.relay, err = relay.Start("127.0.0.1", 0, c.host()); err != nil {
		return nil, err
	}
	kubeconfig := filepath.Join(dir, "controller.kubeconfig")
	if err := c.account(ctx, kubeconfig, ctl.relay.Address()); err != nil {
		return nil, err
	}
	args = slices.DeleteFunc(args, func(arg string) bool {
		name, _, _ := strings.Cut(strings.TrimPrefix(arg, "--"), "=")
		return name == "prometheus-url" || name == "role" || listens[strings.TrimSuffix(name, "-bind-address")] != ""
	})
	for name, address := range listens {
		args = append(args, "--"+name+"-bind-address="+address)
	}
	args = append(args, "--kubeconfig="+kubeconfig, "--prometheus-url=http://"+prometheus)
	args = append([]string{child.Contained, c.binary}, args...)
	if ctl.Process, err = child.Start(controllerName, "/usr/bin/env", filepath.Join(dir, "controller.log"), args...); err != nil {
		return nil, err
	}
	err = poll(ctx, time.Minute, func() error {
		if err := ctl.Ended(); err != nil {
			return final{err}
		}
		return answers("http://" + listens["health-probe"] + "/readyz?verbose")
	})
	if err != nil {
		said := ctl.Tail()
		ctl.stop()
		return nil, fmt.Errorf("start the controller: %w\n%s", err, said)
	}
	return ctl, nil
}

func (c *controller) stop() {
	c.Stop(10 * time.Second)
	c.relay.Close()
}

// knows waits until the controller reports this many injected pods.
func (c *controller) knows(ctx context.Context, pods int) error {
	const series = "outrider_coverage_pods{"
	return poll(ctx, 2*time.Minute, func() error {
		if err := c.Ended(); err != nil {
			return final{err}
		}
		n, err := endpoint.Sum(c.metrics, series)
		if err == nil && int(n) != pods {
			err = fmt.Errorf("the controller reports %v pods, not %d", n, pods)
		}
		return err
	})
}

// install applies what the chart renders, and returns the arguments of the controller in it. The webhook's Services become
// names of localhost, because nothing here routes addresses of Services.
func (c *cluster) install(ctx context.Context, webhook string) ([]string, error) {
	_, text, err := net.SplitHostPort(webhook)
	if err != nil {
		return nil, fmt.Errorf("the webhook's address: %w", err)
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		return nil, fmt.Errorf("the webhook's port: %w", err)
	}
	objects, err := manifest.Rendered(release.Release{Namespace: releaseNamespace}, nil, "1.37.0")
	if err != nil {
		return nil, err
	}
	var args []string
	var documents [][]byte
	for _, object := range objects {
		name, _ := object["metadata"].(map[string]any)["name"].(string)
		switch object["kind"] {
		case "Deployment", "StatefulSet", "DaemonSet":
			if name == controllerName {
				if args, err = arguments(object); err != nil {
					return nil, err
				}
			}
			continue // nothing runs them here
		case "Service":
			if strings.HasPrefix(name, "outrider-webhook") {
				object["spec"] = map[string]any{"type": "ExternalName", "externalName": "localhost"}
			}
		case "MutatingWebhookConfiguration":
			for _, hook := range object["webhooks"].([]any) {
				hook.(map[string]any)["clientConfig"].(map[string]any)["service"].(map[string]any)["port"] = port
			}
		}
		raw, err := yaml.Marshal(object)
		if err != nil {
			return nil, fmt.Errorf("encode %s: %w", name, err)
		}
		documents = append(documents, raw)
	}
	if args == nil {
		return nil, fmt.Errorf("the chart renders no Deployment %s", controllerName)
	}
	applier, err := manifest.NewApplier(c.config)
	if err != nil {
		return nil, err
	}
	return args, applier.Apply(ctx, bytes.Join(documents, []byte("\n---\n")))
}

// arguments are those of the first container of a rendered Deployment.
func arguments(object map[string]any) ([]string, error) {
	raw, err := yaml.Marshal(object["spec"])
	if err != nil {
		return nil, fmt.Errorf("encode a Deployment: %w", err)
	}
	var spec struct{ Template corev1.PodTemplateSpec }
	if err := yaml.Unmarshal(raw, &spec); err != nil {
		return nil, fmt.Errorf("read a Deployment: %w", err)
	}
	return spec.Template.Spec.Containers[0].Args, nil
}

// account writes a kubeconfig of the controller's ServiceAccount, that is at the address of a relay.
func (c *cluster) account(ctx context.Context, path, address string) error {
	token, err := c.client.CoreV1().ServiceAccounts(releaseNamespace).CreateToken(ctx, controllerName, &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	if err != nil {
		return fmt.Errorf("make a token of the controller: %w", err)
	}
	return writeKubeconfig(path, &rest.Config{
		Host: "https://" + address, BearerToken: token.Status.Token, TLSClientConfig: rest.TLSClientConfig{CAData: c.config.CAData},
	})
}

// makeNamespace creates the release's namespace.
func makeNamespace(ctx context.Context, client kubernetes.Interface) error {
	_, err := client.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: releaseNamespace}}, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("create a namespace: %w", err)
	}
	return nil
}
