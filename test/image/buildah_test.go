package image_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/outrider-dev/outrider/test/cluster/image"
)

// buildah builds in a storage of its own, which is empty but for the base images and goes with the test.
type buildah struct{ dir string }

// newBuildah returns a buildah that has the Dockerfile's base images under the names that the Dockerfile uses, or ends
// the test where there can be none.
func newBuildah(t *testing.T) *buildah {
	t.Helper()
	if why := missing(t.Context()); why != "" {
		if os.Getenv("CI") == "true" {
			t.Fatalf("the image cannot be built here: %s", why)
		}
		t.Skipf("the image cannot be built here: %s; docker build . does it elsewhere", why)
	}
	b := &buildah{dir: t.TempDir()}
	if err := os.Mkdir(filepath.Join(b.dir, "tmp"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, base := range bases {
		archive, err := base.Archive(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		b.do(t, "pull", "--quiet", "docker-archive:"+archive.Path)
	}
	return b
}

// missing says what this machine lacks, and installs Debian's buildah where only that is missing.
func missing(ctx context.Context) string {
	switch {
	case testing.Short():
		return "-short"
	case runtime.GOOS != "linux":
		return "it needs Linux"
	case os.Geteuid() != 0:
		return "it needs root"
	}
	if _, err := exec.LookPath("buildah"); err == nil {
		return ""
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return "it needs buildah, and there is no apt-get to install it with"
	}
	install := exec.CommandContext(ctx, "sh", "-c", "apt-get -o Acquire::Retries=5 update -q && apt-get -o Acquire::Retries=5 install -qy --no-install-recommends buildah")
	install.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	if out, err := install.CombinedOutput(); err != nil {
		return fmt.Sprintf("it needs buildah: %v\n%s", err, out)
	}
	return ""
}

// bases stand in for the images that the Dockerfile starts from. Go itself, its modules and its cache are this
// machine's, mounted; GOPROXY=off says that the build inside asks no network.
var bases = []image.Image{
	{
		Repository: "docker.io/library/golang", Tag: "1.26", Busybox: true,
		Config: image.Config{WorkingDir: "/go", Env: []string{
			"PATH=/go/bin:/usr/local/go/bin:/usr/bin:/bin", "GOPATH=/go", "GOCACHE=/go/cache", "GOTOOLCHAIN=local", "GOPROXY=off",
		}},
	},
	{
		Repository: "gcr.io/distroless/static-debian12", Tag: "nonroot",
		Account: image.Account{Name: "nonroot", ID: 65532},
		Config:  image.Config{User: "65532", WorkingDir: "/"},
	},
}

// build builds the Dockerfile in context under a name. Args go before the context; cache is the build cache of Go.
func (b *buildah) build(t *testing.T, name, context, cache string, args ...string) {
	t.Helper()
	all := []string{
		"build", "--isolation", "chroot", "--pull=never", "--no-cache", "--timestamp", "0", "--tag", name,
		"--build-arg", "BUILDPLATFORM=linux/" + runtime.GOARCH, // Debian 12's buildah does not set it
		"--volume", goEnv(t, "GOROOT") + ":/usr/local/go:ro",
		"--volume", goEnv(t, "GOMODCACHE") + ":/go/pkg/mod:ro",
		"--volume", cache + ":/go/cache",
	}
	b.do(t, append(append(all, args...), context)...)
}

// do runs one command of buildah and returns what it prints.
func (b *buildah) do(t *testing.T, args ...string) string {
	t.Helper()
	global := []string{"--storage-driver", "vfs", "--root", filepath.Join(b.dir, "root"), "--runroot", filepath.Join(b.dir, "run")}
	cmd := exec.CommandContext(t.Context(), "buildah", append(global, args...)...)
	cmd.Env = append(os.Environ(), "TMPDIR="+filepath.Join(b.dir, "tmp"))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("buildah %s: %v\n%s%s", strings.Join(args, " "), err, out, stderr.String())
	}
	return strings.TrimSpace(string(out))
}

// open makes a container of an image and returns its name and the folder of its files.
func (b *buildah) open(t *testing.T, name string) (container, files string) {
	t.Helper()
	container = b.do(t, "from", "--pull=never", name)
	return container, b.do(t, "mount", container)
}

// layers are the digests of an image's layers.
func (b *buildah) layers(t *testing.T, name string) []string {
	t.Helper()
	layers := b.inspect(t, name).OCIv1.RootFS.DiffIDs
	if len(layers) < 2 {
		t.Fatalf("%s has the layers %v, want those of its base and its own", name, layers)
	}
	return layers
}

// files lists the files of an image.
func (b *buildah) files(t *testing.T, name string) []string {
	t.Helper()
	_, files := b.open(t, name)
	return listed(t, files)
}

func goEnv(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "env", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}
