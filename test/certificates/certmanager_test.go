package certificates_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/outrider-dev/outrider/test/cluster/build"
)

const certificatesPath = "/apis/cert-manager.io/v1/namespaces/" + releaseNamespace + "/certificates/"

// startCertManager runs cert-manager's own controllers and its cainjector, with its CustomResourceDefinitions.
func (e *env) startCertManager(t *testing.T) {
	t.Helper()
	binary, err := build.Binary(t.Context(), "cert-manager")
	if err != nil {
		t.Fatal(err)
	}
	source, err := build.Source(t.Context(), "cert-manager")
	if err != nil {
		t.Fatal(err)
	}
	definitions, err := filepath.Glob(filepath.Join(source, "deploy", "crds", "*.yaml"))
	if err != nil || len(definitions) == 0 {
		t.Fatalf("find cert-manager's definitions: %v, %v", definitions, err)
	}
	for _, path := range definitions {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if raw, err = yaml.YAMLToJSON(raw); err != nil {
			t.Fatal(err)
		}
		const crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
		if err := e.client.CoreV1().RESTClient().Post().AbsPath(crds).SetHeader("Content-Type", "application/json").Body(raw).Do(t.Context()).Error(); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, func() string {
		for _, group := range []string{"cert-manager.io/v1", "acme.cert-manager.io/v1"} {
			if _, err := e.client.Discovery().ServerResourcesForGroupVersion(group); err != nil {
				return err.Error()
			}
		}
		return ""
	})
	log, err := os.CreateTemp(t.TempDir(), "cert-manager-*.log")
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command(binary, "--kubeconfig="+e.server.Kubeconfig())
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
		if t.Failed() {
			if raw, err := os.ReadFile(log.Name()); err == nil {
				t.Logf("cert-manager:\n%s", raw[max(0, len(raw)-4000):])
			}
		}
	})
}

// reissue asks cert-manager for a new certificate as its command line does, and waits until it is in the Secret.
func (e *env) reissue(t *testing.T, certificate string) {
	t.Helper()
	before := e.certificate(t, certificate)["status"].(map[string]any)["revision"]
	eventually(t, func() string {
		object := e.certificate(t, certificate)
		status := object["status"].(map[string]any)
		status["conditions"] = append(status["conditions"].([]any), map[string]any{
			"type": "Issuing", "status": "True", "reason": "ManuallyTriggered", "message": "by a test", "lastTransitionTime": "2026-01-01T00:00:00Z",
		})
		raw, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		err = e.client.CoreV1().RESTClient().Put().AbsPath(certificatesPath+certificate+"/status").
			SetHeader("Content-Type", "application/json").Body(raw).Do(t.Context()).Error()
		if err != nil {
			return err.Error()
		}
		return ""
	})
	eventually(t, func() string {
		status := e.certificate(t, certificate)["status"].(map[string]any)
		if status["revision"] == before {
			return fmt.Sprintf("cert-manager does not issue %s again: %v", certificate, status["conditions"])
		}
		return ""
	})
}

func (e *env) certificate(t *testing.T, name string) map[string]any {
	t.Helper()
	raw, err := e.client.CoreV1().RESTClient().Get().AbsPath(certificatesPath + name).Do(t.Context()).Raw()
	if err != nil {
		t.Fatal(err)
	}
	var object map[string]any
	if err := json.Unmarshal(raw, &object); err != nil {
		t.Fatal(err)
	}
	return object
}
