package published_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/outrider-dev/outrider/test/child"
	"github.com/outrider-dev/outrider/test/cluster/build"
	"github.com/outrider-dev/outrider/test/cluster/kube"
	"github.com/outrider-dev/outrider/test/endpoint"
	"github.com/outrider-dev/outrider/test/poll"
	"github.com/outrider-dev/outrider/test/readme"
)

// testLogin holds that nothing is had without the login.
func (p *published) testLogin(t *testing.T) {
	env := []string{"SSL_CERT_FILE=" + p.CA, "DOCKER_CONFIG=" + t.TempDir(), "HELM_REGISTRY_CONFIG=" + t.TempDir() + "/none.json"}
	for _, helm := range []string{"helm-3", "helm-4"} {
		said := p.fails(t, env, helm, "show", "chart", "oci://"+p.owner+"/charts/outrider", "--version", p.version)
		if !strings.Contains(said, "401") && !strings.Contains(strings.ToLower(said), "unauthorized") && !strings.Contains(said, "credential") {
			t.Errorf("%s says %s", helm, said)
		}
	}
}

// cluster is an API server in which nothing runs, and the real controller beside it.
type cluster struct {
	*kube.APIServer
	kubernetes.Interface
}

func newCluster(t *testing.T) cluster {
	t.Helper()
	server, err := kube.StartAPIServer(t.Context(), kube.APIServerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	client := server.Client()
	return cluster{server, client}
}

// installer is one version of Helm as a user has it: helm, in the PATH.
type installer struct {
	env []string
}

func (p *published) installer(t *testing.T, helm, kubeconfig string) installer {
	t.Helper()
	bin := t.TempDir()
	if err := os.Symlink(p.bin[helm], filepath.Join(bin, "helm")); err != nil {
		t.Fatal(err)
	}
	env := append(p.Env(), "PATH="+bin+":"+os.Getenv("PATH"), "KUBECONFIG="+kubeconfig, "HELM_DATA_HOME="+t.TempDir(), "HELM_CACHE_HOME="+t.TempDir())
	return installer{env}
}

func (h installer) run(t *testing.T, line string) string {
	t.Helper()
	return do(t, ".", h.env, "sh", "-c", line)
}

// testHelm does what a user of one version of Helm does, from the README's line on, while the controller writes what it
// writes at run time.
func (p *published) testHelm(t *testing.T, helm string) {
	c := newCluster(t)
	h := p.installer(t, helm, c.Kubeconfig())
	chart := "oci://" + p.owner + "/charts/outrider"
	said := h.run(t, "helm show chart "+chart+" --version "+p.version)
	if !strings.Contains(said, "\nversion: "+p.version) || !strings.Contains(said, "artifacthub.io/images: |") {
		t.Errorf("helm show chart says\n%s", said)
	}
	rendered := h.run(t, "helm template "+chart+" --kube-version "+c.Version())
	image := "outrider-controller:" + p.version
	if all, pinned := strings.Count(rendered, image), strings.Count(rendered, image+"@"+p.digests["outrider-controller"]); all != pinned || all < 2 {
		t.Errorf("helm template names the image %d times, and %d times by digest", all, pinned)
	}
	h.run(t, p.installLine(t)+" --set crds.keep=false")
	defer p.runtime(t, c)()

	h.run(t, "helm upgrade outrider "+chart+" -n outrider --set prometheus.scrapeInterval=7s,crds.keep=false")
	c.trusted(t, "an upgrade")
	h.run(t, "helm rollback outrider 1 -n outrider")
	c.trusted(t, "a rollback")
	h.run(t, "helm uninstall outrider -n outrider")
}

// previous is the chart of an earlier release, which had no address yet.
const previous = "../../apiserver/testdata/outrider-0.1.0.tgz"

// testUpgrade upgrades a release that Helm 3 made of an earlier chart, upgrades it again, and rolls it back, while the
// controller runs: the API server trusts the webhook all the time.
func (p *published) testUpgrade(t *testing.T, helm string) {
	c := newCluster(t)
	h := p.installer(t, helm, c.Kubeconfig())
	chart := "oci://" + p.owner + "/charts/outrider"
	p.installer(t, "helm-3", c.Kubeconfig()).run(t, "helm install outrider "+previous+" --namespace outrider --create-namespace --set crds.keep=false")
	c.createExporter(t, listedExporter(t))
	p.controller(t, c, c.untrusted, "--kubeconfig="+c.Kubeconfig(), "--webhook-configuration=outrider")() // in place of the one of that time
	h.run(t, "helm upgrade outrider "+chart+" -n outrider --set crds.keep=false")
	if why := c.untrusted(t); why != "" {
		t.Errorf("after the upgrade from 0.1.0: %s", why)
	}
	p.runtime(t, c)() // which does not run in what follows, and so puts nothing back
	for range 2 {
		h.run(t, "helm upgrade outrider "+chart+" -n outrider --set crds.keep=false")
		c.trusted(t, "another upgrade")
	}
	h.run(t, "helm rollback outrider 2 -n outrider")
	c.trusted(t, "a rollback")
}

// installLine is the README's first line of its installation, with this registry in place of the real one. Nothing runs in
// the API server, and so nothing is waited for.
func (p *published) installLine(t *testing.T) string {
	t.Helper()
	section, err := readme.Section("../../../README.md", "## Install")
	if err != nil {
		t.Fatal(err)
	}
	commands, err := readme.Commands(section)
	if err != nil {
		t.Fatal(err)
	}
	line, waits := strings.CutSuffix(strings.Replace(commands[0].Text, "ghcr.io/outrider-dev", p.owner, 1), " --wait")
	if !waits || !strings.HasPrefix(line, "helm install outrider oci://"+p.owner) {
		t.Fatalf("the README installs by %q", commands[0].Text)
	}
	return line
}

// runtime runs the real controller as the release's ServiceAccount, which has no role any more once the release is gone,
// until stop is called, and waits until it has written its caBundle and the status of an Exporter.
func (p *published) runtime(t *testing.T, c cluster) (stop func()) {
	t.Helper()
	varnish, err := os.ReadFile("../../apiserver/testdata/varnish.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c.createExporter(t, varnish)
	kubeconfig, err := c.KubeconfigOf("outrider", "outrider-controller")
	if err != nil {
		t.Fatal(err)
	}
	return p.controller(t, c, c.unready, "--kubeconfig="+kubeconfig)
}

// controller runs the real controller under further flags until stop is called, and waits until missing says nothing.
func (p *published) controller(t *testing.T, c cluster, missing func(*testing.T) string, flags ...string) (stop func()) {
	t.Helper()
	binary, err := build.Main(t.Context(), "./cmd/outrider-controller")
	if err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(t.TempDir(), "controller.log")
	process, err := child.Start("controller", binary, log, append(flags, "--webhook-bind-address="+endpoint.FreeFor(t),
		"--metrics-bind-address="+endpoint.FreeFor(t), "--health-probe-bind-address="+endpoint.FreeFor(t), "--shutdown-delay=0s")...)
	if err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceFunc(func() { process.Stop(10 * time.Second) })
	t.Cleanup(stop)
	poll.Until(t, 2*time.Minute, 50*time.Millisecond, func() string {
		if err := process.Ended(); err != nil {
			t.Fatal(err)
		}
		if why := missing(t); why != "" {
			return why + "\n" + child.Tail(log)
		}
		return ""
	})
	return stop
}

type exporter struct {
	Metadata metav1.ObjectMeta
	Status   struct{ Conditions []metav1.Condition }
}

const exporters = "/apis/outrider.dev/v1alpha1/exporters"

// listedExporter is one whose credentials are a list, as the earlier release had them: the API server keeps it as it is, and
// the controller has to read it.
func listedExporter(t *testing.T) []byte {
	t.Helper()
	raw, err := os.ReadFile("../../compat/testdata/0.1.0/exporters.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for document := range strings.SplitSeq(string(raw), "---\n") {
		if strings.Contains(document, "\n  name: postgres\n") && strings.Contains(document, "\n  credentials:\n    - ") {
			return []byte(document)
		}
	}
	t.Fatal("the samples have no such Exporter")
	return nil
}

// createExporter creates an Exporter, once the kind is served.
func (c cluster) createExporter(t *testing.T, body []byte) {
	t.Helper()
	poll.Until(t, 2*time.Minute, 50*time.Millisecond, func() string {
		err := c.CoreV1().RESTClient().Post().AbsPath(exporters).SetHeader("Content-Type", "application/yaml").Body(bytes.TrimSpace(body)).Do(t.Context()).Error()
		if err != nil && !apierrors.IsAlreadyExists(err) {
			return err.Error()
		}
		return ""
	})
}

func (c cluster) exporter(t *testing.T) (e exporter) {
	t.Helper()
	raw, err := c.CoreV1().RESTClient().Get().AbsPath(exporters + "/varnish").Do(t.Context()).Raw()
	if err == nil {
		err = json.Unmarshal(raw, &e)
	}
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// untrusted says which webhook for pods has no caBundle; the controller's own probe, which is another, is no pod's matter.
func (c cluster) untrusted(t *testing.T) string {
	t.Helper()
	list, err := c.AdmissionregistrationV1().MutatingWebhookConfigurations().List(t.Context(), metav1.ListOptions{})
	if err != nil {
		return err.Error()
	}
	if len(list.Items) != 1 {
		return fmt.Sprintf("%d webhook configurations, want one", len(list.Items))
	}
	for _, w := range list.Items[0].Webhooks {
		if w.Rules[0].Resources[0] == "pods" && len(w.ClientConfig.CABundle) == 0 {
			return fmt.Sprintf("webhook %s has no caBundle", w.Name)
		}
	}
	return ""
}

// unready says what the controller has not written yet.
func (c cluster) unready(t *testing.T) string {
	t.Helper()
	if why := c.untrusted(t); why != "" {
		return why
	}
	if len(c.exporter(t).Status.Conditions) == 0 {
		return "the controller writes no status"
	}
	return ""
}

// trusted holds that Helm left what the controller wrote: at once, because an API server without the caBundle calls nobody.
func (c cluster) trusted(t *testing.T, after string) {
	t.Helper()
	if why := c.unready(t); why != "" {
		t.Errorf("after %s: %s", after, why)
	}
}
