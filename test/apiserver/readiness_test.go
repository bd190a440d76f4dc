package apiserver_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/outrider-dev/outrider/test/endpoint"
)

const leaseName = "outrider-leader"

// A replica whose certificate the API server would refuse is not ready, and is
// again once the caBundle is repaired. The test holds the Lease meanwhile, so
// that no replica leads and repairs it before anybody could look.
func TestReadyMeansTrusted(t *testing.T) {
	server, c := ownServer(t)
	address, kubeconfig := endpoint.FreeFor(t), "--kubeconfig="+server.Kubeconfig()
	installWebhook(t, c, address)
	first := launch(t, kubeconfig, "--webhook-bind-address="+address) // makes the certificate
	first.stop()
	holdLease(t, c)

	replica := launch(t, kubeconfig, "--webhook-bind-address="+address)
	t.Cleanup(replica.stop)
	distrust(t, c, server.Config().CAData)
	replica.isReady(t, http.StatusInternalServerError)
	if body, _ := endpoint.Get("http://" + replica.health + "/readyz?verbose"); !strings.Contains(body, "[-]certificate failed") {
		t.Errorf("readyz does not name the check that failed:\n%s", body)
	}
	if strings.Contains(replica.said(t), "caBundle written") {
		t.Fatal("the replica leads although the test holds the Lease")
	}

	must(t)(nil, c.CoordinationV1().Leases(releaseNamespace).Delete(t.Context(), leaseName, metav1.DeleteOptions{}))
	replica.isReady(t, http.StatusOK)
	if !strings.Contains(replica.said(t), "caBundle written") {
		t.Error("the replica is ready and has not repaired the caBundle")
	}
}

// isReady waits until the replica's readiness has this status.
func (c *controller) isReady(t *testing.T, want int) {
	t.Helper()
	eventually(t, func() string {
		body, status := endpoint.Get("http://" + c.health + "/readyz")
		if status != want {
			return fmt.Sprintf("readyz is %d %s, want %d", status, body, want)
		}
		return ""
	})
}

// holdLease takes the Lease for longer than any test runs.
func holdLease(t *testing.T, c kubernetes.Interface) {
	t.Helper()
	leases := c.CoordinationV1().Leases(releaseNamespace)
	lease, err := leases.Get(t.Context(), leaseName, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	holder, seconds, now := "test", int32(3600), metav1.NewMicroTime(time.Now())
	lease.Spec = coordinationv1.LeaseSpec{HolderIdentity: &holder, LeaseDurationSeconds: &seconds, AcquireTime: &now, RenewTime: &now}
	must(t)(leases.Update(t.Context(), lease, metav1.UpdateOptions{}))
}

// distrust has every webhook trust this authority and no other.
func distrust(t *testing.T, c kubernetes.Interface, authority []byte) {
	t.Helper()
	configs := c.AdmissionregistrationV1().MutatingWebhookConfigurations()
	config, err := configs.Get(t.Context(), "00-outrider", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var ops []map[string]any
	for i := range config.Webhooks {
		ops = append(ops, map[string]any{"op": "replace", "path": fmt.Sprintf("/webhooks/%d/clientConfig/caBundle", i), "value": authority})
	}
	patch, err := json.Marshal(ops)
	if err != nil {
		t.Fatal(err)
	}
	must(t)(configs.Patch(t.Context(), "00-outrider", types.JSONPatchType, patch, metav1.PatchOptions{}))
}
