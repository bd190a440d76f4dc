package kube

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/outrider-dev/outrider/test/child"
	"github.com/outrider-dev/outrider/test/cluster/build"
	"github.com/outrider-dev/outrider/test/cluster/cache"
	"github.com/outrider-dev/outrider/test/cluster/image"
	"github.com/outrider-dev/outrider/test/cluster/progress"
)

const (
	// These are the subcommands of the harness by which it runs Node, Kubelet, KubeProxy and FurtherAPIServer
	// in their namespaces.
	NodeCommand      = "node"
	KubeletCommand   = "kubelet"
	KubeProxyCommand = "kube-proxy"
	APIServerCommand = "kube-apiserver"

	apiserverReady = "apiserver-ready" // the file for which the kubelet waits
)

// programs are the components that a cluster runs or its start needs.
var programs = []string{
	"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy", "kubelet",
	"containerd", "containerd-shim-runc-v2", "runc", "ctr", "kubectl",
}

// parts are what a cluster is put together from.
type parts struct {
	shape         shape
	binaries      map[string]string // by component
	archives      []image.Archive
	settings      settings                   // of the first node
	files         map[node]map[string]string // configuration, by its name below conf/
	configuration string                     // hash of the rendered configuration
}

// prepare builds what the cache lacks. The running cluster is not touched.
func (l layout) prepare(ctx context.Context, s shape) (*parts, error) {
	if err := installPackages(ctx); err != nil {
		return nil, err
	}
	p := &parts{shape: s}
	var err error
	images := image.Base()
	if p.binaries, err = build.All(ctx, append(image.Components(images...), programs...)...); err != nil {
		return nil, err
	}
	if p.archives, err = archives(ctx, images...); err != nil {
		return nil, err
	}
	coredns, err := image.Find("coredns")
	if err != nil {
		return nil, err
	}
	name, err := coredns.Name(ctx)
	if err != nil {
		return nil, err
	}
	return p, p.render(l, name)
}

// render fills in the configuration.
func (p *parts) render(l layout, corednsImage string) error {
	p.settings = l.settings(p.shape, 1, p.binaries["runc"], corednsImage)
	p.files = map[node]map[string]string{}
	objects, err := render("coredns.yaml", p.settings)
	if err != nil {
		return err
	}
	all := []string{string(objects)}
	for _, n := range p.shape.nodes() {
		if p.files[n], err = rendered(l.settings(p.shape, n, p.binaries["runc"], corednsImage)); err != nil {
			return err
		}
		for _, at := range keys(p.files[n]) {
			all = append(all, p.files[n][at])
		}
	}
	p.configuration = cache.Key(all...)
	return nil
}

// processes are the programs of the cluster in the order of their start: those that need no API server
// first, of which base is the number.
func (l layout) processes(s shape, binaries map[string]string) (all []process, base int) {
	env := []string{"PATH=" + filepath.Dir(binaries["containerd-shim-runc-v2"]) + ":" + systemPath}
	all = []process{
		{name: "etcd", args: clusterEtcdArgs(l.data("etcd"), s)},
	}
	for _, a := range s.apiServers() {
		all = append(all, a.process(l, binaries["kube-apiserver"]))
	}
	for _, n := range s.nodes() {
		all = append(all, n.process(l, binaries))
	}
	base = len(all)
	all = append(all,
		process{name: "kube-controller-manager", args: controllerManagerArgs(l.pki(), l.conf("controller-manager"))},
		process{name: "kube-scheduler", args: controllerArgs(l.conf("scheduler"))},
		process{name: "kube-proxy", args: []string{"--config=" + l.conf("kube-proxy.yaml")}},
	)
	for i := range all {
		all[i].env = env
		if all[i].path == "" {
			all[i].path = binaries[all[i].name]
		}
	}
	return all, base
}

// restart starts a new cluster in place of whatever is there.
func (l layout) restart(ctx context.Context, p *parts) error {
	harness, err := build.Main(ctx, "./test/cluster")
	if err != nil {
		return err
	}
	if err := l.tearDown(ctx); err != nil {
		return err
	}
	defer progress.Start(ctx, "start the cluster")()
	if err := l.lay(ctx, harness, p); err != nil {
		return err
	}
	all, first := l.processes(p.shape, p.binaries)
	base, clients := all[:first], all[first:] // the clients give up where there is no API server
	if err := l.startAll(base); err != nil {
		return err
	}
	imported := make(chan error, 1)
	go func() { imported <- l.importFirst(ctx, p) }()
	api, err := l.client()
	if err != nil {
		return err
	}
	if err := l.waitFor(ctx, base, "the API server to be ready", func(ctx context.Context) error { return l.allReady(ctx, p.shape) }); err != nil {
		return err
	}
	for _, n := range p.shape.nodes() {
		if err := n.release(l); err != nil {
			return err
		}
	}
	if err := l.startAll(clients); err != nil {
		return err
	}
	if err := l.apply(ctx, p.binaries["kubectl"], "coredns.yaml", p.settings); err != nil {
		return err
	}
	if err := <-imported; err != nil {
		return err
	}
	return l.waitFor(ctx, all, "the node and CoreDNS to be ready", func(ctx context.Context) error { return settled(ctx, api, p.shape) })
}

