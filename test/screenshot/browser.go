package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// width and height are those of the window, in pixels.
const width, height = 1280, 600

// screenshot writes a page as a PNG file, with headless Chromium. On Debian it installs that where it is missing.
func screenshot(ctx context.Context, url, file string) error {
	if err := install(ctx); err != nil {
		return err
	}
	file, err := filepath.Abs(file)
	if err != nil {
		return fmt.Errorf("find the picture's folder: %w", err)
	}
	profile, err := os.MkdirTemp("", "chromium-")
	if err != nil {
		return fmt.Errorf("make Chromium's folder: %w", err)
	}
	defer os.RemoveAll(profile)
	cmd := exec.CommandContext(ctx, "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--user-data-dir="+profile,
		fmt.Sprintf("--window-size=%d,%d", width, height), "--virtual-time-budget=15000", "--screenshot="+file, url)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("chromium: %w\n%s", err, out)
	}
	return nil
}

func install(ctx context.Context) error {
	if _, err := exec.LookPath("chromium"); err == nil {
		return nil
	}
	for _, args := range [][]string{{"update"}, {"install", "-y", "--no-install-recommends", "chromium", "fonts-dejavu-core"}} {
		if out, err := exec.CommandContext(ctx, "apt-get", args...).CombinedOutput(); err != nil {
			return fmt.Errorf("apt-get %s: %w\n%s", args[0], err, out)
		}
	}
	return nil
}
