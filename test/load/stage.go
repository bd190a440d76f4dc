package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"

	"github.com/outrider-dev/outrider/cmd/outrider/release"
	"github.com/outrider-dev/outrider/test/cluster/build"
	"github.com/outrider-dev/outrider/test/cluster/kube"
	"github.com/outrider-dev/outrider/test/cluster/progress"
	"github.com/outrider-dev/outrider/test/endpoint"
	"github.com/outrider-dev/outrider/test/manifest"
)

const (
	releaseNamespace = "outrider"
	// serverName is in the controller's certificate.
	serverName = "outrider-webhook." + releaseNamespace + ".svc"
	policyData = "outrider-policies"
	patience   = 2 * time.Minute
)

// stage is what is measured: an API server, the real controller with the chart's
// webhook configuration, and the alternatives beside it.
type stage struct {
	api     *kube.APIServer
	client  kubernetes.Interface
	webhook string // the controller's addresses
	metrics string
	// alternatives are served by a process of their own.
	alternatives address
	configs      map[string]map[mode]*admissionregistrationv1.MutatingWebhookConfiguration // by their names; none where there is none
	trusted      map[string][]byte                                                         // their caBundles
	bindings     map[mode][]*admissionregistrationv1.MutatingAdmissionPolicyBinding
	in           mode // that is in force
	ends         []func()
}

// newStage starts all of it, the webhook configurations in force.
func newStage(ctx context.Context) (_ *stage, err error) {
	s := &stage{configs: map[string]map[mode]*admissionregistrationv1.MutatingWebhookConfiguration{}, trusted: map[string][]byte{}, bindings: map[mode][]*admissionregistrationv1.MutatingAdmissionPolicyBinding{}}
	defer func() {
		if err != nil {
			s.stop()
		}
	}()
	if s.api, err = kube.StartAPIServer(ctx, kube.APIServerOptions{}); err != nil {
		return nil, err
	}
	s.ends = append(s.ends, s.api.Stop)
	config := s.api.Config()
	config.ContentType, config.UserAgent = "application/vnd.kubernetes.protobuf", "kube-controller-manager/v1.37.2 (linux/amd64)"
	if s.client, err = kubernetes.NewForConfig(config); err != nil {
		return nil, err
	}
	if s.webhook, err = endpoint.Free(); err != nil {
		return nil, err
	}
	for _, v := range variants {
		if err := s.makeNamespace(ctx, v.namespace, v.namespaceLabels); err != nil {
			return nil, err
		}
	}
	if err := s.install(ctx); err != nil {
		return nil, err
	}
	if err := s.installConstant(ctx); err != nil {
		return nil, err
	}
	if err := s.startController(ctx); err != nil {
		return nil, err
	}
	if err := s.startAlternatives(ctx); err != nil {
		return nil, err
	}
	if err := s.awaitData(ctx); err != nil {
		return nil, err
	}
	return s, s.inForce(ctx, byWebhook)
}

func (s *stage) stop() {
	for i := len(s.ends) - 1; i >= 0; i-- {
		s.ends[i]()
	}
}

// install creates what the chart would and the controller needs here. Nothing
// routes ClusterIPs, so the Services name localhost.
func (s *stage) install(ctx context.Context) error {
	if err := s.makeNamespace(ctx, releaseNamespace, nil); err != nil {
		return err
	}
	for _, name := range []string{"outrider-webhook", "outrider-webhook-probe"} {
		service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, ExternalName: "localhost"}}
		if _, err := s.client.CoreV1().Services(releaseNamespace).Create(ctx, service, metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("create Service: %w", err)
		}
	}
	for _, in := range []mode{byWebhook, byPolicies} {
		values := map[string]any{"webhook": map[string]any{"mode": map[mode]string{byWebhook: "webhook", byPolicies: "auto"}[in]}}
		objects, err := manifest.Rendered(release.Release{}, values, "1.37.0")
		if err != nil {
			return err
		}
		for _, object := range objects {
			if err := s.create(ctx, in, object); err != nil && !apierrors.IsAlreadyExists(err) {
				return fmt.Errorf("create %s: %w", object["kind"], err)
			}
		}
	}
	return nil
}

// awaitData waits until the controller has written the catalog for the policies.
func (s *stage) awaitData(ctx context.Context) error {
	return eventually(ctx, "the data of the policies", func(ctx context.Context) (string, error) {
		data, err := s.client.CoreV1().ConfigMaps(releaseNamespace).Get(ctx, policyData, metav1.GetOptions{})
		if err != nil || data.Data["comparingOwners"] == "" {
			return "the controller has not written it", err
		}
		return "", nil
	})
}

