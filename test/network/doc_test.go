// Package network_test tries the chart's NetworkPolicies, and the one of its page, by real connections: who reaches which
// port of the release's pods, and of an application's, on the same node and from one node to another.
//
// # Decision: namespaces, not kubelets
//
// A pod is a network namespace that listens on the ports of the rendered pod, and a Pod of an API server alone, which
// sigs.k8s.io/kube-network-policies watches. A node is a network namespace, too, with its own packet filter and its own copy
// of that program, and routes to the others. The packets pass the kernel's filters as they do between machines, and all of
// it happens in a network of its own, so the test needs no cluster and leaves nothing behind.
//
// # Decision: iptables queues the packets
//
// That program's own rules use nftables' queue, which a kernel need not have; it logs that it cannot write them. The rules
// of the test say the same in iptables' words. The program decides about each packet as it does elsewhere.
package network_test
