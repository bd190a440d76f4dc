//go:build linux

package kube

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// nodeAttr starts a node's first process in namespaces of its own. A further node has its own network
// and host name, too.
func nodeAttr(further bool) syscall.SysProcAttr {
	attr := syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID}
	if further {
		attr.Cloneflags |= syscall.CLONE_NEWNET | syscall.CLONE_NEWUTS
	}
	return attr
}

// networkAttr starts a process in a network namespace of its own.
func networkAttr() syscall.SysProcAttr {
	return syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
}

// Node is the first process of a node's namespaces: it runs containerd and the kubelet, and on a further
// node kube-proxy, until one of them ends. dir is the cluster's folder, number counts nodes from 1; the
// others are paths of programs.
func Node(dir, number, containerd, kubelet, kubeProxy string) error {
	n, err := parseNode(number)
	if err != nil {
		return err
	}
	l := n.layout(layout{dir: dir})
	if err := l.mountNode(n.further()); err != nil {
		return err
	}
	programs := map[string]program{
		"containerd": {path: containerd, args: []string{"--config", l.conf("containerd.toml")}},
		"kubelet":    {path: os.Args[0], args: []string{KubeletCommand, dir, number, kubelet}, namespaces: syscall.CLONE_NEWNS},
	}
	if n.further() {
		if err := n.settle(context.Background()); err != nil {
			return err
		}
		programs["kube-proxy"] = program{path: os.Args[0], args: []string{KubeProxyCommand, dir, number, kubeProxy}}
	}
	return l.supervise(programs)
}

// supervise runs the programs of a node until one ends. A kubelet that ends is started again some times, as a machine's
// init does: it gives up where containerd listens and is not ready.
func (l layout) supervise(programs map[string]program) error {
	running := map[int]string{}
	start := func(name string) error {
		pid, err := l.spawn(name, programs[name])
		running[pid] = name
		return err
	}
	for name := range programs {
		_ = os.Remove(l.log(name)) // of an earlier cluster
		if err := start(name); err != nil {
			return err
		}
	}
	for again := 20; ; {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil) // orphans of containers are this process's to reap
		if err != nil && err != syscall.EINTR {
			return fmt.Errorf("wait for the node's processes: %w", err)
		}
		name, ours := running[pid]
		if !ours {
			continue
		}
		if name != "kubelet" || again == 0 {
			return fmt.Errorf("%s ended: process %d, status %d; see %s", name, pid, status, l.log(name))
		}
		again--
		time.Sleep(250 * time.Millisecond)
		if err := start(name); err != nil {
			return err
		}
	}
}

// program is what Node runs.
type program struct {
	path       string
	args       []string
	namespaces uintptr // further ones of its own
}

// unmount takes away what SmallDisk left where a test was ended, if there is any.
func unmount(folder string) { _ = syscall.Unmount(folder, syscall.MNT_DETACH) }

// settle gives a further node its host name, network and cgroups.
func (n node) settle(ctx context.Context) error {
	if err := syscall.Sethostname([]byte(n.name())); err != nil {
		return fmt.Errorf("name %s: %w", n.name(), err)
	}
	return n.cable().plug(ctx)
}

