package e2e_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/outrider-dev/outrider/cmd/outrider/diagnosis"
	"github.com/outrider-dev/outrider/webhook/coverage"
)

// cli builds the outrider command and returns what runs it against the cluster,
// with its output and exit code.
func (e *env) cli(t *testing.T) func(args ...string) (string, int) {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "outrider")
	if out, err := exec.Command("go", "build", "-o", binary, "github.com/outrider-dev/outrider/cmd/outrider").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return func(args ...string) (string, int) {
		t.Helper()
		cmd := exec.Command(binary, append(args, "--kubeconfig", e.cluster.Kubeconfig)...)
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		var exit *exec.ExitError
		if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		t.Logf("outrider %s: exit code %d\n%s", strings.Join(args, " "), cmd.ProcessState.ExitCode(), stderr.String())
		return stdout.String(), cmd.ProcessState.ExitCode()
	}
}

// testCheck holds that nothing is found wrong with an installation that works.
func testCheck(t *testing.T, e *env) {
	outrider := e.cli(t)
	out, code := outrider("check", "-o", "json")
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
	for _, name := range []string{"API server", "installation", "controller", "caBundle", "certificate", "injection", "permissions"} {
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
// restart, and that its coverage is told.
func testAttach(t *testing.T, e *env) {
	e.apply(t, []byte(running))
	e.settle(t, "e2e-attach")
	before := e.pod(t, "e2e-attach", "cache")
	outrider := e.cli(t)
	if _, code := outrider("attach", "cache", "-n", "e2e-attach", "--exporter", "redis"); code != 0 {
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
		out, _ := outrider("status", "-n", "e2e-attach", "-o", "json")
		var r coverage.Report
		if err := json.Unmarshal([]byte(out), &r); err != nil {
			return err.Error()
		}
		if len(r.Rows) != 1 || r.Rows[0].State != coverage.Injected || r.Rows[0].Proof != coverage.Up {
			return fmt.Sprintf("want one workload, injected and up: %+v", r.Rows)
		}
		return ""
	})
	if out, code := outrider("explain", "pod", "cache", "-n", "e2e-attach"); code != 0 || !strings.Contains(out, "e2e-attach/cache") {
		t.Errorf("exit code %d: %s", code, out)
	}
	if _, code := outrider("attach", "cache", "-n", "e2e-attach"); code != 2 {
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
