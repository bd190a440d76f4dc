package enforcement_test

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/outrider-dev/outrider/sidecars"
)

// TestPoliciesAreWhereTheServerHasThem: where the API server has no policies, the chart installs all the same, says that
// nothing is enforced, and nothing is.
func TestPoliciesAreWhereTheServerHasThem(t *testing.T) {
	c := anyClient(t)
	resources, err := c.Discovery().ServerResourcesForGroupVersion("admissionregistration.k8s.io/v1")
	if err != nil {
		t.Fatal(err)
	}
	has := false
	for _, r := range resources.APIResources {
		has = has || r.Name == "validatingadmissionpolicies"
	}
	if has == api.Before(policies) {
		t.Fatalf("policies of Kubernetes %s: %v", api.Version(), has)
	}
	const says = "outrider.dev/enforce does nothing here"
	if strings.Contains(notes, says) == has {
		t.Errorf("policies of the API server: %v, and the notes say:\n%s", has, notes)
	}
	if !has {
		if got := create(t, namespace(t, sidecars.EnforceDeny, sidecars.Namespace{}), redis()); got.what != "allowed" {
			t.Errorf("without policies: %s", got)
		}
		return
	}
	ours, err := c.AdmissionregistrationV1().ValidatingAdmissionPolicies().List(t.Context(), metav1.ListOptions{LabelSelector: "app.kubernetes.io/instance=outrider"})
	if err != nil || len(ours.Items) != 3 {
		t.Errorf("%d policies, %v; want 3", len(ours.Items), err)
	}
}
