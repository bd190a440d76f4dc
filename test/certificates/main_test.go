// Package certificates_test holds that changing certificates costs no admission: real controllers and a real API server,
// pods created without a pause, and every certificate replaced under them.
package certificates_test

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/outrider-dev/outrider/test/cluster/kube"
	"github.com/outrider-dev/outrider/test/poll"
	"github.com/outrider-dev/outrider/test/relay"
)

const releaseNamespace = "outrider"

// minor is the version of Kubernetes that is tested.
var minor = flag.String("kubernetes", "", "test with the API server of this minor version of Kubernetes, such as 1.30; the newest without")

func TestMain(m *testing.M) {
	ctrllog.SetLogger(logr.Discard()) // controller-runtime's clients complain when there is none
	os.Exit(m.Run())
}

// env is an API server of a test's own, with the chart installed in it, and what stands for its Service.
type env struct {
	server *kube.APIServer
	client kubernetes.Interface
	// lagging is a client of a second API server on the same etcd, which sees every change late.
	lagging kubernetes.Interface
	// Of the ServiceAccounts of the controller and of the webhook: the chart's permissions are all they have.
	kubeconfig, serves string
	service            *service
	replicas           []*replica
	injection          string // the release's webhook.mode; empty is webhook
}

func newEnv(t *testing.T) *env {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: this test needs an API server")
	}
	server, err := kube.StartAPIServer(t.Context(), kube.APIServerOptions{Kubernetes: *minor})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	e := &env{server: server, client: server.Client(), lagging: beside(t, server), service: newService(t)}
	if e.kubeconfig, err = server.KubeconfigOf(releaseNamespace, "outrider-controller"); err != nil {
		t.Fatal(err)
	}
	if e.serves, err = server.KubeconfigOf(releaseNamespace, "outrider-webhook"); err != nil {
		t.Fatal(err)
	}
	return e
}

// lag is how late a change reaches the second API server, and what it writes etcd. Every settle time of these tests is longer.
const lag = 50 * time.Millisecond

// beside starts a second API server, as there are where the control plane is to outlive a machine, and returns its client.
func beside(t *testing.T, first *kube.APIServer) kubernetes.Interface {
	t.Helper()
	late, err := relay.Start("127.0.0.1", 0, fmt.Sprintf("127.0.0.1:%d", first.EtcdPort()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { late.Close(); late.HangUp() })
	server, err := kube.StartAPIServer(t.Context(), kube.APIServerOptions{Kubernetes: *minor, Beside: first, EtcdPort: portOf(late.Address())})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	c := server.Client()
	late.Delay.Store(int64(lag))
	return c
}

// namespace makes a namespace with a name of its own and the given labels, and returns its name.
func (e *env) namespace(t *testing.T, labels map[string]string) string {
	t.Helper()
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "load-", Labels: labels}}
	ns, err := e.client.CoreV1().Namespaces().Create(t.Context(), ns, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return ns.Name
}

// patience bounds every wait of these tests; how long anything takes is measured by none of them.
const patience = 2 * time.Minute

// eventually polls check, which returns "" once what it waits for holds and else what is still wrong.
func eventually(t *testing.T, check func() string) {
	t.Helper()
	poll.Until(t, patience, 10*time.Millisecond, check)
}

// say reports a figure of a run.
func say(t *testing.T, format string, args ...any) {
	t.Helper()
	t.Logf("figure: "+format, args...)
}

// background is for what ends with the test and is not cut short by it.
func background(timeout time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), timeout)
}

func portOf(address string) int {
	var port int
	if _, text, err := net.SplitHostPort(address); err == nil {
		_, _ = fmt.Sscan(text, &port)
	}
	return port
}
