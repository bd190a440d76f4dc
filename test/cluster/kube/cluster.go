package kube

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/outrider-dev/outrider/test/cluster/cache"
	"github.com/outrider-dev/outrider/test/cluster/progress"
)

// Options configure Up.
type Options struct {
	// Current takes the cluster of the current kubeconfig's context and starts none. Default: whether
	// the environment says CLUSTER=current.
	Current bool
	// Progress gets a line for each step that takes over two seconds. Default: the standard error.
	Progress io.Writer
}

// Cluster is a running cluster.
type Cluster struct {
	// Kubeconfig is the path of a kubeconfig whose user may do everything.
	Kubeconfig string

	config  *rest.Config
	current bool
	layout  layout
}

// Up returns the cluster and starts it where it does not run, or not wholly: one of which a part
// is missing or older than this checkout's versions is taken down and started anew. The images of
// image.Base are in it, CoreDNS answers, and bare pods can be created.
func Up(ctx context.Context, o Options) (*Cluster, error) {
	if o.Progress != nil {
		ctx = progress.To(ctx, o.Progress)
	}
	if o.Current || os.Getenv("CLUSTER") == "current" {
		return current()
	}
	if err := checkMachine(); err != nil {
		return nil, err
	}
	l, err := newLayout()
	if err != nil {
		return nil, err
	}
	unlock, err := cache.Lock(ctx, "cluster")
	if err != nil {
		return nil, err
	}
	defer unlock()
	parts, err := l.prepare(ctx)
	if err != nil {
		return nil, err
	}
	if l.upToDate(ctx, parts) != nil {
		if err := l.restart(ctx, parts); err != nil {
			return nil, err
		}
	}
	c, err := l.cluster()
	if err != nil {
		return nil, err
	}
	return c, l.importAll(ctx, parts.binaries["ctr"], parts.archives)
}

// Down stops the cluster and puts the machine back as it was. Images and binaries stay in the
// cache; what was in the cluster is lost.
func Down(ctx context.Context) error { return down(ctx, false) }

// Wipe is Down, and removes the image store too.
func Wipe(ctx context.Context) error { return down(ctx, true) }

func down(ctx context.Context, wipe bool) error {
	if err := checkMachine(); err != nil {
		return err
	}
	l, err := newLayout()
	if err != nil {
		return err
	}
	unlock, err := cache.Lock(ctx, "cluster")
	if err != nil {
		return err
	}
	defer unlock()
	if err := l.tearDown(ctx); err != nil || !wipe {
		return err
	}
	if err := os.RemoveAll(l.dir); err != nil {
		return fmt.Errorf("remove the cluster's data: %w", err)
	}
	return nil
}

// RESTConfig returns the configuration of a client that may do everything.
func (c *Cluster) RESTConfig() *rest.Config { return rest.CopyConfig(c.config) }

// ControlPlane returns the address at which etcd, the scheduler, the controller manager and kube-proxy
// run as processes, with metrics at kubeadm's ports; "" for the current kubeconfig's cluster, where
// they are pods or cannot be seen.
func (c *Cluster) ControlPlane() string {
	if c.current {
		return ""
	}
	return metricsAddress
}

// current is the cluster that kubectl would talk to.
func current() (*Cluster, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, nil).ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("load the current kubeconfig: %w", err)
	}
	config.QPS = -1
	return &Cluster{Kubeconfig: rules.GetDefaultFilename(), config: config, current: true}, nil
}

// cluster is the local one.
func (l layout) cluster() (*Cluster, error) {
	config, err := loadConfig(l.kubeconfig())
	if err != nil {
		return nil, err
	}
	config.Proxy = func(*http.Request) (*url.URL, error) { return nil, nil } // its addresses are this machine's
	return &Cluster{Kubeconfig: l.kubeconfig(), config: config, layout: l}, nil
}

func (l layout) client() (*kubernetes.Clientset, error) {
	c, err := l.cluster()
	if err != nil {
		return nil, err
	}
	client, err := kubernetes.NewForConfig(c.config)
	if err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}
	return client, nil
}

// upToDate returns why the cluster must be started anew, or nil.
func (l layout) upToDate(ctx context.Context, p *parts) error {
	for _, want := range l.processes(p.binaries) {
		r, alive := l.running(want.name)
		switch {
		case !alive:
			return fmt.Errorf("%s does not run", want.name)
		case !r.sameCommand(want):
			return fmt.Errorf("%s runs with other flags or another version", want.name)
		}
	}
	var configuration string
	if err := l.load("configuration", &configuration); err != nil || configuration != p.configuration {
		return fmt.Errorf("the configuration has changed")
	}
	client, err := l.client()
	if err != nil {
		return err
	}
	if err := ready(ctx, client); err != nil {
		return err
	}
	return nodeReady(ctx, client)
}

// nodeReady returns why the node takes no pods, or nil. That it still is there shows in its lease,
// which a new node lacks for its first ten seconds.
func nodeReady(ctx context.Context, client kubernetes.Interface) error {
	node, err := client.CoreV1().Nodes().Get(ctx, nodeName, getOptions)
	if err != nil {
		return err
	}
	isReady := func(c corev1.NodeCondition) bool {
		return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
	}
	if !slices.ContainsFunc(node.Status.Conditions, isReady) {
		return fmt.Errorf("node %s is not ready", nodeName)
	}
	heard := node.CreationTimestamp.Time
	lease, err := client.CoordinationV1().Leases(corev1.NamespaceNodeLease).Get(ctx, nodeName, getOptions)
	if err == nil && lease.Spec.RenewTime != nil {
		heard = lease.Spec.RenewTime.Time
	}
	if time.Since(heard) > time.Minute {
		return fmt.Errorf("node %s has not been heard of for a minute", nodeName)
	}
	return nil
}