// release lets the node's kubelet and kube-proxy start.
func (n node) release(l layout) error {
	if err := os.WriteFile(n.layout(l).run(apiserverReady), nil, 0o644); err != nil {
		return fmt.Errorf("let the kubelet of %s start: %w", n.name(), err)
	}
	return nil
}

// lay prepares the machine and writes every file that the programs read.
func (l layout) lay(ctx context.Context, harness string, p *parts) error {
	if err := l.forget(); err != nil {
		return err
	}
	if err := l.make(); err != nil {
		return err
	}
	for _, step := range []func() error{
		func() error { return l.installHarness(harness) },
		func() error { return l.configure(p) },
		func() error { return l.certify(p.shape) },
		func() error { return l.save("configuration", p.configuration) },
		func() error { return l.save("shape", p.shape) },
		l.setSysctls,
		l.makeMountPoints,
		func() error { return makeCgroups(p.shape) },
		func() error { return l.connect(ctx, p.shape) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (l layout) harness() string { return filepath.Join(l.dir, "harness") }

// installHarness puts the harness's own binary where the node's processes find it: the caller is
// perhaps a test, or a binary of `go run` that will be deleted.
func (l layout) installHarness(built string) error {
	in, err := os.Open(built)
	if err != nil {
		return fmt.Errorf("install the harness: %w", err)
	}
	defer in.Close()
	out, err := os.OpenFile(l.harness()+".tmp", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o755)
	if err != nil {
		return fmt.Errorf("install the harness: %w", err)
	}
	_, err = io.Copy(out, in)
	if err := errors.Join(err, out.Close()); err != nil {
		return fmt.Errorf("install the harness: %w", err)
	}
	if err := os.Rename(l.harness()+".tmp", l.harness()); err != nil {
		return fmt.Errorf("install the harness: %w", err)
	}
	return nil
}

func (l layout) startAll(processes []process) error {
	for _, p := range processes {
		if err := l.start(p); err != nil {
			return err
		}
	}
	return nil
}

// waitFor polls try for up to two minutes, or until one of the processes ends.
func (l layout) waitFor(ctx context.Context, processes []process, what string, try func(context.Context) error) error {
	return poll(ctx, 2*time.Minute, what, func(ctx context.Context) error {
		for _, p := range processes {
			if _, alive := l.running(p.name); !alive {
				return permanent{fmt.Errorf("%s ended; see %s\n%s", p.name, l.log(p.name), child.Tail(l.log(p.name)))}
			}
		}
		return try(ctx)
	})
}

// settled returns why a test could not use the cluster yet, or nil.
func settled(ctx context.Context, api kubernetes.Interface, s shape) error {
	if err := nodesReady(ctx, api, s); err != nil {
		return err
	}
	if _, err := api.CoreV1().ServiceAccounts(corev1.NamespaceDefault).Get(ctx, "default", getOptions); err != nil {
		return err
	}
	dns, err := api.AppsV1().Deployments("kube-system").Get(ctx, "coredns", getOptions)
	if err != nil {
		return err
	}
	if have, want := dns.Status.AvailableReplicas, int32(min(s.Nodes, 2)); have < want {
		return fmt.Errorf("%d of %d CoreDNS pods are available", have, want)
	}
	return nil
}

// apply creates the objects of a configuration file. An API server that only just became ready
// may refuse some at first.
func (l layout) apply(ctx context.Context, kubectl, file string, s settings) error {
	data, err := render(file, s)
	if err != nil {
		return err
	}
	return poll(ctx, 30*time.Second, file+" to be applied", func(ctx context.Context) error {
		_, err := system(ctx, string(data), kubectl, "--kubeconfig", l.kubeconfig(), "apply", "--filename", "-")
		return err
	})
}

// tearDown stops every process and takes back what was changed on the machine. It does so too
// where a killed run left only half of it.
func (l layout) tearDown(ctx context.Context) error {
	defer progress.Start(ctx, "stop the cluster")()
	var errs error
	for _, name := range l.recorded() {
		errs = errors.Join(errs, l.stop(name, syscall.SIGKILL))
	}
	if errs != nil {
		return errs
	}
	return errors.Join(l.disconnect(ctx), l.restoreSysctls(), removeCgroups(ctx), l.removeMountPoints(), l.removeRun())
}

// removeRun removes what the programs of every node left of their run.
func (l layout) removeRun() (err error) {
	for n := node(1); n <= maxNodes; n++ {
		err = errors.Join(err, os.RemoveAll(n.layout(l).run("")))
	}
	return err
}
