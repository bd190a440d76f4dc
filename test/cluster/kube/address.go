package kube

import "fmt"

// Every address of the cluster lives on this machine: the node's is put on the loopback interface,
// which makes it one that pods reach too (their own 127.0.0.1 is another), and pods sit on a bridge.
const (
	nodeName         = "node1"
	nodeAddress      = "10.240.0.1"
	podRange         = "10.244.0.0/16" // of all nodes
	nodePodRange     = "10.244.0.0/24" // of this one
	serviceRange     = "10.96.0.0/16"
	dnsAddress       = "10.96.0.10"
	apiserverService = "10.96.0.1" // of the Service kubernetes
	bridge           = "outrider0"

	apiserverPort = 6443
	etcdPort      = 2379
	etcdPeerPort  = 2380
	etcdMetrics   = 2381 // where kubeadm has them

	// metricsAddress is where etcd, the scheduler, the controller manager and kube-proxy serve metrics.
	// It is the node's: a Prometheus in a pod must reach them.
	metricsAddress = nodeAddress
)

// serverURL is where the local cluster's API server listens.
func serverURL() string { return fmt.Sprintf("https://%s:%d", nodeAddress, apiserverPort) }
