// Package browser takes pictures of web pages with headless Chromium.
package browser

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Page is a picture to take.
type Page struct {
	// URL is the page's address; a file's begins with file://.
	URL string
	// Width and Height are the window's, in CSS pixels.
	Width, Height int
	// Scale is how many pixels of the picture a CSS pixel has on each side. Default 1.
	Scale int
}

// Screenshot writes a page as a PNG file. On Debian it installs Chromium where it is missing.
func Screenshot(ctx context.Context, p Page, file string) error {
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
		fmt.Sprintf("--window-size=%d,%d", p.Width, p.Height), fmt.Sprintf("--force-device-scale-factor=%d", max(1, p.Scale)),
		"--virtual-time-budget=15000", "--screenshot="+file, p.URL)
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
