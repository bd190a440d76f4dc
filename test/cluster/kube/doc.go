// Package kube runs a real Kubernetes on this machine: Up a cluster of one node or several on which pods run,
// StartAPIServer an API server alone.
//
// # Shape
//
// The node's address is on the loopback interface, pods sit on a bridge, and nothing that a pod
// sends leaves the machine. containerd and the kubelet live in a PID and mount namespace of their
// own, whose first process is this package's Node: when that one process is killed, every
// container, shim and mount goes with it. Services are reachable from the machine, and the machine's
// 127.0.0.1 from webhooks.
//
// # Several nodes
//
// The first node is the machine. Each further one has its own network and UTS namespace too, with a kube-proxy in it,
// and its pods below a cgroup of its own; a pair of virtual interfaces joins it to the machine, which routes. A second
// API server has a network namespace, by which faults tell the two apart. Programs and the disk are shared, image
// stores are not: containerd locks its own. What is sent to a node that is down is lost, not refused.
//
// # Decisions
//
// No system path is changed: the standard paths of the kubelet are bind mounts inside the namespace.
// Programs are stopped by their recorded process id and start time, never by name.
// A cluster of which any part is missing is taken down and started new, with an empty etcd: healing
// in place would have as many ways to go wrong as there are parts.
// CLUSTER=current, the harness's only environment variable, takes the cluster of the current
// kubeconfig instead, so that every test also runs against kind, minikube or a cloud. How our image gets there is known from
// the context's name, or added to the variable; a context that does not look like one for tests is refused by the demo.
// etcd, the scheduler, the controller manager and kube-proxy serve their metrics at the node's address,
// as clusters do whose Prometheus is to see them; everything else of theirs stays on 127.0.0.1.
// NetworkPolicy is not enforced, and LoadBalancer Services stay pending.
package kube
