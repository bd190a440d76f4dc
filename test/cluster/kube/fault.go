package kube

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/outrider-dev/outrider/test/cluster/build"
)

// errNotLocal is what a cluster answers that this machine did not start.
var errNotLocal = errors.New("cluster: faults are made on the local cluster only; unset CLUSTER")

// faultTable is where Filter puts its rules; down takes it away where a killed test left it.
const faultTable = "ip cluster-faults"

// Signal sends a program of the control plane, such as etcd, a signal: SIGSTOP and SIGCONT pause it.
func (c *Cluster) Signal(name string, signal syscall.Signal) error {
	r, err := c.program(name)
	if err != nil {
		return err
	}
	if err := syscall.Kill(r.PID, signal); err != nil {
		return fmt.Errorf("signal %s: %w", name, err)
	}
	return nil
}

// Kill ends a program of the control plane as a crash does. Restart starts it again.
func (c *Cluster) Kill(name string) error {
	r, err := c.program(name)
	if err != nil {
		return err
	}
	if err := c.layout.stop(name, syscall.SIGKILL); err != nil {
		return err
	}
	return c.layout.save(name+".killed", r)
}

// Programs are the names of the programs that Kill can end, in the order of their start. Those of nodes, node1 and
// so on, are a containerd, a kubelet and all pods.
func (c *Cluster) Programs() (names []string) {
	all, _ := c.layout.processes(c.layout.shape(), map[string]string{})
	for _, p := range all {
		names = append(names, p.name)
	}
	return names
}

// Restart starts programs that Kill has ended, with the same flags, in the order of Programs, and waits until the API
// servers are ready and the nodes that were started report to them.
func (c *Cluster) Restart(ctx context.Context, names ...string) error {
	binaries, err := build.All(ctx, programs...)
	if err != nil {
		return err
	}
	all, base := c.layout.processes(c.layout.shape(), binaries)
	for _, name := range names {
		if !slices.ContainsFunc(all, func(p process) bool { return p.name == name }) {
			return fmt.Errorf("restart %s: there is no such program; there are: %s", name, strings.Join(c.Programs(), ", "))
		}
	}
	since := time.Now()
	var started []process
	for i, p := range all {
		if i == base { // what follows gives up where there is no API server
			if err := c.layout.waitFor(ctx, started, "the API servers to be ready", func(ctx context.Context) error { return c.layout.allReady(ctx, c.layout.shape()) }); err != nil {
				return err
			}
		}
		if slices.Contains(names, p.name) {
			if err := c.layout.again(ctx, p); err != nil {
				return err
			}
			started = append(started, p)
		}
	}
	for _, name := range names {
		err := c.layout.waitFor(ctx, started, name+" to be back", func(ctx context.Context) error { return c.layout.back(ctx, name, since) })
		if err != nil {
			return err
		}
	}
	return nil
}

// again starts a program that was killed.
func (l layout) again(ctx context.Context, p process) error {
	var r record
	if err := l.load(p.name+".killed", &r); err != nil {
		return fmt.Errorf("restart %s: it was not killed: %w", p.name, err)
	}
	if err := l.reboot(ctx, p.name); err != nil {
		return err
	}
	p.path, p.args = r.Command[0], r.Command[1:]
	if err := l.start(p); err != nil {
		return err
	}
	return l.drop(p.name + ".killed")
}

// reboot forgets what a node that is started again does not find: its runtime's state and its pods' cgroups are in
// memory. Left there, the kubelet would try to read each of the old containers before it is ready.
func (l layout) reboot(ctx context.Context, name string) error {
	for _, n := range l.shape().nodes() {
		if n.name() != name {
			continue
		}
		own := n.layout(l)
		for _, folder := range []string{"containerd", "cni-ipam", "sysctl"} {
			if err := os.RemoveAll(own.run(folder)); err != nil {
				return fmt.Errorf("reboot %s: %w", name, err)
			}
		}
		if err := removeCgroupsOf(ctx, filepath.Join(n.cgroup(), "kubepods")); err != nil {
			return fmt.Errorf("reboot %s: %w", name, err)
		}
	}
	return nil
}

