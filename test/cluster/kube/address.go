package kube

// Every address of the cluster lives on this machine: the node's is put on the loopback interface,
// which makes it one that pods reach too (their own 127.0.0.1 is another), and pods sit on a bridge.
const (
	nodeAddress      = "10.240.0.1"    // of the first node
	nodeRange        = "10.240.0.0/24" // of all nodes
	podRange         = "10.244.0.0/16" // of all pods
	serviceRange     = "10.96.0.0/16"
	dnsAddress       = "10.96.0.10"
	apiserverService = "10.96.0.1" // of the Service kubernetes
	bridge           = "outrider0"
	linkPrefix       = "outrider-"         // of the machine's interfaces to further nodes
	void             = linkPrefix + "void" // where packets for nodes that are down are lost

	apiserverPort = 6443
	etcdPort      = 2379
	etcdPortText  = "2379"
	etcdPeerPort  = 2380
	etcdMetrics   = 2381 // where kubeadm has them

	// metricsAddress is where etcd, the scheduler, the controller manager and kube-proxy serve metrics.
	// It is the node's: a Prometheus in a pod must reach them.
	metricsAddress = nodeAddress
)
