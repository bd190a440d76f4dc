package e2e_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/action"
	helmcli "helm.sh/helm/v3/pkg/cli"
	helmrelease "helm.sh/helm/v3/pkg/release"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/outrider-dev/outrider/cmd/outrider/diagnosis"
	"github.com/outrider-dev/outrider/test/cluster/build"
	"github.com/outrider-dev/outrider/webhook/coverage"
)

// command is the outrider binary.
func command(t *testing.T) string {
	t.Helper()
	binary, err := build.Main(t.Context(), "./cmd/outrider")
	if err != nil {
		t.Fatal(err)
	}
	return binary
}

// cli builds the outrider command and returns what runs it against the cluster,
// with its output, what it says on standard error, and its exit code.
func (e *env) cli(t *testing.T) func(args ...string) (out, said string, code int) {
	t.Helper()
	binary := command(t)
	return func(args ...string) (out, said string, code int) {
		t.Helper()
		cmd := exec.Command(binary, append(args, "--kubeconfig", e.cluster.Kubeconfig)...)
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		var exit *exec.ExitError
		if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		t.Logf("outrider %s: exit code %d\n%s", strings.Join(args, " "), cmd.ProcessState.ExitCode(), stderr.String())
		return stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()
	}
}

// testCheck holds that nothing is found wrong with an installation that works.
func testCheck(t *testing.T, e *env) {
	outrider := e.cli(t)
	out, _, code := outrider("check", "-o", "json")
	if code != 0 {
		t.Errorf("exit code %d", code)
	}
	passed := map[string]bool{}
	for line := range strings.Lines(out) {
		var f diagnosis.Finding
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		if f.Verdict == diagnosis.Fail {
			t.Errorf("%s: %s", f.Check, f.Says)
		}
		passed[f.Check] = f.Verdict == diagnosis.Pass
	}
	for _, name := range []string{"API server", "installation", "webhook", "caBundle", "certificate", "policies", "injection", "permissions"} {
		if !passed[name] {
			t.Errorf("%s did not pass:\n%s", name, out)
		}
	}
}

const running = `apiVersion: v1
kind: Namespace
metadata: {name: e2e-attach}
---
apiVersion: v1
kind: Pod
metadata: {name: cache, namespace: e2e-attach}
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - {name: redis, image: "docker.io/library/redis:7.0.15"}
`

// testAttach holds that a pod which nobody asked for is monitored without a
// restart, and that its coverage is reported.
func testAttach(t *testing.T, e *env) {
	e.apply(t, []byte(running))
	e.settle(t, "e2e-attach")
	before := e.pod(t, "e2e-attach", "cache")
	outrider := e.cli(t)
	if _, _, code := outrider("attach", "cache", "-n", "e2e-attach", "--exporter", "redis"); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	eventually(t, func() string {
		found, err := e.prom.Query(t.Context(), `redis_up{job="redis", namespace="e2e-attach", pod="cache"} == 1`)
		if err != nil || len(found) != 1 {
			return fmt.Sprintf("no redis_up 1 of the attached exporter: %v, %v", found, err)
		}
		return ""
	})
	after := e.pod(t, "e2e-attach", "cache")
	if before.UID != after.UID || after.Status.ContainerStatuses[0].RestartCount != 0 {
		t.Errorf("the pod was restarted: %s, then %s, %d restarts", before.UID, after.UID, after.Status.ContainerStatuses[0].RestartCount)
	}
	eventually(t, func() string {
		out, _, _ := outrider("status", "-n", "e2e-attach", "-o", "json")
		var r coverage.Report
		if err := json.Unmarshal([]byte(out), &r); err != nil {
			return err.Error()
		}
		if len(r.Rows) != 1 || r.Rows[0].State != coverage.Injected || r.Rows[0].Proof != coverage.Up {
			return fmt.Sprintf("want one workload, injected and up: %+v", r.Rows)
		}
		return ""
	})
	if out, _, code := outrider("explain", "pod", "cache", "-n", "e2e-attach"); code != 0 || !strings.Contains(out, "e2e-attach/cache") {
		t.Errorf("exit code %d: %s", code, out)
	}
	if _, _, code := outrider("attach", "cache", "-n", "e2e-attach"); code != 2 {
		t.Errorf("attached a second time: exit code %d", code)
	}
}

