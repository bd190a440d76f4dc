package build

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/outrider-dev/outrider/test/cluster/cache"
	"github.com/outrider-dev/outrider/test/cluster/progress"
)

// batch is one run of the go command: components of the same module and build tags.
type batch struct {
	dir     string
	tags    string
	cgo     bool
	targets []target
}

type target struct {
	component Component
	version   string
	ldflags   string
	path      string // of the finished binary
}

// add puts t into the batch that has the flags of b, or begins one with b.
func add(batches []*batch, b *batch, t target) []*batch {
	for _, have := range batches {
		if have.dir == b.dir && have.tags == b.tags && have.cgo == b.cgo {
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
	modfile, err := b.complete(ctx, scratch)
	if err != nil {
		return err
	}
	flags := []string{"-trimpath", "-mod=readonly", "-tags", b.tags}
	if modfile != "" {
		flags = append(flags, "-modfile", modfile)
	}
	if err := b.compile(ctx, flags, scratch); err != nil {
		return fmt.Errorf("build %s: %w", b, err)
	}
	for _, t := range b.targets {
		if err := t.install(scratch, bin); err != nil {
			return err
		}
	}
	return nil
}

// String names the programs of the batch with their versions.
func (b *batch) String() string {
	var what []string
	for _, t := range b.targets {
		what = append(what, t.component.Name+" "+t.version)
	}
	return strings.Join(what, ", ")
}

// compile runs go build, which names each package that it compiles.
func (b *batch) compile(ctx context.Context, flags []string, out string) error {
	compiled, done := progress.Counted(ctx, b.stale(ctx, flags), "packages", "build %s", b)
	defer done()
	args := append([]string{"build", "-v", "-buildvcs=false", "-o", out + string(filepath.Separator)}, flags...)
	for _, t := range b.targets {
		args = append(args, "-ldflags="+t.component.importPath()+"="+t.ldflags)
	}
	cmd := b.command(ctx, append(args, b.packages()...)...)
	said, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	var problems bytes.Buffer
	lines := bufio.NewScanner(said)
	for lines.Scan() {
		if line := lines.Text(); strings.ContainsAny(line, " \t") {
			fmt.Fprintln(&problems, line)
		} else {
			compiled()
		}
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("%w\n%s", err, &problems)
	}
	return nil
}

// stale counts the packages that the build cache lacks, for the progress alone: an error counts none.
func (b *batch) stale(ctx context.Context, flags []string) int {
	args := append([]string{"list", "-deps", "-f", "{{if .Stale}}{{.ImportPath}}{{end}}"}, flags...)
	out, err := b.command(ctx, append(args, b.packages()...)...).Output()
	if err != nil {
		return 0
	}
	return len(strings.Fields(string(out)))
}

func (b *batch) packages() []string {
	var paths []string
	for _, t := range b.targets {
		paths = append(paths, t.component.importPath())
	}
	return paths
}

func (b *batch) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := goCommand(ctx, b.dir, args...)
	if b.cgo {
		cmd.Env = append(cmd.Env, "CGO_ENABLED=1")
	}
	return cmd
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
