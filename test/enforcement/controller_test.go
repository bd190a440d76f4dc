package enforcement_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/cli"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/outrider-dev/outrider/cmd/outrider/release"
	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/test/cluster/build"
	"github.com/outrider-dev/outrider/test/endpoint"
)

const (
	releaseNamespace = "outrider"
	parameters       = "outrider-policies" // the policies' ConfigMap
)

var webhookAddress string // where controllers of these tests serve the webhook

// running are the address of the metrics and the log file of the controller that was started last.
var running struct{ metrics, log string }

// installChart installs the chart, and points its webhook to this machine: the Service becomes an ExternalName, because
// nothing here routes ClusterIPs.
func installChart(kubeconfig string) error {
	cfg, err := helm(kubeconfig)
	if err != nil {
		return err
	}
	chart, err := release.Chart()
	if err != nil {
		return err
	}
	install := action.NewInstall(cfg)
	install.ReleaseName, install.Namespace, install.CreateNamespace = "outrider", releaseNamespace, true
	if _, err := install.Run(chart, chartValues("auto")); err != nil {
		return fmt.Errorf("install the chart: %w", err)
	}
	if webhookAddress, err = endpoint.Free(); err != nil {
		return err
	}
	return pointWebhook()
}

func helm(kubeconfig string) (*action.Configuration, error) {
	settings := cli.New()
	settings.KubeConfig = kubeconfig
	settings.SetNamespace(releaseNamespace)
	cfg := &action.Configuration{}
	return cfg, cfg.Init(settings.RESTClientGetter(), releaseNamespace, "secret", func(string, ...any) {})
}

// chartValues are those of the release with a webhook.mode.
func chartValues(mode string) map[string]any {
	return map[string]any{"discovery": map[string]any{"mode": "none"}, "webhook": map[string]any{"mode": mode}}
}

// pointWebhook has the API server call webhookAddress.
func pointWebhook() error {
	c := api.Client()
	ctx := context.Background()
	service := `{"spec": {"type": "ExternalName", "externalName": "localhost", "selector": null, "ports": null, "clusterIP": null, "clusterIPs": null}}`
	if _, err := c.CoreV1().Services(releaseNamespace).Patch(ctx, "outrider-webhook", types.MergePatchType, []byte(service), metav1.PatchOptions{}); err != nil {
		return err
	}
	_, port, _ := net.SplitHostPort(webhookAddress)
	var ops []string
	for i := range 2 {
		ops = append(ops, fmt.Sprintf(`{"op": "replace", "path": "/webhooks/%d/clientConfig/service/port", "value": %s}`, i, port))
	}
	_, err := c.AdmissionregistrationV1().MutatingWebhookConfigurations().Patch(ctx, "00-outrider", types.JSONPatchType,
		[]byte("["+strings.Join(ops, ",")+"]"), metav1.PatchOptions{})
	return err
}

// noWebhook is set while there is no webhook, and the API server's policies inject alone.
var noWebhook bool

// withoutWebhook brings the release to webhook.mode policy until the test ends.
func withoutWebhook(t *testing.T) {
	t.Helper()
	client(t)
	if api.Before("1.36") {
		t.Skip("Kubernetes 1.36 brought the policies")
	}
	upgrade := func(mode string) {
		cfg, err := helm(api.Kubeconfig())
		if err != nil {
			t.Fatal(err)
		}
		chart, err := release.Chart()
		if err != nil {
			t.Fatal(err)
		}
		to := action.NewUpgrade(cfg)
		to.Namespace = releaseNamespace
		if _, err := to.Run("outrider", chart, chartValues(mode)); err != nil {
			t.Fatalf("upgrade to webhook.mode %s: %v", mode, err)
		}
	}
	upgrade("policy")
	noWebhook = true
	t.Cleanup(func() {
		noWebhook = false
		upgrade("auto")
		if err := pointWebhook(); err != nil {
			t.Error(err)
		}
	})
}

// policiesActive waits until the API server's policies inject for a tenant, and label what they leave.
func policiesActive(t *testing.T, n tenant) {
	t.Helper()
	eventually(t, func() string {
		for port, want := range map[string]string{"6380": sidecars.RequestedByPolicy, "no": "Annotation"} {
			p := redis(sidecars.InjectKey, "redis", "redis.outrider.dev/port", port)
			got, err := n.CoreV1().Pods(n.namespace).Create(t.Context(), p, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
			if err != nil {
				t.Fatal(err)
			}
			if got.Labels[sidecars.RequestedKey] != want {
				return fmt.Sprintf("the policies say %q, want %q", got.Labels[sidecars.RequestedKey], want)
			}
		}
		return ""
	})
}

// injecting runs the real binary, with the permissions that the chart gives it, until the test ends or end is called, and returns when it
// is ready and has written the policies' parameters.
func injecting(t *testing.T) (end func()) {
	t.Helper()
	c := client(t)
	binary, err := build.Main(t.Context(), "./cmd/outrider-controller")
	if err != nil {
		t.Fatal(err)
	}
	metrics, health := endpoint.FreeFor(t), endpoint.FreeFor(t)
	said := filepath.Join(t.TempDir(), "controller.log")
	running.metrics, running.log = metrics, said
	log, err := os.Create(said)
	if err != nil {
		t.Fatal(err)
	}
	kubeconfig, err := api.KubeconfigOf(releaseNamespace, "outrider-controller")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, "--kubeconfig="+kubeconfig, "--webhook-bind-address="+webhookAddress, "--metrics-bind-address="+metrics,
		"--health-probe-bind-address="+health, "--shutdown-delay=0s", "--policy-parameters="+parameters, "--log-level=debug", "--injection="+map[bool]string{true: "policy", false: "webhook"}[noWebhook])
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { _ = cmd.Wait(); close(done) }()
	end = func() {
		_ = cmd.Process.Signal(os.Interrupt)
		<-done
	}
	t.Cleanup(end)
	eventually(t, func() string {
		written, err := c.CoreV1().ConfigMaps(releaseNamespace).Get(t.Context(), parameters, metav1.GetOptions{})
		if body, status := endpoint.Get("http://" + health + "/readyz?verbose"); status != http.StatusOK || err != nil || written.Data["date"] == "" {
			raw, _ := os.ReadFile(said)
			return fmt.Sprintf("the controller is not ready, or the parameters are not written: %s\n%s", body, raw[max(0, len(raw)-4000):])
		}
		return ""
	})
	return end
}
