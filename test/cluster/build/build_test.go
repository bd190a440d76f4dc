package build

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEveryComponentIsPinnedAsATool(t *testing.T) {
	for _, c := range components {
		mod, err := readModule(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		if v, err := mod.version(c.Module); err != nil || !strings.HasPrefix(v, "v") {
			t.Errorf("%s: version %q, %v", c.Name, v, err)
		}
		if !c.Own && !mod.hasTool(c.importPath()) {
			t.Errorf("components/%s go.mod has no tool directive for %s; run: go mod edit -tool %[2]s", c.Nested, c.importPath())
		}
	}
}

func TestModuleVersion(t *testing.T) {
	mod, err := parseModule([]byte(`{
		"Require": [{"Path": "a.io/one", "Version": "v1.2.3"}, {"Path": "a.io/two", "Version": "v0.0.0"}],
		"Replace": [{"Old": {"Path": "a.io/two"}, "New": {"Path": "a.io/two", "Version": "v0.3.1"}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"a.io/one": "v1.2.3", "a.io/two": "v0.3.1"} {
		if got, err := mod.version(path); err != nil || got != want {
			t.Errorf("version of %s: %q, %v; want %q", path, got, err, want)
		}
	}
	if _, err := mod.version("a.io/three"); err == nil {
		t.Error("a module that go.mod does not require has a version")
	}
}

func TestPrometheusRelease(t *testing.T) {
	for version, want := range map[string]string{"v0.315.0": "3.15.0", "v0.302.1": "3.2.1", "v1.2.3": "1.2.3"} {
		if got := PrometheusRelease(version); got != want {
			t.Errorf("PrometheusRelease(%s) = %s, want %s", version, got, want)
		}
	}
}

func TestOutputName(t *testing.T) {
	for path, want := range map[string]string{
		"go.etcd.io/etcd/server/v3":         "server",
		"k8s.io/kubernetes/cmd/kubelet":     "kubelet",
		"github.com/prometheus/exporter/v2": "exporter",
	} {
		if got := outputName(path); got != want {
			t.Errorf("outputName(%s) = %s, want %s", path, got, want)
		}
	}
}

func TestPlanChangesPathWithFlags(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	paths := map[string]string{}
	batches, err := plan(t.Context(), []string{"kubelet", "etcd", "prometheus", "promtool"}, paths)
	if err != nil {
		t.Fatal(err)
	}
	if len(batches) != 3 || len(batches[0].targets) != 2 {
		t.Errorf("kubelet and etcd should share a run, Prometheus has tags and promtool a module of its own: got %d runs", len(batches))
	}
	if _, err := os.Stat(paths["etcd"]); err == nil {
		t.Error("plan built something")
	}
}

// promtool has a module of its own, and must read what Prometheus reads.
func TestPromtoolIsPrometheus(t *testing.T) {
	tool, err := Version(t.Context(), "promtool")
	if err != nil {
		t.Fatal(err)
	}
	if server, err := Version(t.Context(), "prometheus"); err != nil || tool != server {
		t.Errorf("promtool is of %s, Prometheus of %s (%v); set components/promtool to that version", tool, server, err)
	}
}

func TestWhatAModuleLacksIsAdded(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte("package main\n"), 0o444); err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "copy")
	if err := copyModule(dir, to, map[string]string{"ui/app/dist/index.html": "x"}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"main.go", "ui/app/dist/index.html"} {
		if _, err := os.Stat(filepath.Join(to, name)); err != nil {
			t.Error(err)
		}
	}
	b := &batch{targets: []target{{component: Component{Name: "etcd"}}}}
	if path, err := b.complete(t.Context(), t.TempDir()); err != nil || path != "" {
		t.Errorf("a module that lacks nothing is built with %q, %v", path, err)
	}
}

// TestKubernetesVersions holds the list to what the components' go.mod pin, and the chart to its first.
func TestKubernetesVersions(t *testing.T) {
	servers, err := APIServers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var minors []string
	for _, s := range servers {
		minors = append(minors, s.Minor())
	}
	if diff := cmp.Diff(Kubernetes, minors); diff != "" {
		t.Errorf("Kubernetes and what components/ pins (-list +pinned):\n%s", diff)
	}
	chart, err := os.ReadFile("../../../charts/outrider/Chart.yaml")
	if want := fmt.Sprintf("\nkubeVersion: \">=%s.0-0\"\n", Kubernetes[0]); err != nil || !strings.Contains(string(chart), want) {
		t.Errorf("Chart.yaml has no line %q (%v)", want, err)
	}
}