// back returns why a program that was started again is not in service, or nil.
func (l layout) back(ctx context.Context, name string, since time.Time) error {
	if err := l.allReady(ctx, l.shape()); err != nil {
		return err
	}
	client, err := l.client()
	if err != nil {
		return err
	}
	for _, n := range l.shape().nodes() {
		if n.name() == name {
			return nodeReady(ctx, client, name, since)
		}
	}
	return nil
}

func (c *Cluster) program(name string) (record, error) {
	if c.current != nil {
		return record{}, errNotLocal
	}
	r, alive := c.layout.running(name)
	if !alive {
		return record{}, fmt.Errorf("%s does not run", name)
	}
	return r, nil
}

// PIDs are the processes of a pod whose program has this name, as the machine numbers them: a
// container's own have other numbers inside of it.
func (c *Cluster) PIDs(podUID, program string) ([]int, error) {
	if c.current != nil {
		return nil, errNotLocal
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	var found []int
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		groups, err := os.ReadFile(filepath.Join("/proc", entry.Name(), "cgroup"))
		if err != nil || !strings.Contains(string(groups), "pod"+podUID) {
			continue // it ended meanwhile, or is another's
		}
		command, err := os.ReadFile(filepath.Join("/proc", entry.Name(), "cmdline"))
		if path, _, _ := strings.Cut(string(command), "\x00"); err == nil && filepath.Base(path) == program {
			found = append(found, pid)
		}
	}
	return found, nil
}

// Filter puts chains, as nft writes them, into the machine's packet filter, in place of those of an
// earlier call; "" removes them.
func (c *Cluster) Filter(ctx context.Context, chains string) error {
	if c.current != nil {
		return errNotLocal
	}
	rules := "table " + faultTable + "\ndelete table " + faultTable + "\n"
	if chains != "" {
		rules += "table " + faultTable + " {\n" + chains + "\n}\n"
	}
	_, err := system(ctx, rules, "nft", "-f", "-")
	return err
}

// SmallDisk gives a node that Kill has ended an empty file system in memory, of this size, such as 300m, for the files of its
// pods. restore takes it away, when the node has been killed again.
func (c *Cluster) SmallDisk(ctx context.Context, name, size string) (restore func() error, err error) {
	if c.current != nil {
		return nil, errNotLocal
	}
	for _, n := range c.layout.shape().nodes() {
		if n.name() != name {
			continue
		}
		at := n.layout(c.layout).data("kubelet")
		if _, err := system(ctx, "", "mount", "-t", "tmpfs", "-o", "size="+size, "tmpfs", at); err != nil {
			return nil, err
		}
		return func() error {
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			_, err := system(ctx, "", "umount", "--lazy", at)
			return err
		}, nil
	}
	return nil, fmt.Errorf("there is no node %s", name)
}

// Mount gives the first node a file system of its own at a new folder, in memory, which is full at this
// size, such as 64m. Pods reach it as a hostPath, this machine at the path that is returned. unmount
// takes it away.
func (c *Cluster) Mount(ctx context.Context, folder, size string) (seen string, unmount func() error, err error) {
	r, err := c.program(node(1).name())
	if err != nil {
		return "", nil, err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", nil, fmt.Errorf("mount: %w", err)
	}
	inside := []string{"--target", strconv.Itoa(r.PID), "--mount", "--pid"}
	_, err = system(ctx, "", "nsenter", append(inside, "mount", "-t", "tmpfs", "-o", "mode=0777,size="+size, "tmpfs", folder)...)
	if err != nil {
		return "", nil, err
	}
	return filepath.Join("/proc", strconv.Itoa(r.PID), "root", folder), func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_, err := system(ctx, "", "nsenter", append(inside, "umount", "--lazy", folder)...)
		return err
	}, nil
}
