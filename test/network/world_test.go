//go:build linux

package network_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	netv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/yaml"

	helm "github.com/outrider-dev/outrider/cmd/outrider/release"
	"github.com/outrider-dev/outrider/test/cluster/build"
	"github.com/outrider-dev/outrider/test/cluster/kube"
)

const (
	enforcer = "kube-network-policies"
	queue    = "100" // where packets wait for a decision
)

// rules have the first packet of each connection from or to a pod wait, but those of root on the node: a kubelet's probes
// always get through.
const rules = `*mangle
-A POSTROUTING -m owner --uid-owner 0 -j RETURN
-A POSTROUTING -m conntrack --ctstate ESTABLISHED,RELATED -j RETURN
-A POSTROUTING -s ` + podRange + ` -j NFQUEUE --queue-num ` + queue + `
-A POSTROUTING -d ` + podRange + ` -j NFQUEUE --queue-num ` + queue + `
COMMIT
`

// world is an API server with the release's pods and policies on three nodes, and a network for each of them.
type world struct {
	server   *kube.APIServer
	client   kubernetes.Interface
	nodes    []node
	networks []network
}

// newWorld renders the chart with its defaults and makes its pods, and those that try to reach them: one of each kind on
// every node.
func newWorld(t *testing.T) *world {
	t.Helper()
	isolate(t)
	w := &world{nodes: newNodes(t)}
	var err error
	// Every node's program asks it.
	w.server, err = kube.StartAPIServer(t.Context(), kube.APIServerOptions{Hosts: []string{nodeAddress}, Args: []string{"--bind-address=0.0.0.0"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.server.Stop)
	w.client = w.server.Client()
	for _, ns := range []string{"outrider", "shop", "outside"} {
		made := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ns, Labels: map[string]string{"kubernetes.io/metadata.name": ns}}}
		if _, err := w.client.CoreV1().Namespaces().Create(t.Context(), made, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	pods, policies := rendered(t)
	mysql := []corev1.Container{{Name: "mysql", Ports: []corev1.ContainerPort{{ContainerPort: 3306}, {ContainerPort: 9104}}}}
	for _, n := range w.nodes {
		for _, component := range []string{"webhook", "controller", "prometheus", "alertmanager", "kube-state-metrics"} {
			template, ok := pods[component]
			if !ok {
				t.Fatalf("the chart renders no pods of %s", component)
			}
			w.pod(t, n, "outrider", component, template.Labels, template.Spec.Containers)
		}
		w.pod(t, n, "outrider", "member", map[string]string{"app.kubernetes.io/name": "outrider", "app.kubernetes.io/instance": "outrider"}, nil)
		w.pod(t, n, "outside", "outsider", nil, nil)
		w.pod(t, n, "shop", "shop", map[string]string{"app": "shop", "outrider.dev/monitored": "true"}, mysql)
		w.networks = append(w.networks, n.network)
	}
	w.networks = append(w.networks, connect(t, w.nodes[0], "elsewhere", "10.250.0.250")) // an API server on a machine of its own
	for _, policy := range policies {
		w.policy(t, &policy)
	}
	return w
}

// isolate prepares the mounts that this process has for itself.
func isolate(t *testing.T) {
	t.Helper()
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", "/run", "tmpfs", 0, ""); err != nil { // kube-network-policies' token is below
		t.Fatal(err)
	}
}

// rendered are the pod templates of the chart, by component, and its policies.
func rendered(t *testing.T) (pods map[string]corev1.PodTemplateSpec, policies []netv1.NetworkPolicy) {
	t.Helper()
	manifest, err := helm.Release{}.Render(map[string]any{}, "1.37.0")
	if err != nil {
		t.Fatal(err)
	}
	pods = map[string]corev1.PodTemplateSpec{}
	for document := range strings.SplitSeq(manifest, "\n---") {
		var d appsv1.Deployment // a StatefulSet's template is at the same place
		if err := yaml.Unmarshal([]byte(document), &d.TypeMeta); err != nil {
			continue
		}
		switch d.Kind {
		case "Deployment", "StatefulSet":
			if err := yaml.Unmarshal([]byte(document), &d); err != nil {
				t.Fatal(err)
			}
			pods[d.Spec.Template.Labels["app.kubernetes.io/component"]] = d.Spec.Template
		case "NetworkPolicy":
			var p netv1.NetworkPolicy
			if err := yaml.UnmarshalStrict([]byte(document), &p); err != nil {
				t.Fatal(err)
			}
			policies = append(policies, p)
		}
	}
	return pods, policies
}

// pod makes a Pod of a kind on a node and its network, which listens on every port that the containers declare.
func (w *world) pod(t *testing.T, on node, namespace, kind string, labels map[string]string, containers []corev1.Container) {
	t.Helper()
	address := strings.TrimSuffix(on.pods, "0/24") + strconv.Itoa(10+len(w.networks))
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: kind + "-" + on.kind, Labels: labels},
		Spec:       corev1.PodSpec{NodeName: on.kind},
	}
	var ports []int
	for _, c := range containers {
		p.Spec.Containers = append(p.Spec.Containers, corev1.Container{Name: c.Name, Image: "image", Ports: c.Ports})
		for _, port := range c.Ports {
			ports = append(ports, int(port.ContainerPort))
		}
	}
	if len(containers) == 0 {
		p.Spec.Containers = []corev1.Container{{Name: "app", Image: "image"}}
	}
	slices.Sort(ports)
	w.networks = append(w.networks, connect(t, on, kind, address, slices.Compact(ports)...))
	made, err := w.client.CoreV1().Pods(namespace).Create(t.Context(), p, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	made.Status.Phase, made.Status.PodIP, made.Status.PodIPs = corev1.PodRunning, address, []corev1.PodIP{{IP: address}}
	if _, err := w.client.CoreV1().Pods(namespace).UpdateStatus(t.Context(), made, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// policy creates a policy; one without a namespace is the release's.
func (w *world) policy(t *testing.T, p *netv1.NetworkPolicy) {
	t.Helper()
	if p.Namespace == "" {
		p.Namespace = "outrider"
	}
	made := p.DeepCopy()
	made.ResourceVersion = ""
	if _, err := w.client.NetworkingV1().NetworkPolicies(p.Namespace).Create(t.Context(), made, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		t.Fatal(err)
	}
}

func (w *world) forget(t *testing.T, p *netv1.NetworkPolicy) {
	t.Helper()
	if err := w.client.NetworkingV1().NetworkPolicies(p.Namespace).Delete(t.Context(), p.Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
}

// page is the policy of the chart's page.
func (w *world) page(t *testing.T) *netv1.NetworkPolicy {
	t.Helper()
	root, err := build.Root()
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(root, "charts/outrider/README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for block := range strings.SplitSeq(string(data), "```yaml\n") {
		text, _, found := strings.Cut(block, "```")
		if !found || !strings.Contains(text, "kind: NetworkPolicy") {
			continue
		}
		var p netv1.NetworkPolicy
		if err := yaml.UnmarshalStrict([]byte(text), &p); err != nil {
			t.Fatal(err)
		}
		return &p
	}
	t.Fatal("the chart's page has no NetworkPolicy")
	return nil
}

// enforce starts kube-network-policies on every node as a pod would: with a token of the API server, and the node's name.
func (w *world) enforce(t *testing.T) {
	t.Helper()
	program, err := build.Binary(t.Context(), enforcer)
	if err != nil {
		t.Fatal(err)
	}
	w.account(t)
	port := w.server.Config().Host[strings.LastIndexByte(w.server.Config().Host, ':')+1:]
	for _, n := range w.nodes {
		n.run(t, rules, "iptables-restore", "--noflush")
		var log bytes.Buffer
		cmd := n.command(t.Context(), program, "--hostname-override="+n.kind, "--metrics-bind-address=127.0.0.1:9080",
			"--nfqueue-id="+queue, "--netfilter-bug-1766-fix=false")
		cmd.Env = append(os.Environ(), "KUBERNETES_SERVICE_HOST="+nodeAddress, "KUBERNETES_SERVICE_PORT="+port)
		cmd.Stdout, cmd.Stderr = &log, &log
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			if t.Failed() {
				t.Logf("kube-network-policies of %s:\n%s", n.kind, log.String())
			}
		})
	}
}

// account makes the service account of kube-network-policies, and puts its token where a pod has it.
func (w *world) account(t *testing.T) {
	t.Helper()
	const account = "policies"
	if _, err := w.client.CoreV1().ServiceAccounts("default").Create(t.Context(), &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: account}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: account},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "cluster-admin"},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Name: account, Namespace: "default"}},
	}
	if _, err := w.client.RbacV1().ClusterRoleBindings().Create(t.Context(), binding, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	token, err := w.client.CoreV1().ServiceAccounts("default").CreateToken(t.Context(), account, &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	const folder = "/run/secrets/kubernetes.io/serviceaccount"
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"token": []byte(token.Status.Token), "ca.crt": w.server.Config().CAData} {
		if err := os.WriteFile(filepath.Join(folder, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