// create makes one of the chart's objects as rendered for a mode, if it is of a kind that is needed here. Webhook
// configurations and bindings are kept for later.
func (s *stage) create(ctx context.Context, in mode, object map[string]any) error {
	raw, err := json.Marshal(object)
	if err != nil {
		return err
	}
	switch object["kind"] {
	case "CustomResourceDefinition":
		const path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
		return s.client.CoreV1().RESTClient().Post().AbsPath(path).SetHeader("Content-Type", "application/json").Body(raw).Do(ctx).Error()
	case "Secret":
		var secret corev1.Secret
		if err := json.Unmarshal(raw, &secret); err != nil {
			return err
		}
		_, err = s.client.CoreV1().Secrets(releaseNamespace).Create(ctx, &secret, metav1.CreateOptions{})
	case "MutatingWebhookConfiguration":
		var config admissionregistrationv1.MutatingWebhookConfiguration
		if err := json.Unmarshal(raw, &config); err != nil {
			return err
		}
		_, port, err := net.SplitHostPort(s.webhook)
		if err != nil {
			return err
		}
		number, err := strconv.ParseInt(port, 10, 32)
		if err != nil {
			return err
		}
		for i := range config.Webhooks {
			n := int32(number)
			config.Webhooks[i].ClientConfig.Service.Port = &n
		}
		if s.configs[config.Name] == nil {
			s.configs[config.Name] = map[mode]*admissionregistrationv1.MutatingWebhookConfiguration{}
		}
		s.configs[config.Name][in] = &config
		if in == byWebhook { // the controller writes its caBundle
			_, err = s.client.AdmissionregistrationV1().MutatingWebhookConfigurations().Create(ctx, config.DeepCopy(), metav1.CreateOptions{})
		}
		return err
	case "ConfigMap":
		var data corev1.ConfigMap
		if err := json.Unmarshal(raw, &data); err != nil || data.Name != policyData {
			return err
		}
		_, err = s.client.CoreV1().ConfigMaps(releaseNamespace).Create(ctx, &data, metav1.CreateOptions{})
	case "MutatingAdmissionPolicy":
		var policy admissionregistrationv1.MutatingAdmissionPolicy
		if err := json.Unmarshal(raw, &policy); err != nil {
			return err
		}
		_, err = s.client.AdmissionregistrationV1().MutatingAdmissionPolicies().Create(ctx, &policy, metav1.CreateOptions{})
	case "MutatingAdmissionPolicyBinding":
		var binding admissionregistrationv1.MutatingAdmissionPolicyBinding
		if err := json.Unmarshal(raw, &binding); err != nil {
			return err
		}
		s.bindings[in] = append(s.bindings[in], &binding)
	}
	return err
}

func (s *stage) makeNamespace(ctx context.Context, name string, labels map[string]string) error {
	_, err := s.client.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}, metav1.CreateOptions{})
	return err
}

// startController runs the real binary and waits until it is ready.
func (s *stage) startController(ctx context.Context) error {
	binary, err := build.Main(ctx, "./cmd/outrider-controller")
	if err != nil {
		return err
	}
	health, err := endpoint.Free()
	if err != nil {
		return err
	}
	if s.metrics, err = endpoint.Free(); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "outrider-load-")
	if err != nil {
		return err
	}
	s.ends = append(s.ends, func() { _ = os.RemoveAll(dir) })
	log, err := os.Create(filepath.Join(dir, "controller.log"))
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, binary, "--kubeconfig="+s.api.Kubeconfig(), "--webhook-bind-address="+s.webhook,
		"--metrics-bind-address="+s.metrics, "--health-probe-bind-address="+health, "--shutdown-delay=0s",
		"--policy-parameters="+policyData, "--injection=auto")
	cmd.Stdout, cmd.Stderr = log, log
	if err := s.start(cmd); err != nil {
		return fmt.Errorf("start the controller: %w", err)
	}
	defer progress.Start(ctx, "wait for the controller")()
	return eventually(ctx, "the controller to be ready", func(context.Context) (string, error) {
		body, status := endpoint.Get("http://" + health + "/readyz?verbose")
		if status == http.StatusOK {
			return "", nil
		}
		return body, nil
	})
}

// start runs a program until the stage ends.
func (s *stage) start(cmd *exec.Cmd) error {
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = patience
	if err := cmd.Start(); err != nil {
		return err
	}
	s.ends = append(s.ends, func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	})
	return nil
}

// eventually polls until check has nothing to complain of.
func eventually(ctx context.Context, what string, check func(context.Context) (string, error)) error {
	var wrong string
	err := wait.PollUntilContextTimeout(ctx, 20*time.Millisecond, patience, true, func(ctx context.Context) (done bool, err error) {
		wrong, err = check(ctx)
		return wrong == "", err
	})
	if err != nil {
		return fmt.Errorf("wait for %s: %w; %s", what, err, wrong)
	}
	return nil
}
