package kube

import (
	"fmt"
	"path/filepath"
	"strconv"
)

// maxNodes bounds Options.Nodes: the addresses are single digits, and the machine is one.
const maxNodes = 9

// node is one of the cluster's nodes, counted from 1. The first is this machine's own network; each
// further one is a network namespace that a pair of virtual interfaces joins to it.
type node int

// nodes are the cluster's, the first one first.
func (s shape) nodes() []node {
	all := make([]node, s.Nodes)
	for i := range all {
		all[i] = node(i + 1)
	}
	return all
}

func (n node) name() string     { return fmt.Sprintf("node%d", n) }
func (n node) address() string  { return fmt.Sprintf("10.240.0.%d", n) }
func (n node) podRange() string { return fmt.Sprintf("10.244.%d.0/24", n-1) }

// parseNode reads the number of a node.
func parseNode(number string) (node, error) {
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || n > maxNodes {
		return 0, fmt.Errorf("node %q: want a number from 1 to %d", number, maxNodes)
	}
	return node(n), nil
}

// further says whether the node has a network namespace of its own.
func (n node) further() bool { return n > 1 }

// cable is that of a further node.
func (n node) cable() cable {
	return cable{link: fmt.Sprintf("%sn%d", linkPrefix, n), address: n.address(), pods: n.podRange()}
}

// cgroup is where the pods of a further node have their cgroups; "" is the root.
func (n node) cgroup() string {
	if n.further() {
		return "outrider-" + n.name()
	}
	return ""
}

// layout is where the node keeps its files: a further one in a folder of the cluster's.
func (n node) layout(cluster layout) layout {
	if n.further() {
		return layout{dir: filepath.Join(cluster.dir, n.name())}
	}
	return cluster
}

// process is the node's first process. Its further ones end with it.
func (n node) process(l layout, binaries map[string]string) process {
	p := process{
		name: n.name(), path: l.harness(),
		args: []string{NodeCommand, l.dir, strconv.Itoa(int(n)), binaries["containerd"], binaries["kubelet"], binaries["kube-proxy"]},
		attr: nodeAttr(n.further()),
	}
	if n.further() {
		p.joined = n.cable().join
	}
	return p
}
