package nodes_test

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/outrider-dev/outrider/test/cluster/kube"
	"github.com/outrider-dev/outrider/test/manifest"
)

// patience is how long anything may take on a slow machine.
const patience = 4 * time.Minute

// shape is the cluster of these tests.
var shape = kube.Options{Nodes: 3, APIServers: 2}

// TestNodes starts the cluster on a machine without one, looks at it, and stops it.
func TestNodes(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: this test needs a cluster")
	}
	if err := kube.Available(); err != nil {
		t.Skip(err)
	}
	if err := kube.Down(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := look(t)
	cluster := up(t)
	if cluster.ControlPlane() == "" {
		t.Skip("these tests are about the local cluster")
	}
	t.Cleanup(func() {
		if err := kube.Down(background()); err != nil {
			t.Error(err)
		}
		putBack(t, before)
	})
	began := time.Now()
	up(t)
	t.Logf("figure: up on a running cluster of %d nodes and %d API servers: %s", shape.Nodes, shape.APIServers, time.Since(began).Round(100*time.Millisecond))
	t.Run("APIServers", func(t *testing.T) { testAPIServers(t, cluster) })
	t.Run("Network", func(t *testing.T) { testNetwork(t, cluster) })
}

func up(t *testing.T) *kube.Cluster {
	t.Helper()
	began := time.Now()
	cluster, err := kube.Up(t.Context(), shape)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("figure: up -nodes %d -apiservers %d: %s", shape.Nodes, shape.APIServers, time.Since(began).Round(100*time.Millisecond))
	return cluster
}

// testAPIServers holds that each API server sees what the other one wrote, and that Services lead to both.
func testAPIServers(t *testing.T, cluster *kube.Cluster) {
	var clients []*kubernetes.Clientset
	var addresses []string
	for _, config := range cluster.RESTConfigs() {
		client, err := kubernetes.NewForConfig(config)
		if err != nil {
			t.Fatal(err)
		}
		clients = append(clients, client)
		addresses = append(addresses, strings.TrimSuffix(strings.TrimPrefix(config.Host, "https://"), ":6443"))
	}
	if len(clients) != shape.APIServers {
		t.Fatalf("there are %d API servers, want %d", len(clients), shape.APIServers)
	}
	points, err := clients[1].DiscoveryV1().EndpointSlices("default").Get(t.Context(), "kubernetes", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var have []string
	for _, p := range points.Endpoints {
		have = append(have, p.Addresses...)
	}
	slices.Sort(have)
	slices.Sort(addresses)
	if !slices.Equal(have, addresses) {
		t.Errorf("the Service kubernetes leads to %v, want %v", have, addresses)
	}
	for i, client := range clients {
		made := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("by-server-%d", i)}}
		if _, err := client.CoreV1().ConfigMaps("default").Create(t.Context(), made, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		other := clients[(i+1)%len(clients)]
		if err := other.CoreV1().ConfigMaps("default").Delete(t.Context(), made.Name, metav1.DeleteOptions{}); err != nil {
			t.Errorf("what server %d wrote is unknown to the other one: %v", i, err)
		}
	}
}

// servers are a pod of its own network and one of the node's on every node.
const servers = `
apiVersion: v1
kind: Namespace
metadata: {name: nodes-network}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: pod, namespace: nodes-network}
spec:
  selector: {matchLabels: {app: pod}}
  template:
    metadata: {labels: {app: pod}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - {name: web, image: "docker.io/curlimages/curl:7.88.1", command: [sh, -c, "mkdir -p /tmp/w && echo ok >/tmp/w/index.html && exec httpd -f -p 8080 -h /tmp/w"], readinessProbe: {httpGet: {port: 8080}, periodSeconds: 1}}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: host, namespace: nodes-network}
spec:
  selector: {matchLabels: {app: host}}
  template:
    metadata: {labels: {app: host}}
    spec:
      terminationGracePeriodSeconds: 1
      hostNetwork: true
      dnsPolicy: ClusterFirstWithHostNet
      containers:
      - {name: web, image: "docker.io/curlimages/curl:7.88.1", command: [sh, -c, "mkdir -p /tmp/w && echo ok >/tmp/w/index.html && exec httpd -f -p 18080 -h /tmp/w"], readinessProbe: {httpGet: {port: 18080}, periodSeconds: 1}}
---
apiVersion: v1
kind: Service
metadata: {name: pod, namespace: nodes-network}
spec:
  type: NodePort
  selector: {app: pod}
  ports: [{port: 8080, nodePort: 30480}]
`

