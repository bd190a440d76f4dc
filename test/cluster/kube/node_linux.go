//go:build linux

package kube

import (
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// nodeAttr starts the node's first process in namespaces of its own.
func nodeAttr() syscall.SysProcAttr {
	return syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID}
}

// Node is the first process of the node's PID and mount namespace: it runs containerd and the
// kubelet until one of them ends. dir is the cluster's folder.
func Node(dir, containerd, kubelet string) error {
	l := layout{dir: dir}
	if err := l.mountNode(); err != nil {
		return err
	}
	first, err := l.spawn("containerd", 0, containerd, "--config", l.conf("containerd.toml"))
	if err != nil {
		return err
	}
	second, err := l.spawn("kubelet", syscall.CLONE_NEWNS, os.Args[0], KubeletCommand, dir, kubelet)
	if err != nil {
		return err
	}
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil) // orphans of containers are this process's to reap
		if err != nil && err != syscall.EINTR {
			return fmt.Errorf("wait for the node's processes: %w", err)
		}
		if pid == first || pid == second {
			return fmt.Errorf("containerd (%d) or the kubelet (%d) ended: process %d, status %d", first, second, pid, status)
		}
	}
}

// mountNode lays out the namespace. Nothing of it is seen outside.
func (l layout) mountNode() error {
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

// spawn starts a process of the node, with further namespaces of its own, and returns its id.
func (l layout) spawn(name string, namespaces uintptr, path string, args ...string) (int, error) {
	out, err := os.Create(l.log(name))
	if err != nil {
		return 0, fmt.Errorf("start %s: %w", name, err)
	}
	defer out.Close()
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: namespaces}
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
func Kubelet(dir, kubelet string) error {
	l := layout{dir: dir}
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
	for !exists("/run/containerd/containerd.sock") || !exists(l.run(apiserverReady)) {
		time.Sleep(20 * time.Millisecond)
	}
	args := []string{kubelet, "--config=" + l.conf("kubelet.yaml"), "--kubeconfig=" + l.conf("kubelet"),
		"--hostname-override=" + nodeName, "--node-ip=" + nodeAddress, "--v=2"}
	if err := syscall.Exec(kubelet, args, os.Environ()); err != nil {
		return fmt.Errorf("become the kubelet: %w", err)
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
