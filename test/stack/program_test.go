package stack

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/outrider-dev/outrider/cmd/outrider/release"
	"github.com/outrider-dev/outrider/test/child"
	"github.com/outrider-dev/outrider/test/cluster/build"
	"github.com/outrider-dev/outrider/test/endpoint"
)

// manifests are the objects of a render, by kind and name.
type manifests map[string][]byte

func rendered(t *testing.T, values string) manifests {
	t.Helper()
	parsed := map[string]any{}
	if err := yaml.Unmarshal([]byte(values), &parsed); err != nil {
		t.Fatal(err)
	}
	manifest, err := release.Release{}.Render(parsed, "1.37.0")
	if err != nil {
		t.Fatal(err)
	}
	found := manifests{}
	for document := range strings.SplitSeq(manifest, "\n---\n") {
		var o struct {
			Kind     string
			Metadata struct{ Name string }
		}
		if err := yaml.Unmarshal([]byte(document), &o); err != nil {
			t.Fatal(err)
		}
		found[o.Kind+"/"+o.Metadata.Name] = []byte(document)
	}
	return found
}

func (m manifests) decode(t *testing.T, name string, into any) {
	t.Helper()
	if err := yaml.Unmarshal(m[name], into); err != nil || m[name] == nil {
		t.Fatalf("decode %s: %v", name, err)
	}
}

// container is a container of a StatefulSet or a Deployment.
func (m manifests) container(t *testing.T, name string, index int) corev1.Container {
	t.Helper()
	var workload appsv1.StatefulSet // a Deployment has its pods in the same place
	m.decode(t, name, &workload)
	return workload.Spec.Template.Spec.Containers[index]
}

// files writes the data of a ConfigMap or a Secret into a folder of its own.
func (m manifests) files(t *testing.T, name string) string {
	t.Helper()
	folder := t.TempDir()
	var plain corev1.ConfigMap
	var secret corev1.Secret
	data := map[string]string{}
	if strings.HasPrefix(name, "Secret/") {
		m.decode(t, name, &secret)
		for key, value := range secret.Data {
			data[key] = string(value)
		}
	} else {
		m.decode(t, name, &plain)
		data = plain.Data
	}
	for key, value := range data {
		write(t, filepath.Join(folder, key), value)
	}
	return folder
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// replaced are arguments with some words replaced, each of which stands in one of them.
func replaced(t *testing.T, args []string, oldnew ...string) []string {
	t.Helper()
	all := strings.Join(args, "\n")
	for i := 0; i < len(oldnew); i += 2 {
		if !strings.Contains(all, oldnew[i]) {
			t.Fatalf("no %q in %q", oldnew[i], args)
		}
		all = strings.ReplaceAll(all, oldnew[i], oldnew[i+1])
	}
	return strings.Split(all, "\n")
}

func freePort(t *testing.T) string {
	t.Helper()
	return strings.TrimPrefix(endpoint.FreeFor(t), "127.0.0.1:")
}

// startPrometheus starts the Prometheus of the pod with an ordinal, with the files of its configuration and what is left of its
// arguments: storage is one of them with a folder, such as --storage.tsdb.path=/tmp/data. It returns its address when it is ready.
func startPrometheus(t *testing.T, m manifests, ordinal int, files, storage string, oldnew ...string) (address string, kill func()) {
	t.Helper()
	flag, _, _ := strings.Cut(storage, "=")
	port := freePort(t)
	args := replaced(t, m.container(t, "StatefulSet/outrider-prometheus", 0).Args, append(oldnew,
		"/etc/prometheus", files, flag+"=/prometheus", storage, "--web.listen-address=:9090", "--web.listen-address=127.0.0.1:"+port)...)
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "$(POD_INDEX)", strconv.Itoa(ordinal))
	}
	kill = launch(t, binary(t, "prometheus"), []string{fmt.Sprintf("POD_NAME=outrider-prometheus-%d", ordinal)}, args...)
	address = "http://127.0.0.1:" + port
	eventually(t, address+"/-/ready", anything)
	return address, kill
}

// start runs a program until the test ends.
func start(t *testing.T, binary string, env []string, args ...string) *child.Output {
	t.Helper()
	said, _ := run(t, binary, env, args...)
	return said
}

// launch is start for a program that the test kills before its end.
func launch(t *testing.T, binary string, env []string, args ...string) (kill func()) {
	t.Helper()
	_, process := run(t, binary, env, args...)
	return func() { _ = process.Kill() }
}

func run(t *testing.T, binary string, env []string, args ...string) (*child.Output, *os.Process) {
	t.Helper()
	said := &child.Output{}
	cmd := exec.Command(binary, args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Dir = t.TempDir()
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s said:\n%s", filepath.Base(binary), said)
		}
	})
	return said, cmd.Process
}

func binary(t *testing.T, name string) string {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: this test builds " + name)
	}
	path, err := build.Binary(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// get returns the answer to a request, or why there is none.
func get(ctx context.Context, address string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", response.Status, body)
	}
	return string(body), err
}

// eventually polls an address until its answer is as it should be.
func eventually(t *testing.T, address string, check func(answer string) bool) {
	t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(time.Minute); ; <-tick.C {
		answer, err := get(t.Context(), address)
		if err == nil && check(answer) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %v\n%s", address, err, answer)
		}
	}
}

func anything(string) bool { return true }
