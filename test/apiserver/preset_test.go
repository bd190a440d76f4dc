package apiserver_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chartutil"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes"
	ctrlclient "sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/outrider-dev/outrider/charts"
	"github.com/outrider-dev/outrider/cmd/outrider/release"
	"github.com/outrider-dev/outrider/test/corpus"
)

// definitions are the CustomResourceDefinitions of other projects whose objects the chart can render: the very files of
// their modules.
var definitions = []struct {
	module, sum string
	files       []string
}{
	{"github.com/prometheus-operator/prometheus-operator@v0.85.0", "h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s=", []string{
		"example/prometheus-operator-crd/monitoring.coreos.com_podmonitors.yaml",
		"example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml",
		"example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml",
		"example/prometheus-operator-crd/monitoring.coreos.com_probes.yaml",
	}},
	{"sigs.k8s.io/gateway-api@v1.6.0", "h1:735YBRj5NXFrOGX0GoSjwzUIzbz8kiEOfADsqHFmHgE=", []string{
		"config/crd/standard/gateway.networking.k8s.io_httproutes.yaml",
	}},
	{"github.com/cert-manager/cert-manager@v1.21.2", "h1:UWgoYM+KLNtRlqmoWOKjKBOBUPVHeepQ6/ac3ERJW68=", []string{
		"deploy/crds/cert-manager.io_certificates.yaml",
		"deploy/crds/cert-manager.io_issuers.yaml",
	}},
}

// moduleFolder is where the go command keeps a module, downloaded if need be. No go.mod names it: it is read, not built.
func moduleFolder(t *testing.T, module, sum string) string {
	t.Helper()
	cmd := exec.Command("go", "mod", "download", "-json", module)
	cmd.Dir = t.TempDir()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s%s", cmd, err, stdout.String(), stderr.String())
	}
	var downloaded struct{ Dir, Sum string }
	if err := json.Unmarshal(stdout.Bytes(), &downloaded); err != nil {
		t.Fatal(err)
	}
	if downloaded.Sum != sum {
		t.Fatalf("%s has the sum %s, want %s", module, downloaded.Sum, sum)
	}
	return downloaded.Dir
}

// applier applies objects as kubectl apply --server-side --validate=strict does.
type applier struct{ ctrlclient.Client }

func (a applier) apply(t *testing.T, raw []byte) error {
	t.Helper()
	objects, err := corpus.Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range objects {
		u := &unstructured.Unstructured{Object: o}
		err := a.Patch(t.Context(), u, ctrlclient.Apply, ctrlclient.FieldOwner("test"), ctrlclient.ForceOwnership, ctrlclient.FieldValidation(metav1.FieldValidationStrict)) //nolint:staticcheck // Apply needs generated types.
		if err != nil {
			return err
		}
	}
	return nil
}

// defineOthers creates the definitions.
func defineOthers(t *testing.T, dynamic ctrlclient.Client) {
	t.Helper()
	for _, d := range definitions {
		folder := moduleFolder(t, d.module, d.sum)
		for _, f := range d.files {
			raw, err := os.ReadFile(filepath.Join(folder, f))
			if err != nil {
				t.Fatal(err)
			}
			objects, err := corpus.Decode(raw)
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range objects { // not strictly: an older API server drops what it does not know of theirs
				if err := dynamic.Create(t.Context(), &unstructured.Unstructured{Object: o}); err != nil {
					t.Fatalf("%s: %v", f, err)
				}
			}
		}
	}
}

// TestPresetsApply applies every preset, server side and strictly, to an API server that has the definitions of the
// Prometheus Operator, of the Gateway API and of cert-manager.
func TestPresetsApply(t *testing.T) {
	server, c := ownServer(t)
	dynamic, err := ctrlclient.New(server.Config(), ctrlclient.Options{})
	if err != nil {
		t.Fatal(err)
	}
	a := applier{dynamic}
	defineOthers(t, dynamic)
	presets := charts.Presets()
	if len(presets) < 6 {
		t.Fatalf("presets %v", presets)
	}
	for _, preset := range presets {
		t.Run(preset, func(t *testing.T) {
			if preset == "policy" && server.Before("1.36") {
				t.Skip("Kubernetes 1.36 brought the policies")
			}
			namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "preset-" + preset}}
			if err := dynamic.Create(t.Context(), namespace); err != nil {
				t.Fatal(err)
			}
			for source, object := range rendered(t, preset, namespace.Name) {
				eventually(t, func() string { // a definition is served a moment after it is stored
					switch err := a.apply(t, object); {
					case err == nil:
						return ""
					case strings.Contains(err.Error(), "no matches for kind"):
						return err.Error()
					default:
						t.Fatalf("%s: %v", source, err)
						return ""
					}
				})
			}
		})
	}
	if n := count(t, c, "/apis/monitoring.coreos.com/v1/podmonitors"); n != 3 {
		t.Errorf("%d PodMonitors, want the operator preset's three", n)
	}
	if n := count(t, c, "/apis/gateway.networking.k8s.io/v1/httproutes"); n != 2 {
		t.Errorf("%d HTTPRoutes, want the managed cluster's two", n)
	}
}

// rendered are the objects of a preset, hooks included, by the template that they come from.
func rendered(t *testing.T, preset, namespace string) map[string][]byte {
	t.Helper()
	values, err := release.Preset(preset)
	if err != nil {
		t.Fatal(err)
	}
	c, err := release.Chart()
	if err != nil {
		t.Fatal(err)
	}
	install := action.NewInstall(&action.Configuration{})
	install.DryRun, install.ClientOnly = true, true
	install.ReleaseName, install.Namespace = "outrider", namespace
	if install.KubeVersion, err = chartutil.ParseKubeVersion(api.Version()); err != nil {
		t.Fatal(err)
	}
	r, err := install.Run(c, values)
	if err != nil {
		t.Fatal(err)
	}
	objects := map[string][]byte{}
	for document := range strings.SplitSeq(r.Manifest, "\n---\n") {
		document = strings.TrimPrefix(document, "---\n")
		source, _, _ := strings.Cut(strings.TrimPrefix(document, "# Source: "), "\n")
		objects[fmt.Sprintf("%s, document %d", source, len(objects))] = []byte(document) // a template may have several
	}
	for _, h := range r.Hooks {
		objects[h.Path] = []byte(h.Manifest)
	}
	return objects
}

// count is how many objects of a kind there are.
func count(t *testing.T, c kubernetes.Interface, path string) int {
	t.Helper()
	raw, err := c.CoreV1().RESTClient().Get().AbsPath(path).Do(t.Context()).Raw()
	if err != nil {
		t.Fatal(err)
	}
	var list struct{ Items []any }
	decodeInto(t, raw, &list)
	return len(list.Items)
}
