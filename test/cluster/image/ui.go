package image

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/outrider-dev/outrider/test/cluster/build"
	"github.com/outrider-dev/outrider/test/cluster/cache"
	"github.com/outrider-dev/outrider/test/cluster/progress"
)

// uiFolder is the folder of the cache in which Prometheus' web interface lies once it was built.
const uiFolder = "prometheus-ui"

// BuildUI builds Prometheus' web interface with npm, of the version that the components pin. Its Go
// module comes without; the Prometheus image has it only if it was built here before.
func BuildUI(ctx context.Context) error {
	source, err := build.Source(ctx, "prometheus")
	if err != nil {
		return err
	}
	dir, err := cache.Dir(uiFolder)
	if err != nil {
		return err
	}
	unlock, err := cache.Lock(ctx, "ui")
	if err != nil {
		return err
	}
	defer unlock()
	cache.Prune(dir, ".build-*", 0) // of a killed run: this one holds the lock
	scratch, err := os.MkdirTemp(dir, ".build-")
	if err != nil {
		return fmt.Errorf("make a build folder: %w", err)
	}
	defer os.RemoveAll(scratch)
	ui, tools := filepath.Join(scratch, "ui"), filepath.Join(scratch, "tools")
	if err := os.CopyFS(ui, os.DirFS(filepath.Join(source, "web", "ui"))); err != nil {
		return fmt.Errorf("copy the interface's source: %w", err)
	}
	defer progress.Start(ctx, "build Prometheus' web interface")()
	for _, args := range [][]string{
		{"npm", "install", "--prefix", tools, "--no-audit", "--no-fund", "pnpm@10"},
		{"pnpm", "install", "--frozen-lockfile"},
		{"bash", "build_ui.sh", "--mantine-ui"},
	} {
		cmd := exec.CommandContext(ctx, "env", args...) // env looks the program up in the new PATH
		cmd.Dir = ui
		cmd.Env = append(os.Environ(), "PATH="+filepath.Join(tools, "node_modules", ".bin")+":"+os.Getenv("PATH"))
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build Prometheus' web interface: %s: %w\n%s", args[0], err, out)
		}
	}
	built := filepath.Join(dir, "mantine-ui")
	if err := os.RemoveAll(built); err != nil {
		return fmt.Errorf("replace the old interface: %w", err)
	}
	if err := os.Rename(filepath.Join(ui, "static", "mantine-ui"), built); err != nil {
		return fmt.Errorf("keep the interface: %w", err)
	}
	return nil
}
