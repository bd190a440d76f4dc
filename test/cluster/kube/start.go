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
	// NodeCommand and KubeletCommand are the subcommands of the harness by which it runs Node and
	// Kubelet in their namespaces.
	NodeCommand    = "node"
	KubeletCommand = "kubelet"

	apiserverReady = "apiserver-ready" // the file for which the kubelet waits
)

// programs are the components that a cluster runs or its start needs.
var programs = []string{
	"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy", "kubelet",
	"containerd", "containerd-shim-runc-v2", "runc", "ctr", "kubectl",
}

// parts are what a cluster is put together from.
type parts struct {
	binaries      map[string]string // by component
	archives      []image.Archive
	settings      settings
	configuration string // hash of the rendered configuration
}

// prepare builds what the cache lacks. The running cluster is not touched.
func (l layout) prepare(ctx context.Context) (*parts, error) {
	if err := installPackages(ctx); err != nil {
		return nil, err
	}
	p := &parts{}
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
	p.settings = l.settings(p.binaries["runc"], name)
	var rendered []string
	for _, file := range append(keys(configFiles), "coredns.yaml") {
		data, err := render(file, p.settings)
		if err != nil {
			return nil, err
		}
		rendered = append(rendered, string(data))
	}
	p.configuration = cache.Key(rendered...)
	return p, nil
}

// processes are the programs of the cluster in the order of their start.
func (l layout) processes(binaries map[string]string) []process {
	env := []string{"PATH=" + filepath.Dir(binaries["containerd-shim-runc-v2"]) + ":" + systemPath}
	all := []process{
		{name: "etcd", args: clusterEtcdArgs(l.data("etcd"))},
		{name: "kube-apiserver", args: clusterAPIServerArgs(l.pki())},
		{name: "node", path: l.harness(), args: []string{NodeCommand, l.dir, binaries["containerd"], binaries["kubelet"]}, attr: nodeAttr()},
		{name: "kube-controller-manager", args: controllerManagerArgs(l.pki(), l.conf("controller-manager"))},
		{name: "kube-scheduler", args: controllerArgs(l.conf("scheduler"))},
		{name: "kube-proxy", args: []string{"--config=" + l.conf("kube-proxy.yaml")}},
	}
	for i := range all {
		all[i].env = env
		if all[i].path == "" {
			all[i].path = binaries[all[i].name]
		}
	}
	return all
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
	all := l.processes(p.binaries)
	base, clients := all[:3], all[3:] // the clients give up where there is no API server
	if err := l.startAll(base); err != nil {
		return err
	}
	imported := make(chan error, 1)
	go func() { imported <- l.importFirst(ctx, p) }()
	api, err := l.client()
	if err != nil {
		return err
	}
	if err := l.waitFor(ctx, base, "the API server to be ready", func(ctx context.Context) error { return ready(ctx, api) }); err != nil {
		return err
	}
	if err := os.WriteFile(l.run(apiserverReady), nil, 0o644); err != nil {
		return fmt.Errorf("let the kubelet start: %w", err)
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
	return l.waitFor(ctx, all, "the node and CoreDNS to be ready", func(ctx context.Context) error { return settled(ctx, api) })
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
		l.certify,
		func() error { return l.configure(p.settings) },
		func() error { return l.save("configuration", p.configuration) },
		l.setSysctls,
		l.makeMountPoints,
		func() error { return l.connect(ctx) },
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
func settled(ctx context.Context, api kubernetes.Interface) error {
	if err := nodeReady(ctx, api); err != nil {
		return err
	}
	if _, err := api.CoreV1().ServiceAccounts(corev1.NamespaceDefault).Get(ctx, "default", getOptions); err != nil {
		return err
	}
	dns, err := api.AppsV1().Deployments("kube-system").Get(ctx, "coredns", getOptions)
	if err != nil {
		return err
	}
	if dns.Status.AvailableReplicas < 1 {
		return errors.New("no CoreDNS pod is available")
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
	for _, name := range []string{"node", "kube-proxy", "kube-scheduler", "kube-controller-manager", "kube-apiserver", "etcd"} {
		errs = errors.Join(errs, l.stop(name, syscall.SIGKILL))
	}
	if errs != nil {
		return errs
	}
	return errors.Join(l.disconnect(ctx), l.restoreSysctls(), removeCgroups(ctx), l.removeMountPoints(), os.RemoveAll(l.run("")))
}
