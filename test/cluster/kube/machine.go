package kube

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/outrider-dev/outrider/test/cluster/progress"
)

// cniDir is where Debian keeps the network plugins.
const cniDir = "/usr/lib/cni"

// systemPath is the PATH of the cluster's programs.
const systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// hostPackages are the Debian packages that the machine needs, to build runc and to run a node.
var hostPackages = []string{
	"containernetworking-plugins", "nftables", "iptables", "conntrack", "iproute2", "mount",
	"gcc", "libc6-dev", "libseccomp-dev", "pkg-config",
}

// sysctls are the kernel settings that a node needs. down puts the machine's own back.
var sysctls = map[string]string{
	"net/ipv4/ip_forward":           "1",
	"fs/inotify/max_user_instances": "1024",
}

// errNoRoot is what a machine that cannot run a node answers.
var errNoRoot = errors.New("cluster: the local cluster needs root on Linux; set CLUSTER=current to use your kubeconfig's context instead")

// Available returns why this machine can run no cluster, or nil. With
// CLUSTER=current it need not.
func Available() error {
	if UsesCurrent() {
		return nil
	}
	return checkMachine()
}

func checkMachine() error {
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		return errNoRoot
	}
	return nil
}

// installPackages brings the host packages that are missing.
func installPackages(ctx context.Context) error {
	var missing []string
	for _, name := range hostPackages {
		out, err := exec.CommandContext(ctx, "dpkg-query", "-W", "-f", "${Status}", name).Output()
		if err != nil || !strings.Contains(string(out), "install ok installed") {
			missing = append(missing, name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	defer progress.Start(ctx, "install %s", strings.Join(missing, ", "))()
	for _, args := range [][]string{{"update"}, append([]string{"install", "-y", "--no-install-recommends"}, missing...)} {
		cmd := exec.CommandContext(ctx, "apt-get", append([]string{"-q", "-o", "DPkg::Lock::Timeout=300"}, args...)...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("install the Debian packages %s: %w\n%s", strings.Join(missing, ", "), err, out)
		}
	}
	return nil
}

// setSysctls changes the kernel's settings and records what they were.
func (l layout) setSysctls() error {
	before := map[string]string{}
	for name := range sysctls {
		data, err := os.ReadFile(filepath.Join("/proc/sys", name))
		if err != nil {
			return fmt.Errorf("read kernel setting: %w", err)
		}
		before[name] = strings.TrimSpace(string(data))
	}
	if err := l.save("sysctl", before); err != nil {
		return err
	}
	return writeSysctls(sysctls)
}

func (l layout) restoreSysctls() error {
	var before map[string]string
	if err := l.load("sysctl", &before); err != nil {
		return nil // nothing was changed
	}
	if err := writeSysctls(before); err != nil {
		return err
	}
	return l.drop("sysctl")
}

func writeSysctls(values map[string]string) error {
	for name, value := range values {
		if err := os.WriteFile(filepath.Join("/proc/sys", name), []byte(value), 0o644); err != nil {
			return fmt.Errorf("set kernel setting: %w", err)
		}
	}
	return nil
}

// makeMountPoints makes the standard paths that the node's namespace mounts over, and records
// those that the machine lacked.
func (l layout) makeMountPoints() error {
	var made []string
	for _, path := range append(keys(l.mountPoints()), netns) {
		if _, err := os.Stat(path); err == nil {
			continue
		}
		made = append(made, path)
	}
	if err := l.save("mountpoints", made); err != nil {
		return err
	}
	for _, path := range made {
		if err := os.MkdirAll(path, 0o755); err != nil {
			return fmt.Errorf("make mount point: %w", err)
		}
	}
	return nil
}

func (l layout) removeMountPoints() error {
	var made []string
	if err := l.load("mountpoints", &made); err != nil {
		return nil // none was made
	}
	for _, path := range made {
		_ = os.Remove(path) // one that was filled meanwhile stays
	}
	return l.drop("mountpoints")
}

// cgroupRoots are the folders below which there is a hierarchy of cgroups each: one for every controller, or,
// with version 2, one for all.
func cgroupRoots() ([]string, error) {
	const root = "/sys/fs/cgroup"
	if _, err := os.Stat(root + "/cgroup.controllers"); err == nil {
		return []string{root}, nil
	}
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil, fmt.Errorf("list cgroups: %w", err)
	}
	var roots []string
	for _, entry := range entries {
		if entry.IsDir() { // else a name for another one
			roots = append(roots, filepath.Join(root, entry.Name()))
		}
	}
	return roots, nil
}

// makeCgroups makes those below which further nodes have their pods': the kubelet asks that they exist.
func makeCgroups(s shape) error {
	roots, err := cgroupRoots()
	if err != nil {
		return err
	}
	for _, n := range s.nodes() {
		if !n.further() {
			continue
		}
		for _, root := range roots {
			dir := filepath.Join(root, n.cgroup())
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return fmt.Errorf("make a cgroup for %s: %w", n.name(), err)
			}
			for _, file := range []string{"cpuset.cpus", "cpuset.mems"} { // empty in a new one of version 1
				if value, err := os.ReadFile(filepath.Join(root, file)); err == nil {
					_ = os.WriteFile(filepath.Join(dir, file), value, 0o644)
				}
			}
		}
	}
	return nil
}

// removeCgroups removes the pods' cgroups, which stay when their processes are killed.
func removeCgroups(ctx context.Context) error {
	return removeCgroupsOf(ctx, "kubepods", "outrider-node?")
}

// removeCgroupsOf removes those of some names, and all below them.
func removeCgroupsOf(ctx context.Context, names ...string) error {
	var patterns []string
	for _, name := range names {
		patterns = append(patterns, "/sys/fs/cgroup/"+name, "/sys/fs/cgroup/*/"+name)
	}
	return poll(ctx, 10*time.Second, "the pods' cgroups to be gone", func(context.Context) error {
		var left error
		// Only folders without processes can be removed, so another kubelet's stay.
		for _, pattern := range patterns {
			roots, err := filepath.Glob(pattern)
			if err != nil {
				return err
			}
			for _, root := range roots {
				left = errors.Join(left, removeFolders(root))
			}
		}
		return left
	})
}

// removeFolders removes a tree of folders, the deepest first.
func removeFolders(root string) error {
	var dirs []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			dirs = append(dirs, path)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	for _, dir := range slices.Backward(dirs) {
		if e := os.Remove(dir); e != nil && !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	return err
}

func keys(m map[string]string) []string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
