// Package build makes the programs of the test cluster from Go modules.
//
// # Decisions
//
// The versions stand in components/go.mod, where a dependency bot looks for them, and nowhere else.
// Nearly all programs share one module graph: the thousand packages that Kubernetes, CoreDNS and
// Prometheus have in common then compile once. kube-state-metrics does not compile with the others'
// client-go and has a module of its own. So have promtool, the exporters and the optional parts of the
// stack: a new one must not change the key of every other binary, and so restart the cluster.
// The API servers of older versions of Kubernetes have one each, with that version's own requirements: they are built
// with today's Go, which took no change. Only go run ./test/versions builds them.
// A module that lacks a file is copied and completed for its build (Component.Lacking): Alertmanager
// embeds a web interface that its release makes.
// A binary's folder is named by a hash of go.mod, go.sum, its flags and the Go version; the build
// cache of the go command keeps a rebuild short when only the flags changed.
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

// batch is a run of the go command: components that share a module and every flag.
type batch struct {
	dir     string
	tags    string
	cgo     bool
	ldflags string
	targets []target
}

type target struct {
	component Component
	version   string
	path      string // of the finished binary
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
		b := &batch{dir: dir, tags: c.Tags, cgo: c.CGO, ldflags: c.ldflags(version)}
		parts := []string{pins[c.Nested], b.tags, fmt.Sprint(b.cgo), b.ldflags, c.importPath(), runtime.Version()}
		if c.Lacking != nil {
			parts = append(parts, fmt.Sprint(c.Lacking))
		}
		key := cache.Key(parts...)
		paths[name] = filepath.Join(bin, name+"-"+key, name)
		if _, err := os.Stat(paths[name]); err == nil {
			continue
		}
		batches = add(batches, b, target{component: c, version: version, path: paths[name]})
	}
	return batches, nil
}

// add puts t into the batch of the same flags as b, or begins one with b.
func add(batches []*batch, b *batch, t target) []*batch {
	for _, have := range batches {
		if have.dir == b.dir && have.tags == b.tags && have.cgo == b.cgo && have.ldflags == b.ldflags {
			have.targets = append(have.targets, t)
			return batches
		}
	}
	b.targets = []target{t}
	return append(batches, b)
}

// run builds the batch into a scratch folder and moves each binary to its place.
func (b *batch) run(ctx context.Context) error {
	bin, err := cache.Dir("bin")
	if err != nil {
		return err
	}
	cache.Prune(bin, ".build-*", 0) // of a killed run: this one holds the lock
	scratch, err := os.MkdirTemp(bin, ".build-")
	if err != nil {
		return fmt.Errorf("make a build folder: %w", err)
	}
	defer os.RemoveAll(scratch)
	args := []string{"build", "-trimpath", "-buildvcs=false", "-mod=readonly", "-ldflags", b.ldflags, "-o", scratch + string(filepath.Separator)}
	if b.tags != "" {
		args = append(args, "-tags", b.tags)
	}
	modfile, err := b.complete(ctx, scratch)
	if err != nil {
		return err
	}
	if modfile != "" {
		args = append(args, "-modfile", modfile)
	}
	var what []string
	for _, t := range b.targets {
		args = append(args, t.component.importPath())
		what = append(what, t.component.Name+" "+t.version)
	}
	defer progress.Start(ctx, "build %s", strings.Join(what, ", "))()
	cmd := goCommand(ctx, b.dir, args...)
	if b.cgo {
		cmd.Env = append(cmd.Env, "CGO_ENABLED=1")
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", strings.Join(what, ", "), err, out)
	}
	for _, t := range b.targets {
		if err := t.install(scratch, bin); err != nil {
			return err
		}
	}
	return nil
}

func (t target) install(scratch, bin string) error {
	if err := os.MkdirAll(filepath.Dir(t.path), 0o755); err != nil {
		return fmt.Errorf("install %s: %w", t.component.Name, err)
	}
	if err := os.Rename(filepath.Join(scratch, outputName(t.component.importPath())), t.path); err != nil {
		return fmt.Errorf("install %s: %w", t.component.Name, err)
	}
	cache.Prune(bin, t.component.Name+"-"+strings.Repeat("[0-9a-f]", 20), 3)
	return nil
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
