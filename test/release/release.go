package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"sigs.k8s.io/yaml"
)

const (
	controller = "outrider-controller"
	owner      = "ghcr.io/outrider-dev" // of the repositories in the registry
	project    = "https://github.com/outrider-dev/outrider"
)

// release is what is released and where it goes.
type release struct {
	root, out, version string

	commit  string
	date    time.Time // of the commit
	cli     platforms
	images  platforms
	scratch string // programs and tools; removed at the end

	digests map[string]string // by reference, of what the registry gets
}

// identify finds out the version, the commit and its date. A tag is an error unless the chart and the changelog have it.
func (r *release) identify(ctx context.Context, tag string) error {
	raw, err := os.ReadFile(r.path("charts", "outrider", "Chart.yaml"))
	if err != nil {
		return err
	}
	var chart struct{ Version, AppVersion string }
	if err := yaml.Unmarshal(raw, &chart); err != nil {
		return fmt.Errorf("read Chart.yaml: %w", err)
	}
	if r.version == "" {
		r.version = chart.AppVersion
	}
	if tag != "" {
		switch _, dated, err := r.notes(); {
		case chart.Version != chart.AppVersion || "v"+r.version != tag:
			return fmt.Errorf("Chart.yaml has version %s and appVersion %s, the tag is %s; set both to %s", chart.Version, chart.AppVersion, tag, strings.TrimPrefix(tag, "v"))
		case err != nil:
			return err
		case !dated:
			return fmt.Errorf("CHANGELOG.md has no section [%s] with a date; rename [Unreleased]", r.version)
		}
	}
	seconds, err := r.git(ctx, "log", "-1", "--format=%ct")
	if err != nil {
		return err
	}
	unix, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return fmt.Errorf("date of the commit: %w", err)
	}
	r.date = time.Unix(unix, 0).UTC()
	if r.commit != "" {
		return nil
	}
	if r.commit, err = r.git(ctx, "rev-parse", "HEAD"); err != nil {
		return err
	}
	changed, err := r.git(ctx, "status", "--porcelain")
	if changed != "" {
		r.commit += "-dirty"
	}
	if changed != "" && tag != "" {
		return fmt.Errorf("the checkout differs from its commit:\n%s", changed)
	}
	return err
}

// build makes everything, in the order in which one needs the other.
func (r *release) build(ctx context.Context) (err error) {
	if r.out, err = filepath.Abs(r.out); err != nil {
		return err
	}
	if err := r.empty(); err != nil {
		return err
	}
	if r.scratch, err = os.MkdirTemp("", "outrider-release-"); err != nil {
		return err
	}
	defer os.RemoveAll(r.scratch)
	r.digests = map[string]string{}
	for _, step := range []struct {
		name string
		run  func(context.Context) error
	}{
		{"tools", r.buildTools},
		{"image", r.buildImage},
		{"command line", r.buildCLI},
		{"chart", r.buildChart},
		{"krew manifest", r.writeKrew},
		{"notes", r.writeNotes},
		{"checksums and provenance", r.writeSums},
	} {
		fmt.Printf("%s\n", step.name)
		if err := step.run(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
	}
	fmt.Printf("outrider %s of commit %s is in %s\n", r.version, r.commit, r.out)
	return nil
}

// empty makes the folder, and refuses to empty one that a release did not fill.
func (r *release) empty() error {
	entries, err := os.ReadDir(r.out)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if len(entries) > 0 && !slices.ContainsFunc(entries, func(e os.DirEntry) bool { return e.Name() == sumsFile || e.Name() == layoutFolder }) {
		return fmt.Errorf("%s is not empty and holds no release; name another folder with -out", r.out)
	}
	if err := os.RemoveAll(r.out); err != nil {
		return err
	}
	return os.MkdirAll(r.out, 0o755)
}

// created is the date as RFC 3339, which is the time of everything in the release.
func (r *release) created() string { return r.date.Format(time.RFC3339) }

func (r *release) path(elements ...string) string {
	return filepath.Join(append([]string{r.root}, elements...)...)
}

func (r *release) git(ctx context.Context, args ...string) (string, error) {
	return r.output(ctx, r.root, nil, "git", args...)
}

// output runs a command and returns what it prints, trimmed.
func (r *release) output(ctx context.Context, dir string, env []string, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return "", fmt.Errorf("%s: %w\n%s%s", cmd, err, out, exit.Stderr)
	}
	return strings.TrimSpace(string(out)), err
}
