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
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/outrider-dev/outrider/cmd/outrider/release"
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
	settings := cli.New()
	settings.KubeConfig = kubeconfig
	settings.SetNamespace(releaseNamespace)
	cfg := &action.Configuration{}
	if err := cfg.Init(settings.RESTClientGetter(), releaseNamespace, "secret", func(string, ...any) {}); err != nil {
		return err
	}
	chart, err := release.Chart()
	if err != nil {
		return err
	}
	install := action.NewInstall(cfg)
	install.ReleaseName, install.Namespace, install.CreateNamespace = "outrider", releaseNamespace, true
	if _, err := install.Run(chart, map[string]any{"discovery": map[string]any{"mode": "none"}}); err != nil {
		return fmt.Errorf("install the chart: %w", err)
	}
	if webhookAddress, err = endpoint.Free(); err != nil {
		return err
	}
	c, err := kubernetes.NewForConfig(api.Config())
	if err != nil {
		return err
	}
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
	_, err = c.AdmissionregistrationV1().MutatingWebhookConfigurations().Patch(ctx, "00-outrider", types.JSONPatchType,
		[]byte("["+strings.Join(ops, ",")+"]"), metav1.PatchOptions{})
	return err
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
	cmd := exec.Command(binary, "--kubeconfig="+asController(t), "--webhook-bind-address="+webhookAddress, "--metrics-bind-address="+metrics,
		"--health-probe-bind-address="+health, "--shutdown-delay=0s", "--policy-parameters="+parameters, "--log-level=debug")
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

// asController is a kubeconfig of the controller's ServiceAccount: what it may do is what the chart says.
func asController(t *testing.T) string {
	t.Helper()
	config, err := clientcmd.LoadFromFile(api.Kubeconfig())
	if err != nil {
		t.Fatal(err)
	}
	for _, user := range config.AuthInfos {
		user.Impersonate = "system:serviceaccount:" + releaseNamespace + ":outrider-controller"
		user.ImpersonateGroups = []string{"system:serviceaccounts", "system:authenticated"}
	}
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		t.Fatal(err)
	}
	return path
}
