package kube

import "fmt"

// etcdArgs starts an etcd that forgets durability for speed and speaks plain HTTP on loopback.
func etcdArgs(dataDir string, clientPort, peerPort int) []string {
	client := fmt.Sprintf("http://127.0.0.1:%d", clientPort)
	peer := fmt.Sprintf("http://127.0.0.1:%d", peerPort)
	return []string{
		"--name=etcd", "--data-dir=" + dataDir, "--unsafe-no-fsync", "--log-level=warn",
		"--listen-client-urls=" + client, "--advertise-client-urls=" + client,
		"--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer, "--initial-cluster=etcd=" + peer,
	}
}

// clusterEtcdArgs starts a cluster's etcd, whose metrics pods can reach, and which API servers with an address of
// their own can.
func clusterEtcdArgs(dataDir string, s shape) []string {
	args := append(etcdArgs(dataDir, etcdPort, etcdPeerPort), fmt.Sprintf("--listen-metrics-urls=http://%s:%d", metricsAddress, etcdMetrics))
	if s.APIServers > 1 {
		args = append(args, fmt.Sprintf("--listen-client-urls=http://127.0.0.1:%d,http://%s:%d", etcdPort, nodeAddress, etcdPort))
	}
	return args
}

// apiserverArgs are the flags that every API server of the harness has.
func apiserverArgs(p pki, address string, port int, etcd string, etcdPort int) []string {
	return []string{
		"--bind-address=" + address, "--advertise-address=" + address, fmt.Sprintf("--secure-port=%d", port),
		fmt.Sprintf("--etcd-servers=http://%s:%d", etcd, etcdPort),
		"--allow-privileged=true",
		"--client-ca-file=" + p.file("ca.crt"),
		"--tls-cert-file=" + p.file("apiserver.crt"), "--tls-private-key-file=" + p.file("apiserver.key"),
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-account-key-file=" + p.file("sa.crt"), "--service-account-signing-key-file=" + p.file("sa.key"),
		"--service-cluster-ip-range=" + serviceRange,
	}
}

// clusterAPIServerArgs are the flags by which an API server serves a whole cluster: nodes,
// aggregated APIs and the kubelet's logs and exec.
func clusterAPIServerArgs(p pki, address string) []string {
	etcd := "127.0.0.1"
	if address != nodeAddress {
		etcd = nodeAddress
	}
	return append(apiserverArgs(p, address, apiserverPort, etcd, etcdPort),
		"--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction",
		"--service-node-port-range=30000-32767",
		"--kubelet-client-certificate="+p.file("kubelet-client.crt"), "--kubelet-client-key="+p.file("kubelet-client.key"),
		"--kubelet-preferred-address-types=InternalIP",
		"--requestheader-client-ca-file="+p.file("front-proxy-ca.crt"), "--requestheader-allowed-names=front-proxy-client",
		"--requestheader-username-headers=X-Remote-User", "--requestheader-group-headers=X-Remote-Group",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--proxy-client-cert-file="+p.file("front-proxy-client.crt"), "--proxy-client-key-file="+p.file("front-proxy-client.key"),
		"--enable-aggregator-routing=true",
	)
}

// bareAPIServerArgs are the flags by which an API server serves a cluster without nodes: bare pods
// need no service account, since no controller would make one.
func bareAPIServerArgs(p pki, port, etcdPort int) []string {
	return append(apiserverArgs(p, "127.0.0.1", port, "127.0.0.1", etcdPort),
		"--authorization-mode=RBAC", "--disable-admission-plugins=ServiceAccount", "--endpoint-reconciler-type=none")
}

// controllerManagerArgs lift the limit of requests: below it the controllers would take four
// seconds to make their service accounts.
func controllerManagerArgs(p pki, kubeconfig string) []string {
	return append(controllerArgs(kubeconfig),
		"--use-service-account-credentials=true", "--service-account-private-key-file="+p.file("sa.key"),
		"--root-ca-file="+p.file("ca.crt"), "--client-ca-file="+p.file("ca.crt"),
		"--requestheader-client-ca-file="+p.file("front-proxy-ca.crt"),
		"--cluster-signing-cert-file="+p.file("ca.crt"), "--cluster-signing-key-file="+p.file("ca.key"),
		"--service-cluster-ip-range="+serviceRange, "--kube-api-qps=500", "--kube-api-burst=1000",
	)
}

// controllerArgs are the flags that the scheduler and the controller manager share.
func controllerArgs(kubeconfig string) []string {
	return []string{
		"--kubeconfig=" + kubeconfig, "--authentication-kubeconfig=" + kubeconfig, "--authorization-kubeconfig=" + kubeconfig,
		"--bind-address=" + metricsAddress, "--leader-elect=false",
	}
}
