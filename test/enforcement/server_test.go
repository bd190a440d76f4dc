package enforcement_test

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestPoliciesAreInstalled counts the release's policies.
func TestPoliciesAreInstalled(t *testing.T) {
	ours, err := client(t).AdmissionregistrationV1().ValidatingAdmissionPolicies().List(t.Context(), metav1.ListOptions{LabelSelector: "app.kubernetes.io/instance=outrider"})
	if err != nil || len(ours.Items) != 3 {
		t.Errorf("%d policies, %v; want 3", len(ours.Items), err)
	}
}
