// Package enforcement_test holds the tests of the API server's policies: the chart, installed by Helm in a real API
// server, and the real controller beside it, or not.
package enforcement_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
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

var minor = flag.String("kubernetes", "", "test with the API server of this minor version of Kubernetes, such as 1.30; the newest without")

// api is the one API server of this package's tests, nil with -short. It writes what it audits to auditLog.
var (
	api      *kube.APIServer
	auditLog string
)

const auditPolicy = `{"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"], "rules": [
	{"level": "Metadata", "verbs": ["create", "update"], "resources": [{"group": "", "resources": ["pods"]}, {"group": "apps"}, {"group": "batch"}]},
	{"level": "None"}]}`

func TestMain(m *testing.M) {
	flag.Parse()
	ctrllog.SetLogger(logr.Discard())
	if testing.Short() {
		os.Exit(m.Run())
	}
	dir, err := os.MkdirTemp("", "outrider-enforcement-")
	if err == nil {
		auditLog = filepath.Join(dir, "audit.log")
		err = os.WriteFile(filepath.Join(dir, "policy.json"), []byte(auditPolicy), 0o600)
	}
	if err == nil {
		api, err = kube.StartAPIServer(context.Background(), kube.APIServerOptions{
			Kubernetes: *minor,
			Args:       []string{"--audit-policy-file=" + filepath.Join(dir, "policy.json"), "--audit-log-path=" + auditLog},
		})
	}
	code := 1
	if err == nil {
		if err = installChart(api.Kubeconfig()); err == nil {
			code = m.Run()
		}
		api.Stop()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "prepare the API server:", err)
	}
	os.RemoveAll(dir)
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

// namespace makes a namespace that enforces, with the labels and annotations of another, and returns its name.
func namespace(t *testing.T, enforce string, like sidecars.Namespace) string {
	t.Helper()
	labels := map[string]string{sidecars.EnforceKey: enforce}
	for k, v := range like.Labels {
		labels[k] = v
	}
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: enforce + "-", Labels: labels, Annotations: like.Annotations}}
	ns, err := client(t).CoreV1().Namespaces().Create(t.Context(), ns, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return ns.Name
}

// optedIn is a namespace whose pods are looked at.
var optedIn = sidecars.Namespace{Labels: map[string]string{sidecars.InjectKey: sidecars.InjectEnabled}}

// redis is a pod of one image with annotations in pairs of key and value.
func redis(annotations ...string) *corev1.Pod {
	p := &corev1.Pod{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{Name: "cache", Annotations: map[string]string{}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "redis:7"}}},
	}
	for i := 0; i+1 < len(annotations); i += 2 {
		p.Annotations[annotations[i]] = annotations[i+1]
	}
	return p
}

// eventually polls check, which returns "" once what it waits for holds and else what is still wrong, and fails the
// test when that lasts two minutes: how long anything takes is measured by none.
func eventually(t *testing.T, check func() string) {
	t.Helper()
	poll.Until(t, 2*time.Minute, 20*time.Millisecond, check)
}