// testNetwork holds that from pods, nodes and the machine every pod, node, Service and name is reached, on
// each node, and nothing outside.
func testNetwork(t *testing.T, cluster *kube.Cluster) {
	client, err := kubernetes.NewForConfig(cluster.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	applier, err := manifest.NewApplier(cluster.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := applier.Delete(background(), []byte(servers)); err != nil {
			t.Error(err)
		}
	})
	if err := applier.Apply(t.Context(), []byte(servers)); err != nil {
		t.Fatal(err)
	}
	if err := applier.Settle(t.Context(), "nodes-network", patience); err != nil {
		t.Fatal(err)
	}
	pods, err := client.CoreV1().Pods("nodes-network").List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	service, err := client.CoreV1().Services("nodes-network").Get(t.Context(), "pod", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	to := targets(pods.Items, service.Spec.ClusterIP)
	on := map[string]bool{}
	reached := 0
	for _, pod := range pods.Items {
		on[pod.Spec.NodeName] = true
		from := fmt.Sprintf("%s on %s", pod.Labels["app"], pod.Spec.NodeName)
		reached += try(t, cluster, from, &pod, to)
	}
	reached += try(t, cluster, "machine", nil, slices.DeleteFunc(slices.Clone(to), func(x target) bool { return x.name }))
	if len(pods.Items) != 2*shape.Nodes || len(on) != shape.Nodes {
		t.Errorf("%d pods run on %d nodes, want two on each of %d", len(pods.Items), len(on), shape.Nodes)
	}
	t.Logf("figure: %d connections between %d pods, %d nodes and their Services: all as they should be", reached, len(pods.Items), len(on))
}

// target is what is tried from everywhere.
type target struct {
	what, url string
	name      bool // whether it needs the cluster's DNS
	refused   bool // whether nothing may get through
}

func targets(pods []corev1.Pod, service string) []target {
	to := []target{
		{what: "Service", url: "http://" + service + ":8080/"},
		{what: "Service's name", url: "http://pod.nodes-network.svc.cluster.local:8080/", name: true},
		{what: "API servers' Service", url: "https://kubernetes.default.svc.cluster.local/version", name: true},
		{what: "outside", url: "http://192.0.2.250/", refused: true, name: true},
	}
	for _, pod := range pods {
		port := 8080
		if pod.Spec.HostNetwork {
			port = 18080
			to = append(to, target{what: "node port of " + pod.Spec.NodeName, url: fmt.Sprintf("http://%s:30480/", pod.Status.HostIP)})
		}
		to = append(to, target{what: pod.Labels["app"] + " on " + pod.Spec.NodeName, url: fmt.Sprintf("http://%s:%d/", pod.Status.PodIP, port)})
	}
	return to
}

// try connects to every target from a pod, or from the machine where there is none, and returns how many it tried.
func try(t *testing.T, cluster *kube.Cluster, from string, pod *corev1.Pod, to []target) int {
	t.Helper()
	var script strings.Builder
	for i, target := range to {
		fmt.Fprintf(&script, "echo %d $(curl --noproxy '*' -ksm5 -o /dev/null -w '%%{http_code}' %s)\n", i, target.url)
	}
	command := []string{"sh", "-c", script.String()}
	if pod != nil {
		kubectl, err := kube.Kubectl(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		command = append([]string{kubectl, "--kubeconfig", cluster.Kubeconfig, "exec", "-n", pod.Namespace, pod.Name, "--"}, command...)
	}
	out, err := run(t.Context(), command...)
	if err != nil {
		t.Errorf("from %s: %v", from, err)
	}
	tried := 0
	for line := range strings.Lines(out) {
		var i, code int
		if _, err := fmt.Sscan(line, &i, &code); err != nil {
			t.Errorf("from %s: unexpected output %q", from, line)
			continue
		}
		tried++
		if got := code == 0; got != to[i].refused {
			t.Errorf("from %s to %s (%s): HTTP %d, want refused: %t", from, to[i].what, to[i].url, code, to[i].refused)
		}
	}
	if tried != len(to) {
		t.Errorf("from %s: %d of %d connections were tried", from, tried, len(to))
	}
	return tried
}

func run(ctx context.Context, command ...string) (string, error) {
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("%s: %w\n%s", command[0], err, errs.Bytes())
	}
	return out.String(), nil
}
