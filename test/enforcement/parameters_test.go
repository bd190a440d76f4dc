package enforcement_test

import (
	"encoding/json"
	"fmt"
	"testing"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/outrider-dev/outrider/cmd/outrider/release"
	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/test/manifest"
)

// TestParametersAreKept: a custom Exporter is enforced as soon as it is in force, and what another client writes is reverted.
func TestParametersAreKept(t *testing.T) {
	injecting(t)
	c := client(t)
	ns := namespace(t, sidecars.EnforceDeny, sidecars.Namespace{})
	varnish := redis()
	varnish.Spec.Containers[0].Image = "varnish:7"
	if got := create(t, ns, varnish); got.what != "allowed" {
		t.Fatalf("before there is an exporter: %s", got)
	}
	const path = "/apis/outrider.dev/v1alpha1/exporters"
	exporter := `{"apiVersion": "outrider.dev/v1alpha1", "kind": "Exporter", "metadata": {"name": "varnish"}, "spec": {
		"type": "native", "port": 9131, "upMetric": "varnish_up", "recognize": {"images": ["varnish"]}}}`
	if err := c.CoreV1().RESTClient().Post().AbsPath(path).SetHeader("Content-Type", "application/json").Body([]byte(exporter)).Do(t.Context()).Error(); err != nil {
		t.Fatal(err)
	}
	until := func(want string) {
		t.Helper()
		eventually(t, func() string {
			if got := create(t, ns, varnish); got.what != want {
				return fmt.Sprintf("%s, want it %s", got, want)
			}
			return ""
		})
	}
	until("denied")
	patch := `{"data": {"image.varnish": null, "image.busybox": "redis"}}`
	if _, err := c.CoreV1().ConfigMaps(releaseNamespace).Patch(t.Context(), parameters, types.MergePatchType, []byte(patch), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() string {
		now, err := c.CoreV1().ConfigMaps(releaseNamespace).Get(t.Context(), parameters, metav1.GetOptions{})
		if err != nil || now.Data["image.varnish"] != "varnish" || now.Data["image.busybox"] != "" {
			return fmt.Sprintf("the parameters are not put right: %v %v", err, now.Data)
		}
		return ""
	})
	if err := c.CoreV1().RESTClient().Delete().AbsPath(path, "varnish").Do(t.Context()).Error(); err != nil {
		t.Fatal(err)
	}
	until("allowed")
}

// TestWithoutParametersNothingIsEnforced: neither an empty object nor a missing one stops a pod.
func TestWithoutParametersNothingIsEnforced(t *testing.T) {
	injecting(t)()
	c, ctx := client(t), t.Context()
	ns := namespace(t, sidecars.EnforceDeny, sidecars.Namespace{})
	maps := c.CoreV1().ConfigMaps(releaseNamespace)
	before, err := maps.Get(ctx, parameters, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	until := func(want string) {
		t.Helper()
		eventually(t, func() string {
			if got := create(t, ns, redis()); got.what != want {
				return fmt.Sprintf("%s, want it %s", got, want)
			}
			return ""
		})
	}
	until("denied")
	empty := before.DeepCopy()
	empty.Data = nil
	if _, err := maps.Update(ctx, empty, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	until("allowed")
	injecting(t)()
	until("denied")
	if err := maps.Delete(ctx, parameters, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	until("allowed")
	empty.ResourceVersion, empty.UID = "", "" // as helm upgrade would
	if _, err := maps.Create(ctx, empty, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	injecting(t)()
	until("denied")
}

// TestEveryRenderingCompiles has the API server compile the policies as the chart renders them with other values.
func TestEveryRenderingCompiles(t *testing.T) {
	c := client(t)
	for _, values := range []map[string]any{nil, {"webhook": map[string]any{"optIn": "all"}}} {
		objects, err := manifest.Rendered(release.Release{}, values, "1.30.0")
		if err != nil {
			t.Fatal(err)
		}
		compiled := 0
		for _, o := range objects {
			if o["kind"] != "ValidatingAdmissionPolicy" {
				continue
			}
			raw, err := json.Marshal(o)
			if err != nil {
				t.Fatal(err)
			}
			var policy admissionv1.ValidatingAdmissionPolicy
			if err := json.Unmarshal(raw, &policy); err != nil {
				t.Fatal(err)
			}
			policy.Name += "-again"
			if _, err := c.AdmissionregistrationV1().ValidatingAdmissionPolicies().Create(t.Context(), &policy, metav1.CreateOptions{DryRun: []string{"All"}}); err != nil {
				t.Errorf("%s: %v", policy.Name, err)
			}
			compiled++
		}
		if compiled != 3 {
			t.Errorf("%d policies, want 3", compiled)
		}
	}
}
