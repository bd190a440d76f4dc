package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/postrender"
	helmrelease "helm.sh/helm/v3/pkg/release"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/outrider-dev/outrider/cmd/outrider/release"
	"github.com/outrider-dev/outrider/test/readme"
)

// kustomization runs the command as a transformer, after a namespace and labels of kustomize's own.
var kustomization = map[string]string{
	"kustomization.yaml": `
namespace: shop
labels: [{pairs: {team: shop}, includeSelectors: true}]
resources: [apps.yaml, exporter.yaml]
configMapGenerator: [{name: settings, literals: [a=b]}]
transformers: [outrider.yaml]
`,
	"apps.yaml": `
apiVersion: v1
kind: Service
metadata: {name: cache}
spec: {ports: [{port: 6379}], selector: {app: cache}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: cache, annotations: {example.org/owner: us}}
spec:
  serviceName: cache
  selector: {matchLabels: {app: cache}}
  template:
    metadata:
      labels: {app: cache}
      annotations: {outrider.dev/inject: "redis,varnish"}
    spec:
      containers:
      - name: redis
        image: redis:7
        envFrom: [{configMapRef: {name: settings}}]
      - {name: varnish, image: "varnish:7"}
`,
}

// build has kustomize's own library build a folder.
func build(t *testing.T, files map[string]string) (string, error) {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	options := krusty.MakeDefaultOptions()
	options.PluginConfig = types.EnabledPluginConfig(types.BploUseStaticallyLinked)
	options.PluginConfig.FnpLoadingOptions.EnableExec = true
	resources, err := krusty.MakeKustomizer(options).Run(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		return "", err
	}
	text, err := resources.AsYaml()
	if err != nil {
		t.Fatal(err)
	}
	return string(text), nil
}

// folder is the kustomization with some files changed.
func folder(t *testing.T, changed map[string]string) map[string]string {
	t.Helper()
	exporter, err := os.ReadFile("../apiserver/testdata/varnish.yaml")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{"exporter.yaml": string(exporter)}
	for name, content := range kustomization {
		files[name] = content
	}
	if files["outrider.yaml"], err = readme.Block(ci(t), "yaml"); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", filepath.Dir(binary)+":"+os.Getenv("PATH"))
	for name, content := range changed {
		files[name] = content
	}
	return files
}

// TestKustomize runs the command as kustomize runs a KRM function, with the
// page's configuration of it. What comes out
// is what inject makes of what kustomize builds without it: nothing else of it
// changes, and none of the annotations that kustomize needs on the way are lost.
func TestKustomize(t *testing.T) {
	with, err := build(t, folder(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"name: outrider-redis\n", "name: outrider-varnish\n", `outrider.dev/monitored: "true"`, "example.org/owner: us", "team: shop"} {
		if !strings.Contains(with, want) {
			t.Errorf("no %q in\n%s", want, with)
		}
	}
	for _, internal := range []string{"internal.config.kubernetes.io", "config.kubernetes.io/index", "config.kubernetes.io/path"} {
		if strings.Contains(with, internal) {
			t.Errorf("%s is left over:\n%s", internal, with)
		}
	}
	plain, err := build(t, folder(t, map[string]string{"kustomization.yaml": strings.Replace(kustomization["kustomization.yaml"], "transformers: [outrider.yaml]", "", 1)}))
	if err != nil {
		t.Fatal(err)
	}
	piped := run(t, plain, "inject", "--strict")
	if piped.code != 0 {
		t.Fatal(piped.err)
	}
	if diff := cmp.Diff(decode(t, piped.out), decode(t, with)); diff != "" {
		t.Errorf("the function does otherwise than the pipe (-pipe +function):\n%s", diff)
	}
	back := run(t, with, "uninject")
	if diff := cmp.Diff(decode(t, plain), decode(t, back.out)); diff != "" {
		t.Errorf("more was changed than was added (-without +with, uninjected):\n%s", diff)
	}
}

// TestKustomizeFails holds that with --strict a build ends where something that
// was asked for is refused.
func TestKustomizeFails(t *testing.T) {
	bad := strings.Replace(kustomization["apps.yaml"], "redis,varnish", "reddis", 1)
	_, err := build(t, folder(t, map[string]string{"apps.yaml": bad}))
	if err == nil || !strings.Contains(err.Error(), "exit status 1") {
		t.Errorf("an unknown exporter was built: %v", err)
	}
}

// TestHelmPostRenderer installs the chart that helm create makes through the
// command, without a cluster: the post-renderer sees what a real chart renders,
// comments and hooks included.
func TestHelmPostRenderer(t *testing.T) {
	path, err := chartutil.Create("shop", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	shop, err := loader.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]any{
		"image":          map[string]any{"repository": "docker.io/library/redis", "tag": "7.0.15"},
		"podAnnotations": map[string]any{"outrider.dev/inject": "redis"},
	}
	plain, rendered := helm(t, shop, values, false), helm(t, shop, values, true)
	if strings.Count(rendered.Manifest, "name: outrider-redis\n") != 1 || !strings.Contains(rendered.Manifest, "# Source: shop/templates/deployment.yaml") {
		t.Errorf("not what the chart renders, injected:\n%s", rendered.Manifest)
	}
	if len(rendered.Hooks) != len(plain.Hooks) || len(plain.Hooks) == 0 {
		t.Errorf("%d hooks, without the post-renderer %d", len(rendered.Hooks), len(plain.Hooks))
	}
	back := run(t, rendered.Manifest, "uninject")
	if diff := cmp.Diff(decode(t, plain.Manifest), decode(t, back.out)); diff != "" {
		t.Errorf("more was changed than was added (-before +after):\n%s", diff)
	}
}

// TestHelmPostRendererLeavesOthersAlone runs our own chart, in which nothing
// asks for an exporter, through the command: every byte stays.
func TestHelmPostRendererLeavesOthersAlone(t *testing.T) {
	own, err := release.Chart()
	if err != nil {
		t.Fatal(err)
	}
	plain, rendered := helm(t, own, nil, false), helm(t, own, nil, true)
	if diff := cmp.Diff(plain.Manifest, rendered.Manifest); diff != "" {
		t.Errorf("changed, though nothing asks for it (-before +after):\n%s", diff)
	}
}

// helm renders a chart as helm install does.
func helm(t *testing.T, c *chart.Chart, values map[string]any, through bool) *helmrelease.Release {
	t.Helper()
	install := action.NewInstall(&action.Configuration{})
	install.DryRun, install.ClientOnly, install.Replace = true, true, true
	install.ReleaseName, install.Namespace = "shop", "shop"
	install.KubeVersion = &chartutil.KubeVersion{Version: "v1.37.0", Major: "1", Minor: "37"}
	if through {
		renderer, err := postrender.NewExec(binary, "inject")
		if err != nil {
			t.Fatal(err)
		}
		install.PostRenderer = renderer
	}
	rendered, err := install.Run(c, values)
	if err != nil {
		t.Fatal(err)
	}
	return rendered
}
