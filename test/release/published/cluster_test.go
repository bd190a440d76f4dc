package published_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	helmrelease "github.com/outrider-dev/outrider/cmd/outrider/release"
	"github.com/outrider-dev/outrider/test/cluster/build"
	"github.com/outrider-dev/outrider/test/cluster/image"
	"github.com/outrider-dev/outrider/test/cluster/kube"
	"github.com/outrider-dev/outrider/test/manifest"
	"github.com/outrider-dev/outrider/test/poll"
	"github.com/outrider-dev/outrider/test/promql"
	"github.com/outrider-dev/outrider/test/readme"
)

// last is the commit of the release before this one: 0.2.0, of which no artifacts were published.
const last = "b6e1b8b5d649255de122722d01f8b33e6c8dee50"

const lastVersion = "0.2.0"

// live is the local cluster, which knows the registry and its login.
type live struct {
	*published
	kubernetes.Interface
	cluster *kube.Cluster
	root    string
}

// TestPublishedOnCluster installs the release on the local cluster with the registry as the source of all images, upgrades
// from the last release and rolls back under load. It takes the cluster for itself:
//
//	go test ./test/release/published -run TestPublishedOnCluster -count=1 -v -timeout 60m -args -cluster
func TestPublishedOnCluster(t *testing.T) {
	if !*onCluster {
		t.Skip("it needs the local cluster; say -args -cluster")
	}
	cluster, err := kube.Up(t.Context(), kube.Options{})
	if err != nil {
		t.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(cluster.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	root, err := build.Root()
	if err != nil {
		t.Fatal(err)
	}
	installed := helmrelease.Release{Kubeconfig: cluster.Kubeconfig}
	if err := installed.Uninstall(); err != nil {
		t.Fatal(err)
	}
	applier, err := manifest.NewApplier(cluster.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	l := &live{published: publish(t, cluster.ControlPlane()+":5443"), Interface: client, cluster: cluster, root: root}
	forget, err := cluster.TrustRegistry(l.Address, l.CA)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(forget)
	l.oci = filepath.Join(t.TempDir(), "oci")
	do(t, filepath.Join(root, "test", "release", "oci"), []string{"GOFLAGS=", "GOWORK=off"}, "go", "build", "-o", l.oci, ".")
	old := l.publishLast(t)
	namespaces := []string{"outrider", "demo", "load"}
	if err := applier.AwaitDeletion(t.Context(), namespaces...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		err := installed.Uninstall()
		for _, ns := range namespaces {
			err = errors.Join(err, l.CoreV1().Namespaces().Delete(context.Background(), ns, metav1.DeleteOptions{}))
		}
		if err := errors.Join(err, applier.AwaitDeletion(context.Background(), namespaces...)); err != nil {
			t.Error(err)
		}
	})
	for _, ns := range namespaces {
		l.namespace(t, ns)
	}
	for _, helm := range []string{"helm-3", "helm-4"} {
		t.Run(helm, func(t *testing.T) {
			h := l.installer(t, helm, l.cluster.Kubeconfig)
			l.testReadme(t, h)
			l.testUpgradeUnderLoad(t, h, old)
		})
	}
}

// publishLast builds the last release from its commit: it had no make release. It returns the packaged chart.
func (l *live) publishLast(t *testing.T) string {
	t.Helper()
	source := filepath.Join(t.TempDir(), "source")
	do(t, l.root, nil, "git", "worktree", "add", "--detach", source, last)
	t.Cleanup(func() {
		_, _ = command(context.Background(), l.root, nil, "git", "worktree", "remove", "--force", source)
	})
	program, layout := filepath.Join(l.keys, "controller"), filepath.Join(l.keys, "last")
	do(t, source, []string{"CGO_ENABLED=0", "GOFLAGS="}, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", program, "./cmd/outrider-controller")
	do(t, source, nil, l.oci, "image", "-layout", layout, "-name", "outrider-controller:"+lastVersion, "-created", "2026-11-22T00:00:00Z",
		"-program", "linux/"+runtime.GOARCH+"="+program)
	do(t, source, l.Env(), l.oci, "push", "-layout", layout, "-to", l.owner)
	l.client(t, "helm-3", "package", filepath.Join(source, "charts", "outrider"), "--destination", l.keys)
	return filepath.Join(l.keys, "outrider-"+lastVersion+".tgz")
}

// namespace makes a namespace whose pods pull with the registry's login.
func (l *live) namespace(t *testing.T, name string) {
	t.Helper()
	_, err := l.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		t.Fatal(err)
	}
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "registry"}, Type: corev1.SecretTypeDockerConfigJson,
		Data: map[string][]byte{corev1.DockerConfigJsonKey: l.PullSecret()},
	}
	if _, err := l.CoreV1().Secrets(name).Create(t.Context(), secret, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		t.Fatal(err)
	}
	patch := []byte(`{"imagePullSecrets": [{"name": "registry"}]}`)
	poll.Until(t, time.Minute, 100*time.Millisecond, func() string {
		if _, err := l.CoreV1().ServiceAccounts(name).Patch(t.Context(), "default", types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
			return err.Error()
		}
		return ""
	})
}

// images are the values by which every image comes from the registry.
func (l *live) images() string {
	return " --set global.imageRegistry=" + l.Address + ",global.imagePullSecrets[0].name=registry,sidecars.imagePullSecrets[0]=registry,prometheus.scrapeInterval=2s"
}

