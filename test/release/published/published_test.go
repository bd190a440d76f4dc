// Package published_test publishes a release in a real registry on this machine and does with it what a user does: verify,
// pull, install, upgrade, roll back, with Helm 3 and Helm 4 and a real API server. Nothing runs in that API server; test/e2e
// has the test in which the images run.
package published_test

import (
	"context"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/outrider-dev/outrider/test/cluster/build"
	"github.com/outrider-dev/outrider/test/endpoint"
	"github.com/outrider-dev/outrider/test/release/registry"
)

var dist = flag.String("dist", "", "folder of a release that make release made; without, one for this machine's platform is made")

const version = "9.8.7" // no prerelease: helm install without --version takes the newest that is none

var onCluster = flag.Bool("cluster", false, "also install it on the local cluster, which it starts, with the registry as the source of all images")

// published is a release in a registry.
type published struct {
	*registry.Registry
	dist    string
	version string
	owner   string // HOST:PORT/outrider-dev
	oci     string // the program that pushes
	digests map[string]string
	keys    string // folder of cosign.key and cosign.pub
	bin     map[string]string
}

func TestPublished(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: this test builds a release, and what signs and installs it")
	}
	p := publish(t, endpoint.FreeFor(t))
	t.Run("without a login", p.testLogin)
	t.Run("signatures", p.testSignatures)
	t.Run("bills of materials", p.testBills)
	t.Run("krew", p.testKrew)
	for _, helm := range []string{"helm-3", "helm-4"} {
		t.Run(helm, func(t *testing.T) {
			t.Run("post-renderer", func(t *testing.T) { p.testPostRenderer(t, helm) })
			t.Run("install", func(t *testing.T) { p.testHelm(t, helm) })
			t.Run("upgrade", func(t *testing.T) { p.testUpgrade(t, helm) })
		})
	}
}

// publish makes a release, or takes that of -dist, and publishes it in a registry at an address.
func publish(t *testing.T, address string) *published {
	t.Helper()
	root, err := build.Root()
	if err != nil {
		t.Fatal(err)
	}
	p := &published{dist: *dist, digests: map[string]string{}, keys: t.TempDir()}
	if p.bin, err = build.All(t.Context(), "registry", "cosign", "helm-3", "helm-4", "krew", "validate-krew-manifest"); err != nil {
		t.Fatal(err)
	}
	if p.dist == "" {
		p.dist = filepath.Join(t.TempDir(), "dist")
		here := runtime.GOOS + "/" + runtime.GOARCH
		do(t, root, nil, "go", "run", "./test/release", "-out", p.dist, "-version", version, "-cli", here, "-image", here)
	} else if !filepath.IsAbs(p.dist) {
		p.dist = filepath.Join(root, p.dist)
	}
	if p.Registry, err = registry.Start(t.Context(), t.TempDir(), address); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	p.owner = p.Address + "/outrider-dev"
	do(t, p.keys, []string{"COSIGN_PASSWORD="}, p.bin["cosign"], "generate-key-pair")
	pushed := do(t, root, append(p.Env(), "COSIGN_PASSWORD="), "go", "run", "./test/release/publish",
		"-dist", p.dist, "-to", p.owner, "-key", filepath.Join(p.keys, "cosign.key"))
	p.compare(t, pushed)
	return p
}

// compare holds that what was pushed has the digests of digests.txt, which has them for the real registry.
func (p *published) compare(t *testing.T, pushed string) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(p.dist, "digests.txt"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Fields(string(raw))
	for _, line := range lines {
		name, digest, _ := strings.Cut(strings.TrimPrefix(line, "ghcr.io/outrider-dev/"), "@")
		repository, tag, _ := strings.Cut(name, ":")
		p.digests[repository], p.version = digest, tag
		if !strings.Contains(pushed, p.owner+"/"+name+"@"+digest+"\n") {
			t.Errorf("digests.txt has %s; pushed was\n%s", line, pushed)
		}
	}
	if len(lines) != 2 {
		t.Errorf("digests.txt has %v, want the image and the chart", lines)
	}
}

// ref is an object of the release by digest.
func (p *published) ref(repository, digest string) string {
	return p.owner + "/" + repository + "@" + digest
}

// client runs a program as a user who is logged in.
func (p *published) client(t *testing.T, name string, args ...string) string {
	t.Helper()
	return do(t, p.keys, append(p.Env(), "COSIGN_PASSWORD="), p.bin[name], args...)
}

// fails runs it and returns what it says, and ends the test where it does not fail.
func (p *published) fails(t *testing.T, env []string, name string, args ...string) string {
	t.Helper()
	out, err := command(t.Context(), p.keys, env, p.bin[name], args...)
	if err == nil {
		t.Fatalf("%s %s succeeds:\n%s", name, strings.Join(args, " "), out)
	}
	return out
}

// do runs a program and returns what it prints.
func do(t *testing.T, dir string, env []string, name string, args ...string) string {
	t.Helper()
	out, err := command(t.Context(), dir, env, name, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", filepath.Base(name), strings.Join(args, " "), err, out)
	}
	return out
}

// command runs a program and returns its standard output, or both outputs where it fails.
func command(ctx context.Context, dir string, env []string, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	var out, said strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		return out.String() + said.String(), err
	}
	return out.String(), nil
}
