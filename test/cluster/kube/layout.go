package kube

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/outrider-dev/outrider/test/cluster/cache"
)

// layout is where the running cluster keeps its files.
type layout struct{ dir string }

func newLayout() (layout, error) {
	dir, err := cache.Dir("cluster")
	return layout{dir: dir}, err
}

func (l layout) pki() pki                  { return pki{dir: filepath.Join(l.dir, "pki")} }
func (l layout) conf(name string) string   { return filepath.Join(l.dir, "conf", name) }
func (l layout) data(name string) string   { return filepath.Join(l.dir, "data", name) }
func (l layout) run(name string) string    { return filepath.Join(l.dir, "run", name) }
func (l layout) record(name string) string { return filepath.Join(l.dir, "state", name) }
func (l layout) log(name string) string    { return filepath.Join(l.dir, "log", name+".log") }
func (l layout) kubeconfig() string        { return filepath.Join(l.dir, "admin.kubeconfig") }

// containerdSocket is containerd's, as this machine sees it; inside the node's namespace it is at
// the standard path.
func (l layout) containerdSocket() string { return l.run("containerd/containerd.sock") }

// make creates every folder.
func (l layout) make() error {
	for _, dir := range []string{"conf/cni", "conf/certs.d/_default", "data", "run", "state", "log"} {
		if err := os.MkdirAll(filepath.Join(l.dir, dir), 0o755); err != nil {
			return fmt.Errorf("make the cluster's folders: %w", err)
		}
	}
	return nil
}

// forget removes what a new cluster must not inherit. The image store stays.
func (l layout) forget() error {
	for n := node(1); n <= maxNodes; n++ {
		own := n.layout(l)
		unmount(own.data("kubelet"))
		for _, dir := range []string{own.data("etcd"), own.data("kubelet"), own.data("podlogs"), own.data("containerlogs"), own.data("cni"), own.run("")} {
			if err := os.RemoveAll(dir); err != nil {
				return fmt.Errorf("remove the old cluster's data: %w", err)
			}
		}
	}
	return nil
}

// mountPoints are the standard paths that the node's namespace covers with folders of the cluster's:
// log collectors and cadvisor look there.
func (l layout) mountPoints() map[string]string {
	return map[string]string{
		"/var/lib/kubelet":    l.data("kubelet"),
		"/var/log/pods":       l.data("podlogs"),
		"/var/log/containers": l.data("containerlogs"),
		"/var/lib/cni":        l.data("cni"),
		"/run/containerd":     l.run("containerd"),
		"/run/nri":            l.run("nri"), // where containerd listens for plugins
	}
}

// netns is where containerd keeps network namespaces: a tmpfs in the node's namespace.
const netns = "/run/netns"