// mirror pushes what a chart names, and what the README's second line and the sidecars need, below the registry.
func (l *live) mirror(t *testing.T, h installer, chart string) {
	t.Helper()
	archives := map[string]image.Archive{} // by repository
	wanted := map[string]bool{}
	for _, i := range image.Base() {
		a, err := i.Archive(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		_, path, _ := strings.Cut(i.Repository, "/")
		archives[path] = a
		_, tagged, _ := strings.Cut(a.Name, "/")
		wanted[tagged] = true
	}
	for line := range strings.Lines(h.run(t, "helm template outrider "+chart+" --kube-version "+l.kubeVersion(t)+l.images())) {
		if _, name, found := strings.Cut(strings.Trim(strings.TrimSpace(line), `"`), l.Address+"/"); found && !strings.Contains(name, "outrider-controller") {
			wanted[strings.Trim(name, `"`)] = true
		}
	}
	for name := range wanted {
		repository, _, _ := strings.Cut(name, ":")
		if a, found := archives[repository]; found { // one that an older chart names is there under today's tag
			do(t, l.keys, l.Env(), l.oci, "archive", "-file", a.Path, "-to", l.Address+"/"+name)
		}
	}
}

func (l *live) kubeVersion(t *testing.T) string {
	t.Helper()
	info, err := l.Discovery().ServerVersion()
	if err != nil {
		t.Fatal(err)
	}
	return info.GitVersion
}

// testReadme runs the two lines of the README's installation, unchanged but for where images come from, until the pod's
// exporter is up in Prometheus.
func (l *live) testReadme(t *testing.T, h installer) {
	chart := "oci://" + l.owner + "/charts/outrider"
	l.mirror(t, h, chart+" --version "+l.version)
	section, err := readme.Section("../../../README.md", "## Install")
	if err != nil {
		t.Fatal(err)
	}
	commands, err := readme.Commands(section)
	if err != nil || len(commands) != 2 {
		t.Fatalf("%d commands, %v; the installation is two lines", len(commands), err)
	}
	h.run(t, l.installLine(t)+" --wait --timeout 5m"+l.images())
	l.ownImages(t)
	redis := strings.NewReplacer("redis:7 ", l.Address+"/library/redis:7.0.15 -n demo ").Replace(commands[1].Text)
	kubectl, err := kube.Kubectl(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	h.run(t, "PATH="+filepath.Dir(kubectl)+":$PATH; "+redis)
	l.metric(t, `redis_up{namespace="demo",pod="cache"}`)
	if err := l.CoreV1().Pods("demo").Delete(t.Context(), "cache", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	h.run(t, "helm uninstall outrider -n outrider --wait")
}

// ownImages holds that every container of the release and of the demo runs an image of the registry.
func (l *live) ownImages(t *testing.T) {
	t.Helper()
	for _, ns := range []string{"outrider", "demo"} {
		pods, err := l.CoreV1().Pods(ns).List(t.Context(), metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range pods.Items {
			for _, c := range append(p.Spec.InitContainers, p.Spec.Containers...) {
				if !strings.HasPrefix(c.Image, l.Address+"/") {
					t.Errorf("pod %s, container %s runs %s", p.Name, c.Name, c.Image)
				}
			}
		}
	}
}

func (l *live) metric(t *testing.T, query string) {
	t.Helper()
	prometheus, err := promql.New(l.cluster.RESTConfig(), "outrider", "outrider-prometheus:9090")
	if err != nil {
		t.Fatal(err)
	}
	poll.Until(t, 3*time.Minute, time.Second, func() string {
		vector, err := prometheus.Query(t.Context(), query)
		if err != nil {
			return err.Error()
		}
		if len(vector) != 1 || vector[0].Value != 1 {
			return fmt.Sprintf("%s is %v", query, vector)
		}
		l.ownImages(t)
		return ""
	})
}

// testUpgradeUnderLoad installs the last release, upgrades it to this one, changes it and rolls the change back, while pods
// are created all the time: each of them gets its exporter. Then it goes back to the last release, whose webhook
// configuration has another name and no caBundle until its controller runs: pods of that time are counted, not held to.
func (l *live) testUpgradeUnderLoad(t *testing.T, h installer, old string) {
	l.mirror(t, h, old)
	h.run(t, "helm install outrider "+old+" --namespace outrider --wait --timeout 5m"+l.images())
	load := l.load(t)
	defer load.stop()
	upgrade := "helm upgrade outrider oci://" + l.owner + "/charts/outrider --version " + l.version + " -n outrider --wait --timeout 5m" + l.images()
	for _, step := range []struct{ name, line string }{
		{"upgrade from " + lastVersion, upgrade},
		{"upgrade", upgrade + ",webhook.replicas=3"},
		{"rollback", "helm rollback outrider 2 -n outrider --wait --timeout 5m"},
	} {
		created, missed := load.count(func() { h.run(t, step.line) })
		if missed > 0 || created == 0 {
			t.Errorf("%s: %d of %d pods without their exporter", step.name, missed, created)
		}
		t.Logf("figure: %s: %s: %d of %d pods missed", t.Name(), step.name, missed, created)
	}
	created, missed := load.count(func() { h.run(t, "helm rollback outrider 1 -n outrider --wait --timeout 5m") })
	t.Logf("figure: %s: rollback to %s: %d of %d pods missed", t.Name(), lastVersion, missed, created)
	poll.Until(t, 2*time.Minute, time.Second, func() string {
		if created, missed := load.count(func() { time.Sleep(time.Second) }); created == 0 || missed > 0 {
			return fmt.Sprintf("after the rollback to %s %d of %d pods are missed", lastVersion, missed, created)
		}
		return ""
	})
	load.stop()
	h.run(t, "helm uninstall outrider -n outrider --wait")
}
