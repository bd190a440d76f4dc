package certificates_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A replica that loses the Lease by which it reports and repairs loses no admission: it serves on, and leaves as in a
// rollout, since what only the leader runs cannot be started again.
func TestALostLeaseCostsNoAdmission(t *testing.T) {
	t.Parallel()
	const lease = "outrider-leader"
	e := newEnv(t)
	e.install(t, modes["self-signed"].certs)
	for range 2 {
		e.startReady(t)
	}
	load := e.startLoad(t)
	load.more(t, 20)
	old := e.leader(t, lease)
	began := time.Now()
	leases := e.client.CoordinationV1().Leases(releaseNamespace)
	eventually(t, func() string { // its holder writes it every other second
		taken, err := leases.Get(t.Context(), lease, metav1.GetOptions{})
		if err != nil {
			return err.Error()
		}
		other, now := "other", metav1.NowMicro()
		taken.Spec.HolderIdentity, taken.Spec.RenewTime = &other, &now
		if _, err := leases.Update(t.Context(), taken, metav1.UpdateOptions{}); err != nil {
			return err.Error()
		}
		return ""
	})
	eventually(t, func() string {
		select {
		case <-old.ended:
			return ""
		default:
			return "a replica that lost its Lease does not leave"
		}
	})
	said := old.said(t)
	lost, left := strings.Index(said, "no longer leading; still serving"), strings.Index(said, "terminating; still serving")
	if lost < 0 || left < lost || strings.Contains(said, "leader election lost") {
		t.Errorf("the replica did not leave as in a rollout:\n%s", said[max(0, len(said)-4000):])
	}
	e.service.remove(old)
	e.forget(old)
	eventually(t, func() string {
		now, err := leases.Get(t.Context(), lease, metav1.GetOptions{})
		if err != nil || now.Spec.HolderIdentity == nil || !strings.Contains(e.replicas[0].said(t), *now.Spec.HolderIdentity) {
			return fmt.Sprintf("the other replica does not lead (%v)", err)
		}
		return ""
	})
	took := time.Since(began)
	load.end(t, e, fmt.Sprintf("a leader that lost its Lease, and another one after %s", took.Round(time.Second)))
}
