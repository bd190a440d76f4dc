package apiserver_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	ctrlclient "sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/outrider-dev/outrider/cmd/outrider/release"
	"github.com/outrider-dev/outrider/test/endpoint"
	"github.com/outrider-dev/outrider/test/manifest"
)

// TestNothingDrifts holds that tools which compare what the chart renders with
// what lives find no difference: each rendered object, applied by the server as a
// dry-run for another owner, leaves the live one as it is, and does so again. By
// then the real controller has written what it writes at run time, the caBundle
// above all.
func TestNothingDrifts(t *testing.T) {
	server, c := ownServer(t)
	client, err := ctrlclient.New(server.Config(), ctrlclient.Options{})
	if err != nil {
		t.Fatal(err)
	}
	info, err := c.Discovery().ServerVersion()
	if err != nil {
		t.Fatal(err)
	}
	here := helm{kubeconfig: server.Kubeconfig(), namespace: releaseNamespace}
	for _, preset := range []string{"default", "ha", "webhook-only"} {
		t.Run(preset, func(t *testing.T) {
			values, err := release.Preset(preset)
			if err != nil {
				t.Fatal(err)
			}
			if err := here.install(t, values); err != nil {
				t.Fatal(err)
			}
			defer here.uninstall(t)
			runtimeState(t, c, server.Kubeconfig())
			for range 2 {
				objects, err := manifest.Rendered(release.Release{}, values, info.GitVersion)
				if err != nil {
					t.Fatal(err)
				}
				for _, o := range objects {
					if diff := drift(t, client, o); diff != "" {
						t.Errorf("%s drifts (-live +applied):\n%s", o["kind"], diff)
					}
				}
				t.Logf("%d objects compared", len(objects))
			}
			seesDrift(t, c, client, values, info.GitVersion)
		})
	}
}

// runtimeState runs the real controller until it has written its caBundle.
func runtimeState(t *testing.T, c kubernetes.Interface, kubeconfig string) {
	t.Helper()
	ctl := launch(t, "--kubeconfig="+kubeconfig, "--webhook-bind-address="+endpoint.FreeFor(t))
	defer ctl.stop()
	eventually(t, func() string {
		config, err := c.AdmissionregistrationV1().MutatingWebhookConfigurations().Get(t.Context(), "00-outrider", metav1.GetOptions{})
		if err != nil {
			return err.Error()
		}
		if len(config.Webhooks[0].ClientConfig.CABundle) == 0 {
			return "the controller writes no caBundle"
		}
		return ""
	})
}

// seesDrift changes a live object, and has it found.
func seesDrift(t *testing.T, c kubernetes.Interface, client ctrlclient.Client, values map[string]any, version string) {
	t.Helper()
	patch := []byte(`{"spec":{"replicas":7}}`)
	must(t)(c.AppsV1().Deployments(releaseNamespace).Patch(t.Context(), "outrider-controller", types.MergePatchType, patch, metav1.PatchOptions{}))
	objects, err := manifest.Rendered(release.Release{}, values, version)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, o := range objects {
		if drift(t, client, o) != "" {
			found++
		}
	}
	if found != 1 {
		t.Errorf("one object was changed, and %d are found to drift", found)
	}
}

// drift applies an object as a dry-run and says how the result differs from the
// live one.
func drift(t *testing.T, client ctrlclient.Client, object map[string]any) string {
	t.Helper()
	wanted := &unstructured.Unstructured{Object: object}
	live := &unstructured.Unstructured{}
	live.SetGroupVersionKind(wanted.GroupVersionKind())
	namespaced, err := client.IsObjectNamespaced(wanted)
	if err != nil {
		t.Fatalf("%s: %v", wanted.GetKind(), err)
	}
	if namespaced && wanted.GetNamespace() == "" {
		wanted.SetNamespace(releaseNamespace)
	}
	if err := client.Get(t.Context(), ctrlclient.ObjectKeyFromObject(wanted), live); err != nil {
		t.Fatalf("%s %s: %v", wanted.GetKind(), wanted.GetName(), err)
	}
	if err := client.Apply(t.Context(), ctrlclient.ApplyConfigurationFromUnstructured(wanted), ctrlclient.FieldOwner("gitops"), ctrlclient.ForceOwnership, ctrlclient.DryRunAll); err != nil {
		t.Fatalf("%s %s: %v", wanted.GetKind(), wanted.GetName(), err)
	}
	return cmp.Diff(lasting(live), lasting(wanted))
}

// lasting is an object without what every write changes.
func lasting(o *unstructured.Unstructured) map[string]any {
	o = o.DeepCopy()
	for _, field := range []string{"managedFields", "resourceVersion", "generation"} {
		unstructured.RemoveNestedField(o.Object, "metadata", field)
	}
	return o.Object
}
