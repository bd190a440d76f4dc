package apiserver_test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"

	"github.com/outrider-dev/outrider/cmd/outrider/release"
	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
	"github.com/outrider-dev/outrider/test/child"
	"github.com/outrider-dev/outrider/test/cluster/build"
	"github.com/outrider-dev/outrider/test/endpoint"
	"github.com/outrider-dev/outrider/test/manifest"
)

const releaseNamespace = "outrider"

// controller is the real binary, serving the API server of the tests.
type controller struct {
	webhook, metrics, health string // addresses
	log                      string // file
	process                  *os.Process
	done                     chan struct{}
}

var startOnce sync.Once
var shared *controller

// injecting returns the controller that the tests of this package share: the
// real binary, with the webhook configuration of the real chart. Its Service is
// an ExternalName, because nothing here routes ClusterIPs; the API server then
// calls localhost and still asks for the Service's name in the certificate.
func injecting(t *testing.T, c kubernetes.Interface) *controller {
	t.Helper()
	startOnce.Do(func() { shared = startController(t, c) })
	if shared == nil {
		t.Fatal("the controller did not start; see the first test")
	}
	return shared
}

func startController(t *testing.T, c kubernetes.Interface) *controller {
	t.Helper()
	webhook := endpoint.FreeFor(t)
	installWebhook(t, c, webhook)
	ctl := launch(t, "--kubeconfig="+api.Kubeconfig(), "--webhook-bind-address="+webhook)
	ctl.webhook = webhook
	return ctl
}

// launch starts the real binary, under further flags, and waits until it is ready.
func launch(t *testing.T, flags ...string) *controller {
	t.Helper()
	binary, err := build.Main(t.Context(), "./cmd/outrider-controller")
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.CreateTemp("", "outrider-controller-*.log")
	if err != nil {
		t.Fatal(err)
	}
	ctl := &controller{metrics: endpoint.FreeFor(t), health: endpoint.FreeFor(t), log: log.Name(), done: make(chan struct{})}
	cmd := exec.Command(binary, append(flags,
		"--metrics-bind-address="+ctl.metrics, "--health-probe-bind-address="+ctl.health, "--log-level=debug", "--shutdown-delay=0s")...)
	cmd.Env, cmd.Stdout, cmd.Stderr = append(os.Environ(), child.Contained), log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ctl.process = cmd.Process
	go func() { _ = cmd.Wait(); close(ctl.done) }()
	atExit = append(atExit, ctl.stop)
	eventually(t, func() string {
		body, status := endpoint.Get("http://" + ctl.health + "/readyz?verbose")
		if status == http.StatusOK {
			return ""
		}
		said := ctl.said(t)
		return fmt.Sprintf("the controller is not ready: %s\n%s", body, said[max(0, len(said)-4000):])
	})
	return ctl
}

// said is the controller's log so far.
func (c *controller) said(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile(c.log)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func (c *controller) stop() {
	_ = c.process.Signal(os.Interrupt)
	<-c.done
	os.Remove(c.log)
}

// installWebhook creates what the chart would: the namespace, the empty Secret
// and the webhook configuration; and the Service in the form said above.
func installWebhook(t *testing.T, c kubernetes.Interface, address string) {
	t.Helper()
	_, portText, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	var port int32
	if _, err := fmt.Sscan(portText, &port); err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	must(t)(c.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: releaseNamespace}}, metav1.CreateOptions{}))
	for _, name := range []string{"outrider-webhook", "outrider-webhook-probe"} {
		must(t)(c.CoreV1().Services(releaseNamespace).Create(ctx, &corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Name: name},
			Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, ExternalName: "localhost"},
		}, metav1.CreateOptions{}))
	}
	objects, err := manifest.Rendered(release.Release{}, nil, api.Version())
	if err != nil {
		t.Fatal(err)
	}
	for _, object := range objects {
		raw, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		switch object["kind"] {
		case "CustomResourceDefinition":
			define(t, c, raw)
		case "Secret":
			var secret corev1.Secret
			decodeInto(t, raw, &secret)
			must(t)(c.CoreV1().Secrets(releaseNamespace).Create(ctx, &secret, metav1.CreateOptions{}))
		case "MutatingWebhookConfiguration":
			var config admissionregistrationv1.MutatingWebhookConfiguration
			decodeInto(t, raw, &config)
			for i := range config.Webhooks {
				config.Webhooks[i].ClientConfig.Service.Port = &port
			}
			must(t)(c.AdmissionregistrationV1().MutatingWebhookConfigurations().Create(ctx, &config, metav1.CreateOptions{}))
		}
	}
}

// define creates a CustomResourceDefinition and waits until its kind is served.
func define(t *testing.T, c kubernetes.Interface, raw []byte) {
	t.Helper()
	const path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
	if err := c.CoreV1().RESTClient().Post().AbsPath(path).SetHeader("Content-Type", "application/json").Body(raw).Do(t.Context()).Error(); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() string {
		if _, err := c.Discovery().ServerResourcesForGroupVersion(v1alpha1.GroupVersion.String()); err != nil {
			return err.Error()
		}
		return ""
	})
}

// must takes a call's two results and fails the test on an error.
func must(t *testing.T) func(any, error) {
	return func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
}

func decodeInto(t *testing.T, raw []byte, v any) {
	t.Helper()
	if err := json.Unmarshal(raw, v); err != nil {
		t.Fatal(err)
	}
}

// calls is how many admission requests the controller has answered.
func (c *controller) calls(t *testing.T) float64 {
	t.Helper()
	return c.metric(t, "controller_runtime_webhook_requests_total{")
}

// metric is the sum of the controller's series that begin like this.
func (c *controller) metric(t *testing.T, series string) float64 {
	t.Helper()
	sum, err := endpoint.Sum(c.metrics, series)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}
