package apiserver_test

import (
	"testing"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/cli"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/kubernetes"

	"github.com/outrider-dev/outrider/cmd/outrider/release"
)

const (
	definitionPath = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/exporters.outrider.dev"
	exportersPath  = "/apis/outrider.dev/v1alpha1/exporters"
)

// helm installs the chart in an API server where nothing runs, and so waits for nothing.
type helm struct {
	kubeconfig, namespace string
	takeOwnership         bool
}

func (h helm) configuration(t *testing.T) *action.Configuration {
	t.Helper()
	settings := cli.New()
	settings.KubeConfig = h.kubeconfig
	settings.SetNamespace(h.namespace)
	cfg := &action.Configuration{}
	if err := cfg.Init(settings.RESTClientGetter(), h.namespace, "secret", func(string, ...any) {}); err != nil {
		t.Fatal(err)
	}
	return cfg
}

func (h helm) install(t *testing.T, values map[string]any) error {
	t.Helper()
	c, err := release.Chart()
	if err != nil {
		t.Fatal(err)
	}
	install := action.NewInstall(h.configuration(t))
	install.ReleaseName, install.Namespace, install.CreateNamespace = "outrider", h.namespace, true
	install.TakeOwnership = h.takeOwnership
	_, err = install.Run(c, values)
	return err
}

func (h helm) upgrade(t *testing.T) {
	t.Helper()
	c, err := release.Chart()
	if err != nil {
		t.Fatal(err)
	}
	upgrade := action.NewUpgrade(h.configuration(t))
	upgrade.Namespace = h.namespace
	if _, err := upgrade.Run("outrider", c, nil); err != nil {
		t.Fatal(err)
	}
}

func (h helm) uninstall(t *testing.T) {
	t.Helper()
	if _, err := action.NewUninstall(h.configuration(t)).Run("outrider"); err != nil {
		t.Fatal(err)
	}
}

// The CustomResourceDefinition and the Exporters outlive the release, are taken up by the next one, and follow its
// upgrades.
func TestExportersOutliveTheRelease(t *testing.T) {
	server, c := ownServer(t)
	here := helm{kubeconfig: server.Kubeconfig(), namespace: "outrider"}
	if err := here.install(t, nil); err != nil {
		t.Fatal(err)
	}
	body, err := varnish(t, `{}`).MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, func() string { // once the kind is served
		err := c.CoreV1().RESTClient().Post().AbsPath(exportersPath).SetHeader("Content-Type", "application/json").Body(body).Do(t.Context()).Error()
		if err != nil {
			return err.Error()
		}
		return ""
	})

	here.uninstall(t)
	if exists(t, c, "/apis/apps/v1/namespaces/outrider/deployments/outrider-controller") {
		t.Error("the controller is still there")
	}
	if !exists(t, c, definitionPath) || !exists(t, c, exportersPath+"/varnish") {
		t.Fatal("the uninstallation took the Exporters along")
	}
	if err := here.install(t, nil); err != nil {
		t.Fatalf("install over what was left: %v", err)
	}
	forget(t, c)
	here.upgrade(t)
	if printed(t, c) == 0 {
		t.Error("the upgrade left the CustomResourceDefinition as it was")
	}
	here.uninstall(t)
	t.Run("elsewhere", func(t *testing.T) { elsewhere(t, c, helm{kubeconfig: server.Kubeconfig(), namespace: "elsewhere"}) })
}

// elsewhere installs a release of another namespace over what the first one left.
func elsewhere(t *testing.T, c kubernetes.Interface, there helm) {
	if err := there.install(t, nil); err == nil {
		t.Fatal("it took over what it does not own without being asked")
	}
	there.takeOwnership = true
	if err := there.install(t, map[string]any{"crds": map[string]any{"keep": false}}); err != nil {
		t.Fatalf("install with --take-ownership: %v", err)
	}
	there.uninstall(t)
	eventually(t, func() string {
		if exists(t, c, definitionPath) {
			return "crds.keep false kept the CustomResourceDefinition"
		}
		return ""
	})
}

func exists(t *testing.T, c kubernetes.Interface, path string) bool {
	t.Helper()
	err := c.CoreV1().RESTClient().Get().AbsPath(path).Do(t.Context()).Error()
	if err != nil && !apierrors.IsNotFound(err) {
		t.Fatal(err)
	}
	return err == nil
}

// forget makes the definition an older one, without its columns.
func forget(t *testing.T, c kubernetes.Interface) {
	t.Helper()
	patch := []byte(`[{"op": "remove", "path": "/spec/versions/0/additionalPrinterColumns"}]`)
	if err := c.CoreV1().RESTClient().Patch("application/json-patch+json").AbsPath(definitionPath).Body(patch).Do(t.Context()).Error(); err != nil {
		t.Fatal(err)
	}
}

func printed(t *testing.T, c kubernetes.Interface) int {
	t.Helper()
	raw, err := c.CoreV1().RESTClient().Get().AbsPath(definitionPath).Do(t.Context()).Raw()
	if err != nil {
		t.Fatal(err)
	}
	var crd struct {
		Spec struct {
			Versions []struct{ AdditionalPrinterColumns []any }
		}
	}
	decodeInto(t, raw, &crd)
	return len(crd.Spec.Versions[0].AdditionalPrinterColumns)
}