// mountNode lays out the namespace. Nothing of it is seen outside.
func (l layout) mountNode(further bool) error {
	type mount struct {
		source, target, kind string
		flags                uintptr
	}
	mounts := []mount{
		{"", "/", "", syscall.MS_REC | syscall.MS_PRIVATE},
		{"proc", "/proc", "proc", syscall.MS_NOSUID | syscall.MS_NODEV | syscall.MS_NOEXEC},
		{"", "/", "", syscall.MS_REC | syscall.MS_SHARED}, // the kubelet's mounts reach the containers
		{"tmpfs", netns, "tmpfs", 0},
	}
	if further {
		if err := os.MkdirAll(l.run("cgroup"), 0o755); err != nil {
			return fmt.Errorf("make the node's folders: %w", err)
		}
		mounts = append(mounts, // of its own network; cgroups are the machine's
			mount{"/sys/fs/cgroup", l.run("cgroup"), "", syscall.MS_BIND | syscall.MS_REC},
			mount{"sysfs", "/sys", "sysfs", syscall.MS_NOSUID | syscall.MS_NODEV | syscall.MS_NOEXEC},
			mount{l.run("cgroup"), "/sys/fs/cgroup", "", syscall.MS_BIND | syscall.MS_REC},
		)
	}
	for at, own := range l.mountPoints() {
		if err := os.MkdirAll(own, 0o755); err != nil {
			return fmt.Errorf("make the node's folders: %w", err)
		}
		mounts = append(mounts, mount{own, at, "", syscall.MS_BIND})
	}
	for _, m := range mounts {
		if err := syscall.Mount(m.source, m.target, m.kind, m.flags, ""); err != nil {
			return fmt.Errorf("mount %s: %w", m.target, err)
		}
	}
	return nil
}

// spawn starts a process of the node and returns its id.
func (l layout) spawn(name string, p program) (int, error) {
	out, err := os.OpenFile(l.log(name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return 0, fmt.Errorf("start %s: %w", name, err)
	}
	defer out.Close()
	cmd := exec.Command(p.path, p.args...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: p.namespaces}
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("start %s: %w", name, err)
	}
	return cmd.Process.Pid, nil
}

// kubeletSysctls are settings that the kubelet would change on the machine if it did not find them.
var kubeletSysctls = map[string]string{
	"vm/overcommit_memory": "1", "vm/panic_on_oom": "0", "kernel/panic": "10", "kernel/panic_on_oops": "1",
	"kernel/keys/root_maxkeys": "1000000", "kernel/keys/root_maxbytes": "25000000",
}

// Kubelet becomes the kubelet once containerd and the API server are there. It finds plain files
// in place of the kernel settings it likes to change. They lie over its own /proc only: over
// containerd's they would stop pods with user namespaces, which may mount /proc only where it is
// fully visible.
func Kubelet(dir, number, kubelet string) error {
	n, err := parseNode(number)
	if err != nil {
		return err
	}
	l := n.layout(layout{dir: dir})
	if err := syscall.Mount("", "/proc", "", syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make /proc private: %w", err)
	}
	if err := os.MkdirAll(l.run("sysctl"), 0o755); err != nil {
		return fmt.Errorf("cover kernel settings: %w", err)
	}
	for name, value := range kubeletSysctls {
		at := filepath.Join("/proc/sys", name)
		if now, err := os.ReadFile(at); err == nil && strings.TrimSpace(string(now)) == value {
			continue
		}
		file := l.run("sysctl/" + path.Base(name))
		if err := os.WriteFile(file, []byte(value+"\n"), 0o644); err != nil {
			return fmt.Errorf("cover kernel settings: %w", err)
		}
		if err := syscall.Mount(file, at, "", syscall.MS_BIND, ""); err != nil {
			return fmt.Errorf("cover kernel setting %s: %w", name, err)
		}
	}
	await("/run/containerd/containerd.sock", l.run(apiserverReady))
	return become(kubelet, "--config="+l.conf("kubelet.yaml"), "--kubeconfig="+l.conf("kubelet"),
		"--hostname-override="+n.name(), "--node-ip="+n.address(), "--v=2")
}

// KubeProxy becomes the kube-proxy of a further node once the API server is there.
func KubeProxy(dir, number, kubeProxy string) error {
	n, err := parseNode(number)
	if err != nil {
		return err
	}
	l := n.layout(layout{dir: dir})
	await(l.run(apiserverReady))
	return become(kubeProxy, "--config="+l.conf("kube-proxy.yaml"))
}

// await returns when all files are there.
func await(paths ...string) {
	for _, path := range paths {
		for !exists(path) {
			time.Sleep(20 * time.Millisecond)
		}
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
