//go:build linux

package network_test

import (
	"fmt"
	"strings"
	"testing"
)

// nodes is how many there are. The first is the network of this process, and routes between the further ones, which are
// networks of their own.
const nodes = 3

// node is a machine that has pods.
type node struct {
	network
	pods string // their range
}

func newNodes(t *testing.T) []node {
	t.Helper()
	first := node{network: network{kind: "node1", node: "node1", address: nodeAddress}, pods: "10.244.0.0/24"}
	first.run(t, "", "ip", "link", "set", "lo", "up")
	first.run(t, "", "ip", "addr", "add", nodeAddress+"/32", "dev", "lo")
	all := []node{first}
	for i := 1; i < nodes; i++ {
		name := fmt.Sprintf("node%d", i+1)
		n := node{network: connect(t, first, name, fmt.Sprintf("10.240.0.%d", i+1)), pods: fmt.Sprintf("10.244.%d.0/24", i)}
		n.node = name
		first.run(t, "", "ip", "route", "add", n.pods, "via", n.address, "src", nodeAddress, "onlink", "dev", link(n.address))
		all = append(all, n)
	}
	for _, n := range all {
		n.run(t, "", "sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward")
	}
	return all
}

// link is a node's end of the wire to an address.
func link(address string) string {
	_, rest, _ := strings.Cut(address, ".")
	return "to-" + strings.ReplaceAll(rest, ".", "-")
}
