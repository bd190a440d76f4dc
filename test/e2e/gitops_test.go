package e2e_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/outrider-dev/outrider/test/corpus"
)

// testGitOps holds that tools which compare what the chart renders with what
// lives find no drift: every rendered object, applied by the server as a dry-run
// for another owner, leaves the live one as it is, and does so again. What the
// controller writes at run time, the caBundle above all, is there by then.
func testGitOps(t *testing.T, e *env) {
	c, err := client.New(e.cluster.RESTConfig(), client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	info, err := e.client.Discovery().ServerVersion()
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	for range 2 {
		rendered, err := e.release.Render(e.values(interval), info.GitVersion)
		if err != nil {
			t.Fatal(err)
		}
		objects, err := corpus.Decode([]byte(rendered))
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range objects {
			wanted := &unstructured.Unstructured{Object: o}
			name := wanted.GetKind() + " " + wanted.GetName()
			if mapping, err := c.RESTMapper().RESTMapping(wanted.GroupVersionKind().GroupKind(), wanted.GroupVersionKind().Version); err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			} else if mapping.Scope.Name() == "namespace" && wanted.GetNamespace() == "" {
				wanted.SetNamespace("outrider")
			}
			live := &unstructured.Unstructured{}
			live.SetGroupVersionKind(wanted.GroupVersionKind())
			if err := c.Get(t.Context(), client.ObjectKeyFromObject(wanted), live); err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			err := c.Apply(t.Context(), client.ApplyConfigurationFromUnstructured(wanted), client.FieldOwner("gitops"), client.ForceOwnership, client.DryRunAll)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if diff := cmp.Diff(lasting(live), lasting(wanted)); diff != "" {
				t.Errorf("%s drifts (-live +applied):\n%s", name, diff)
			}
			compared++
		}
	}
	if compared < 100 {
		t.Errorf("only %d objects were compared", compared)
	}
	say(t, "%d objects of the rendered chart, applied as dry-runs to the live release: no difference", compared/2)
}

// lasting is an object without what every write changes, and without what its
// controller reports.
func lasting(o *unstructured.Unstructured) map[string]any {
	o = o.DeepCopy()
	for _, field := range []string{"managedFields", "resourceVersion", "generation"} {
		unstructured.RemoveNestedField(o.Object, "metadata", field)
	}
	unstructured.RemoveNestedField(o.Object, "status")
	return o.Object
}
