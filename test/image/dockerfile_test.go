// Package image_test builds the Dockerfile with Debian's buildah, without a daemon, a registry or a network.
package image_test

import (
	"debug/elf"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var cold = flag.Bool("cold", false, "compile the second build from nothing, which takes some minutes")

const (
	program   = "/outrider-controller"
	version   = "v1.2.3-test"
	maxSizeMB = 40
)

// inspected is the part of buildah inspect's answer that is read here.
type inspected struct {
	OCIv1 struct {
		Architecture string
		RootFS       struct {
			DiffIDs []string `json:"diff_ids"`
		}
		Config struct {
			User       string
			Entrypoint []string
			Labels     map[string]string
			Volumes    map[string]struct{}
		}
	}
}

func (b *buildah) inspect(t *testing.T, name string) (i inspected) {
	t.Helper()
	if err := json.Unmarshal([]byte(b.do(t, "inspect", "--type", "image", name)), &i); err != nil {
		t.Fatal(err)
	}
	return i
}

func TestDockerfile(t *testing.T) {
	b := newBuildah(t)
	download(t, root(t))
	const name = "localhost/outrider-controller:first"
	b.build(t, name, root(t), goEnv(t, "GOCACHE"), "--build-arg", "VERSION="+version)
	container, files := b.open(t, name)

	t.Run("configuration", func(t *testing.T) {
		config := b.inspect(t, name).OCIv1.Config
		if got, want := config.User, "65532:65532"; got != want {
			t.Errorf("user %q, want %q", got, want)
		}
		if diff := cmp.Diff([]string{program}, config.Entrypoint); diff != "" {
			t.Errorf("entrypoint (-want +got):\n%s", diff)
		}
		for _, label := range []string{"title", "description", "source", "licenses", "version"} {
			if config.Labels["org.opencontainers.image."+label] == "" {
				t.Errorf("no label %s", label)
			}
		}
		if got := config.Labels["org.opencontainers.image.version"]; got != version {
			t.Errorf("version label %q, want %q", got, version)
		}
	})
	t.Run("one static program", func(t *testing.T) {
		if diff := cmp.Diff([]string{program}, programs(t, files)); diff != "" {
			t.Errorf("programs in the image (-want +got):\n%s", diff)
		}
		static(t, filepath.Join(files, program), elf.EM_NONE)
	})
	t.Run("nothing else", func(t *testing.T) {
		var own []string
		base := b.files(t, "gcr.io/distroless/static-debian12:nonroot")
		for _, path := range listed(t, files) {
			if !slices.Contains(base, path) {
				own = append(own, path)
			}
		}
		if diff := cmp.Diff([]string{program}, own); diff != "" {
			t.Errorf("files that are not the base's (-want +got):\n%s", diff)
		}
	})
	t.Run("prints its version", func(t *testing.T) {
		out := b.do(t, "run", "--isolation", "chroot", container, "--", program, "--version")
		if !strings.Contains(out, version) {
			t.Errorf("--version prints %q, want it to contain %q: does -X name a variable without an initializer?", out, version)
		}
	})
	t.Run("size", func(t *testing.T) {
		if mb := float64(size(t, files)) / 1e6; mb > maxSizeMB {
			t.Errorf("the image has %.1f MB, over %d", mb, maxSizeMB)
		} else {
			t.Logf("figure: the image has %.1f MB", mb)
		}
	})
	t.Run("reproducible", func(t *testing.T) {
		cache := goEnv(t, "GOCACHE")
		if *cold {
			cache = t.TempDir()
		}
		const second = "localhost/outrider-controller:second"
		b.build(t, second, copied(t, root(t)), cache, "--build-arg", "VERSION="+version)
		_, again := b.open(t, second)
		first := sum(t, filepath.Join(files, program))
		if got := sum(t, filepath.Join(again, program)); got != first {
			t.Errorf("the second build gives another program: %s, then %s", first, got)
		}
		if got := sum(t, outside(t)); got != first {
			t.Errorf("the Dockerfile's command gives another program outside, in another folder: %s, then %s", first, got)
		}
		if diff := cmp.Diff(b.layers(t, name), b.layers(t, second)); diff != "" {
			t.Errorf("the second build gives other layers (-first +second):\n%s", diff)
		}
	})
}

// outside runs the Dockerfile's build command in the checkout and returns the program's path.
func outside(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root(t), "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	_, command, found := strings.Cut(string(data), "\nRUN GOOS=")
	command, _, _ = strings.Cut(command, "\n")
	out := filepath.Join(t.TempDir(), "program")
	command = strings.Replace("GOOS="+command, " "+program, " "+out, 1)
	if !found || !strings.Contains(command, out) {
		t.Fatalf("find the build command in the Dockerfile: got %q", command)
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-c", command)
	cmd.Dir = root(t)
	cmd.Env = append(os.Environ(), "GOFLAGS=", "TARGETOS=linux", "TARGETARCH="+runtime.GOARCH, "VERSION="+version)
	if log, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", command, err, log)
	}
	return out
}

// TestDockerfileCrossCompiles builds the Dockerfile for the other architecture, with a program of three lines in place
// of the real one: it is the Dockerfile that is tested.
func TestDockerfileCrossCompiles(t *testing.T) {
	b := newBuildah(t)
	arch, machine := "arm64", elf.EM_AARCH64
	if runtime.GOARCH == arch {
		arch, machine = "amd64", elf.EM_X86_64
	}
	context := t.TempDir()
	for file, text := range map[string]string{
		"go.mod":                          "module example.org/x\n\ngo 1.26\n",
		"go.sum":                          "",
		"cmd/outrider-controller/main.go": "package main\n\nvar version string\n\nfunc main() { println(version) }\n",
	} {
		write(t, filepath.Join(context, file), []byte(text))
	}
	for _, f := range []string{"Dockerfile", ".dockerignore", "cmd/build.sh"} {
		copyFile(t, root(t), context, f)
	}
	if err := os.Chmod(filepath.Join(context, "cmd", "build.sh"), 0o755); err != nil {
		t.Fatal(err)
	}
	const name = "localhost/outrider-controller:cross"
	b.build(t, name, context, goEnv(t, "GOCACHE"), "--platform", "linux/"+arch)
	if got := b.inspect(t, name).OCIv1.Architecture; got != arch {
		t.Errorf("the image is for %s, want %s", got, arch)
	}
	_, files := b.open(t, name)
	static(t, filepath.Join(files, program), machine)
}

// download fills the module cache that the build inside is given, without writing go.sum.
func download(t *testing.T, root string) {
	t.Helper()
	dir := t.TempDir()
	copyFile(t, root, dir, "go.mod")
	copyFile(t, root, dir, "go.sum")
	cmd := exec.CommandContext(t.Context(), "go", "mod", "download")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
}

// copied copies what the build may see to another folder, with other times.
func copied(t *testing.T, root string) string {
	t.Helper()
	context := t.TempDir()
	if err := os.Chtimes(context, time.Unix(1, 0), time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	for _, f := range []string{"Dockerfile", ".dockerignore", "go.mod", "go.sum"} {
		copyFile(t, root, context, f)
	}
	for _, dir := range []string{"cmd", "sidecars", "webhook", "discovery", "certs", "charts"} {
		if err := os.CopyFS(filepath.Join(context, dir), os.DirFS(filepath.Join(root, dir))); err != nil {
			t.Fatal(err)
		}
	}
	return context
}

func copyFile(t *testing.T, from, to, name string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(from, name))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(to, name), data)
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}
