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
	// the environment says CLUSTER=current; see Environment.
	Current bool
	// Nodes is how many nodes a local cluster has, at most 9. A running one with another number is started
	// anew. Default: 1.
	Nodes int
	// APIServers is how many kube-apiservers a local cluster has on its one etcd, 1 or 2. The second has an
	// address of its own, and the kubelets of even nodes use it. A running one with another number is
	// started anew. Default: 1.
	APIServers int
	// Progress gets a line for each step that takes over two seconds. Default: the standard error.
	Progress io.Writer
}

// shape is what may differ between two local clusters.
type shape struct {
	Nodes, APIServers int
}

// Running are the options of the local cluster that was started last, so that Up leaves it alone.
func Running() Options {
	l, err := newLayout()
	if err != nil {
		return Options{} // Up reports it
	}
	s := l.shape()
	return Options{Nodes: s.Nodes, APIServers: s.APIServers}
}

// shape fills in defaults.
func (o Options) shape() (shape, error) {
	s := shape{Nodes: max(o.Nodes, 1), APIServers: max(o.APIServers, 1)}
	if s.Nodes > maxNodes || s.APIServers > maxAPIServers {
		return s, fmt.Errorf("cluster: %d nodes and %d API servers were requested; at most %d and %d can be had on one machine", s.Nodes, s.APIServers, maxNodes, maxAPIServers)
	}
	return s, nil
}

// shape is that of the cluster that was started last.
func (l layout) shape() shape {
	s := shape{Nodes: 1, APIServers: 1}
	_ = l.load("shape", &s) // one of an older checkout has no record, and one node
	return s
}

// Cluster is a running cluster.
type Cluster struct {
	// Kubeconfig is the path of a kubeconfig whose user may do everything.
	Kubeconfig string

	config  *rest.Config
	current *Current // nil for the local cluster
	layout  layout
}

// Up returns the cluster and starts it where it does not run, or not wholly: one of which a part
// is missing or older than this checkout's versions is taken down and started anew. The images of
// image.Base are in it, CoreDNS answers, and bare pods can be created.
func Up(ctx context.Context, o Options) (*Cluster, error) {
	if o.Progress != nil {
		ctx = progress.To(ctx, o.Progress)
	}
	if o.Current || UsesCurrent() {
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
	shape, err := o.shape()
	if err != nil {
		return nil, err
	}
	parts, err := l.prepare(ctx, shape)
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
	return c, l.importEverywhere(ctx, parts.binaries["ctr"], parts.archives)
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

// RESTConfigs are RESTConfig for each of the API servers.
func (c *Cluster) RESTConfigs() []*rest.Config {
	if c.current != nil {
		return []*rest.Config{c.RESTConfig()}
	}
	var all []*rest.Config
	for _, a := range c.layout.shape().apiServers() {
		config := c.RESTConfig()
		config.Host = a.url()
		all = append(all, config)
	}
	return all
}

// Nodes are the names of a local cluster's nodes, of which the first is this machine; nil for the current
// kubeconfig's.
func (c *Cluster) Nodes() (names []string) {
	if c.current != nil {
		return nil
	}
	for _, n := range c.layout.shape().nodes() {
		names = append(names, n.name())
	}
	return names
}

// ControlPlane returns the address at which etcd, the scheduler and the controller manager
// run as processes, with metrics at kubeadm's ports; "" for the current kubeconfig's cluster, where
// they are pods or cannot be seen.
func (c *Cluster) ControlPlane() string {
	if c.current != nil {
		return ""
	}
	return metricsAddress
}

// current is the cluster that kubectl would talk to.
func current() (*Cluster, error) {
	which, err := FindCurrent()
	if err != nil {
		return nil, err
	}
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, nil).ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("load the current kubeconfig: %w", err)
	}
	config.QPS = -1
	return &Cluster{Kubeconfig: rules.GetDefaultFilename(), config: config, current: &which}, nil
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
	if have := l.shape(); have != p.shape {
		return fmt.Errorf("it has %+v, not %+v", have, p.shape)
	}
	all, _ := l.processes(p.shape, p.binaries)
	for _, want := range all {
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
	if err := l.allReady(ctx, p.shape); err != nil {
		return err
	}
	return nodesReady(ctx, client, p.shape)
}

// nodesReady returns why a node takes no pods, or nil.
func nodesReady(ctx context.Context, client kubernetes.Interface, s shape) error {
	for _, n := range s.nodes() {
		if err := nodeReady(ctx, client, n.name(), time.Now().Add(-time.Minute)); err != nil {
			return err
		}
	}
	return nil
}

// nodeReady returns why the node takes no pods, or nil. That it was there since some time shows in its
// lease, which a new node lacks for its first ten seconds.
func nodeReady(ctx context.Context, client kubernetes.Interface, nodeName string, since time.Time) error {
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
	if heard.Before(since) {
		return fmt.Errorf("node %s was last heard of at %s", nodeName, heard.Format(time.TimeOnly))
	}
	return nil
}