func (e *env) pod(t *testing.T, namespace, name string) *corev1.Pod {
	t.Helper()
	pod, err := e.client.CoreV1().Pods(namespace).Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return pod
}

// testCommandLineInstalls installs and upgrades as people without Helm do. The
// test after it takes away what it leaves.
func testCommandLineInstalls(t *testing.T, e *env) {
	raw, err := yaml.Marshal(e.values(interval))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "values.yaml")
	if err := os.WriteFile(file, raw, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := e.release.Uninstall(); err != nil { // what the test before this one leaves, if it is run alone
		t.Fatal(err)
	}
	outrider := e.cli(t)
	if _, said, code := outrider("upgrade", "-f", file); code != 2 || !strings.Contains(said, "outrider install") {
		t.Errorf("upgraded what is not there: exit code %d", code)
	}
	if _, said, code := outrider("install", "-f", file, "--set", "controller.replicas=two"); code != 2 || !strings.Contains(said, "/controller/replicas") {
		t.Errorf("a wrong value is not named: exit code %d", code)
	}
	out, said, code := outrider("install", "-f", file)
	if code != 0 || !strings.Contains(out, "STATUS: deployed\nREVISION: 1\n") || !strings.Contains(out, "NOTES:\n") {
		t.Fatalf("exit code %d, %s", code, out)
	}
	if !strings.Contains(said, "beginning wait") { // what is not ready, it says only if that takes more than a moment
		t.Error("it does not say that it waits")
	}
	if ready := e.ready(t); ready != 2 {
		t.Errorf("it has not waited: %d replicas of the webhook are ready", ready)
	}
	if _, said, code := outrider("install", "-f", file); code != 2 || !strings.Contains(said, "already") || !strings.Contains(said, "outrider upgrade") {
		t.Errorf("installed a second time: exit code %d", code)
	}
	out, _, code = outrider("upgrade", "-f", file, "--set", "controller.logLevel=info")
	if code != 0 || !strings.Contains(out, "REVISION: 2\n") {
		t.Errorf("exit code %d, %s", code, out)
	}
	d, err := e.client.AppsV1().Deployments("outrider").Get(t.Context(), "outrider-controller", metav1.GetOptions{})
	if err != nil || !slices.Contains(d.Spec.Template.Spec.Containers[0].Args, "--log-level=info") {
		t.Errorf("the value is not in force: %v, %v", err, d.Spec.Template.Spec.Containers[0].Args)
	}
	if ready := e.ready(t); ready != 2 {
		t.Errorf("it has not waited: %d replicas of the webhook are ready", ready)
	}
	e.helmSees(t, 2)
}

// ready is how many replicas of the webhook are.
func (e *env) ready(t *testing.T) int32 {
	t.Helper()
	d, err := e.client.AppsV1().Deployments("outrider").Get(t.Context(), "outrider-webhook", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return d.Status.ReadyReplicas
}

// helmSees asks Helm's own library for the release.
func (e *env) helmSees(t *testing.T, revision int) {
	t.Helper()
	settings := helmcli.New()
	settings.KubeConfig = e.cluster.Kubeconfig
	settings.SetNamespace("outrider")
	configuration := &action.Configuration{}
	if err := configuration.Init(settings.RESTClientGetter(), "outrider", "secret", t.Logf); err != nil {
		t.Fatal(err)
	}
	all, err := action.NewList(configuration).Run()
	if err != nil || len(all) != 1 || all[0].Name != "outrider" || all[0].Version != revision || all[0].Info.Status != helmrelease.StatusDeployed {
		t.Fatalf("helm list: %v, %v", all, err)
	}
	if values := all[0].Config["controller"].(map[string]any); values["logLevel"] != "info" {
		t.Errorf("helm get values: %v", values)
	}
}
