package image

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/outrider-dev/outrider/test/cluster/cache"
	"github.com/outrider-dev/outrider/test/cluster/progress"
)

// deb is a Debian package in the cache.
type deb struct {
	path string // of the .deb
	dir  string // of what it contains
}

// fetchDeb returns a Debian package of this machine's release, downloaded and unpacked once.
func fetchDeb(ctx context.Context, name string) (deb, error) {
	dir, err := cache.Dir("debs", release())
	if err != nil {
		return deb{}, err
	}
	d, err := findDeb(dir, name)
	if err != nil {
		if err := download(ctx, dir, name); err != nil {
			return deb{}, err
		}
		if d, err = findDeb(dir, name); err != nil {
			return deb{}, err
		}
	}
	if _, err := os.Stat(d.dir); err == nil {
		return d, nil
	}
	scratch := d.dir + ".tmp"
	if err := os.RemoveAll(scratch); err != nil {
		return deb{}, fmt.Errorf("unpack %s: %w", name, err)
	}
	if out, err := exec.CommandContext(ctx, "dpkg-deb", "-x", d.path, scratch).CombinedOutput(); err != nil {
		return deb{}, fmt.Errorf("unpack %s: %w\n%s", name, err, out)
	}
	if err := os.Rename(scratch, d.dir); err != nil {
		return deb{}, fmt.Errorf("unpack %s: %w", name, err)
	}
	return d, nil
}

func findDeb(dir, name string) (deb, error) {
	found, err := filepath.Glob(filepath.Join(dir, name+"_*.deb"))
	if err != nil || len(found) == 0 {
		return deb{}, fmt.Errorf("Debian has no package %s for this machine", name)
	}
	return deb{path: found[0], dir: strings.TrimSuffix(found[0], ".deb")}, nil
}

// download fetches the package, with fresh package lists where the present ones do not serve.
func download(ctx context.Context, dir, name string) error {
	defer progress.Start(ctx, "download the Debian package %s", name)()
	get := func(args ...string) ([]byte, error) {
		// As root apt would drop to a user that may not write here.
		cmd := exec.CommandContext(ctx, "apt-get", append([]string{"-q", "-o", "APT::Sandbox::User=root"}, args...)...)
		cmd.Dir = dir
		return cmd.CombinedOutput()
	}
	if _, err := get("download", name); err == nil {
		return nil
	}
	if out, err := get("update"); err != nil {
		return fmt.Errorf("update Debian's package lists: %w\n%s", err, out)
	}
	if out, err := get("download", name); err != nil {
		return fmt.Errorf("download the Debian package %s: %w\n%s", name, err, out)
	}
	return nil
}

// release names this machine's Debian release: libraries of another one do not fit.
func release() string {
	data, err := os.ReadFile("/etc/os-release")
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(data)) {
		if id, ok := strings.CutPrefix(strings.TrimSpace(line), "VERSION_CODENAME="); ok {
			return id
		}
	}
	return "unknown"
}

// unneeded are the parts of Debian packages that no container uses.
var unneeded = []string{
	"/usr/share/doc", "/usr/share/man", "/usr/share/lintian", "/usr/share/locale", "/usr/share/bash-completion",
	"/usr/share/zsh", "/etc/init.d", "/etc/logrotate.d", "/etc/cron.d", "/etc/ufw", "/lib/systemd", "/usr/lib/systemd",
}

func isUnneeded(path string) bool {
	for _, u := range unneeded {
		if path == u {
			return true
		}
	}
	return false
}
