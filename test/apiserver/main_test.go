// Package apiserver_test holds the tests that need a real API server and nothing that runs in a cluster.
package apiserver_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/test/cluster/kube"
	"github.com/outrider-dev/outrider/test/poll"
)

// minor is the version of Kubernetes that is tested.
var minor = flag.String("kubernetes", "", "test with the API server of this minor version of Kubernetes, such as 1.30; the newest without")

// api is the one API server of this package's tests, nil with -short. Each test makes namespaces of its own in it.
var api *kube.APIServer

// atExit is called, before the API server ends, for what tests start and share.
var atExit []func()

func TestMain(m *testing.M) {
	flag.Parse()
	ctrllog.SetLogger(logr.Discard()) // controller-runtime's clients complain when there is none
	if testing.Short() {
		os.Exit(m.Run())
	}
	var err error
	if api, err = kube.StartAPIServer(context.Background(), kube.APIServerOptions{Kubernetes: *minor}); err != nil {
		fmt.Fprintln(os.Stderr, "start an API server:", err)
		os.Exit(1)
	}
	code := m.Run()
	for _, end := range atExit {
		end()
	}
	api.Stop()
	os.Exit(code)
}

// client returns a client that may do everything, or skips a test that was asked to be short.
func client(t *testing.T) kubernetes.Interface {
	t.Helper()
	if api == nil {
		t.Skip("-short: this test needs an API server")
	}
	return api.Client()
}

// ownServer returns an API server that a test shares with no other, and a client of it.
func ownServer(t *testing.T) (*kube.APIServer, kubernetes.Interface) {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: this test needs an API server")
	}
	server, err := kube.StartAPIServer(t.Context(), kube.APIServerOptions{Kubernetes: *minor})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	c := server.Client()
	return server, c
}

// namespace makes a namespace with a name of its own and the given labels, and returns its name.
func namespace(t *testing.T, c kubernetes.Interface, labels map[string]string) string {
	t.Helper()
	return namespaceLike(t, c, sidecars.Namespace{Labels: labels})
}

// namespaceLike makes a namespace with a name of its own and the labels and annotations of another.
func namespaceLike(t *testing.T, c kubernetes.Interface, like sidecars.Namespace) string {
	t.Helper()
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-", Labels: like.Labels, Annotations: like.Annotations}}
	ns, err := c.CoreV1().Namespaces().Create(t.Context(), ns, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return ns.Name
}

// eventually polls check, which returns "" once what it waits for holds and else what is still wrong, and fails the
// test when that lasts two minutes: how long anything takes is measured by none.
func eventually(t *testing.T, check func() string) {
	t.Helper()
	poll.Until(t, 2*time.Minute, 20*time.Millisecond, check)
}
