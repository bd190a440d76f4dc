// Package build makes the programs of the test cluster from Go modules.
//
// # Decisions
//
// The versions stand in components/go.mod, where a dependency bot looks for them, and nowhere else.
// The programs of the cluster itself share one module graph, and one run of the go command compiles
// what Kubernetes, CoreDNS and Prometheus have in common once and keeps all cores busy to the end.
// Other programs have a module of their own, so that a new one does not change the key of every other
// binary, and so restart the cluster. Where they require what the shared graph or this project's go.mod
// requires, it is the same version: then the build cache compiles that once, too. It was different
// before, and a cluster from nothing took twice the CPU.
// The API servers of older versions of Kubernetes keep that version's own requirements. Only
// go run ./test/versions builds them.
// A module that lacks a file is copied and completed for its build (Component.Lacking): Alertmanager
// embeds a web interface that its release makes.
// A binary's folder is named by a hash of go.mod, go.sum, its flags and the Go version.
package build

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"

	"github.com/outrider-dev/outrider/test/cluster/cache"
	"github.com/outrider-dev/outrider/test/cluster/progress"
)

// Binary returns the path of the named component's binary and builds it where the cache lacks it.
func Binary(ctx context.Context, name string) (string, error) {
	paths, err := All(ctx, name)
	if err != nil {
		return "", err
	}
	return paths[name], nil
}

// All returns the paths of the named components' binaries, by name, and builds those that the cache
// lacks: components of the same flags in one run of the go command.
func All(ctx context.Context, names ...string) (map[string]string, error) {
	paths := make(map[string]string, len(names))
	missing, err := plan(ctx, names, paths)
	if err != nil || len(missing) == 0 {
		return paths, err
	}
	unlock, err := cache.Lock(ctx, "build")
	if err != nil {
		return nil, err
	}
	defer unlock()
	if missing, err = plan(ctx, names, paths); err != nil { // another run may have built them meanwhile
		return nil, err
	}
	for _, b := range missing {
		if err := b.run(ctx); err != nil {
			return nil, err
		}
	}
	return paths, nil
}

// plan fills in the path of each component and returns the batches that must still be built.
func plan(ctx context.Context, names []string, paths map[string]string) ([]*batch, error) {
	bin, err := cache.Dir("bin")
	if err != nil {
		return nil, err
	}
	var batches []*batch
	modules := map[string]module{}
	pins := map[string]string{}
	for _, name := range names {
		c, err := find(name)
		if err != nil {
			return nil, err
		}
		if _, ok := modules[c.Nested]; !ok {
			if modules[c.Nested], err = readModule(ctx, c); err != nil {
				return nil, err
			}
			if pins[c.Nested], err = pin(c); err != nil {
				return nil, err
			}
		}
		version, err := modules[c.Nested].version(c.Module)
		if err != nil {
			return nil, err
		}
		dir, err := c.dir()
		if err != nil {
			return nil, err
		}
		ldflags := c.ldflags(version)
		parts := []string{pins[c.Nested], c.Tags, fmt.Sprint(c.CGO), ldflags, c.importPath(), runtime.Version()}
		if c.Lacking != nil {
			parts = append(parts, fmt.Sprint(c.Lacking))
		}
		key := cache.Key(parts...)
		paths[name] = filepath.Join(bin, name+"-"+key, name)
		if _, err := os.Stat(paths[name]); err == nil {
			continue
		}
		batches = add(batches, &batch{dir: dir, tags: c.Tags, cgo: c.CGO}, target{component: c, version: version, ldflags: ldflags, path: paths[name]})
	}
	return batches, nil
}

// Main builds the main package pkg of this project, such as ./cmd/outrider-controller, as a static
// binary and returns its path.
func Main(ctx context.Context, pkg string) (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	dir, err := cache.Dir("main", cache.Key(root))
	if err != nil {
		return "", err
	}
	unlock, err := cache.Lock(ctx, "main")
	if err != nil {
		return "", err
	}
	defer unlock()
	defer progress.Start(ctx, "build %s", pkg)()
	out := filepath.Join(dir, path.Base(pkg))
	cmd := goCommand(ctx, root, "build", "-trimpath", "-buildvcs=false", "-mod=readonly", "-ldflags", "-s -w", "-o", out, pkg)
	if log, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", pkg, err, log)
	}
	return out, nil
}

func find(name string) (Component, error) {
	for _, c := range components {
		if c.Name == name {
			return c, nil
		}
	}
	return Component{}, fmt.Errorf("no component is called %q", name)
}

// pin hashes the go.mod and go.sum that decide what the component is made of, and our own main.
func pin(c Component) (string, error) {
	dir, err := c.dir()
	if err != nil {
		return "", err
	}
	mod, err := cache.FileKey(filepath.Join(dir, "go.mod"))
	if err != nil {
		return "", err
	}
	sum, err := cache.FileKey(filepath.Join(dir, "go.sum"))
	if err != nil || !c.Own {
		return mod + sum, err
	}
	main, err := cache.FileKey(filepath.Join(dir, "main.go"))
	return mod + sum + main, err
}

func (c Component) ldflags(version string) string {
	flags := []string{"-s", "-w"}
	if c.Stamp != nil {
		for _, set := range c.Stamp(strings.TrimPrefix(version, "v")) {
			flags = append(flags, "-X", set)
		}
	}
	return strings.Join(flags, " ")
}

var majorSuffix = regexp.MustCompile(`/v[0-9]+$`)

// outputName is the name that the go command gives a package's binary.
func outputName(importPath string) string {
	return path.Base(majorSuffix.ReplaceAllString(importPath, ""))
}

// goCommand runs the go command in dir, for this machine and with none of the caller's settings that
// would change the result.
func goCommand(ctx context.Context, dir string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off", "GOOS=", "GOARCH=")
	return cmd
}
