package kube

import (
	"context"
	"fmt"
	"strings"

	"k8s.io/client-go/kubernetes"
)

// maxAPIServers bounds Options.APIServers.
const maxAPIServers = 2

// apiServer is one of a cluster's kube-apiservers on its one etcd, counted from 1. The first runs at the first
// node's address; each further one has a network namespace, and so an address, of its own, by which faults tell
// them apart.
type apiServer int

func (s shape) apiServers() []apiServer {
	all := make([]apiServer, s.APIServers)
	for i := range all {
		all[i] = apiServer(i + 1)
	}
	return all
}

// apiServer is the one that the node's kubelet and kube-proxy use.
func (s shape) apiServer(n node) apiServer { return apiServer((int(n)-1)%s.APIServers + 1) }

func (a apiServer) further() bool { return a > 1 }

// name is that of its process.
func (a apiServer) name() string {
	if a.further() {
		return fmt.Sprintf("kube-apiserver-%d", a)
	}
	return "kube-apiserver"
}

func (a apiServer) address() string {
	if a.further() {
		return fmt.Sprintf("10.240.0.1%d", a)
	}
	return nodeAddress
}

// url is where it listens.
func (a apiServer) url() string { return fmt.Sprintf("https://%s:%d", a.address(), apiserverPort) }

// cable is that of a further one.
func (a apiServer) cable() cable {
	return cable{link: fmt.Sprintf("%sa%d", linkPrefix, a), address: a.address()}
}

// process is the API server, which a further one becomes once it has its network.
func (a apiServer) process(l layout, binary string) process {
	args := clusterAPIServerArgs(l.pki(), a.address())
	if !a.further() {
		return process{name: a.name(), path: binary, args: args}
	}
	return process{
		name: a.name(), path: l.harness(), args: append([]string{APIServerCommand, a.address(), binary}, args...),
		attr: networkAttr(), joined: a.cable().join,
	}
}

// FurtherAPIServer is called in a network namespace: it waits for its cable, and becomes a program with args.
func FurtherAPIServer(address, path string, args ...string) error {
	if err := (cable{address: address}).plug(context.Background()); err != nil {
		return err
	}
	return become(path, args...)
}

// hosts are the names and addresses at which the API servers are called.
func (s shape) hosts() []string {
	hosts := strings.Fields("127.0.0.1 localhost kubernetes kubernetes.default kubernetes.default.svc kubernetes.default.svc.cluster.local " + apiserverService)
	for _, a := range s.apiServers() {
		hosts = append(hosts, a.address())
	}
	return hosts
}

// allReady returns why an API server is not ready, or nil.
func (l layout) allReady(ctx context.Context, s shape) error {
	c, err := l.cluster()
	if err != nil {
		return err
	}
	for _, a := range s.apiServers() {
		config := c.RESTConfig()
		config.Host = a.url()
		client, err := kubernetes.NewForConfig(config)
		if err != nil {
			return fmt.Errorf("make a client: %w", err)
		}
		if err := ready(ctx, client); err != nil {
			return fmt.Errorf("%s: %w", a.name(), err)
		}
	}
	return nil
}
