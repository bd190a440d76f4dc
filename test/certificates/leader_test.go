package certificates_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A controller that loses its Lease ends, since what only the leader runs cannot be started again within a process, and
// another one leads. The webhook is another process, so that no admission is lost.
func TestALostLeaseCostsNoAdmission(t *testing.T) {
	t.Parallel()
	const lease = leaderLease
	e, load := underLoad(t, modes["self-signed"].certs, 2)
	old := e.leader(t)
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
		case <-old.stoodDown:
			return ""
		default:
			return "a controller that lost its Lease does not end"
		}
	})
	select {
	case <-old.ended:
		t.Error("the webhook ended with the controller")
	default:
	}
	if said := old.said(t); !strings.Contains(said, "leader election lost") {
		t.Errorf("the controller does not say why it ended:\n%s", said[max(0, len(said)-4000):])
	}
	next := e.replicas[0]
	if next == old {
		next = e.replicas[1]
	}
	eventually(t, func() string {
		now, err := leases.Get(t.Context(), lease, metav1.GetOptions{})
		if err != nil || now.Spec.HolderIdentity == nil || !strings.Contains(next.said(t), *now.Spec.HolderIdentity) {
			return fmt.Sprintf("the other controller does not lead (%v)", err)
		}
		return ""
	})
	took := time.Since(began)
	load.end(t, e, fmt.Sprintf("a leader that lost its Lease, and another one after %s", took.Round(time.Second)))
}

// A Secret that is deleted while nobody leads costs no admission: each replica renews by the CA that signed for it last.
func TestALostSecretWaitsForALeader(t *testing.T) {
	t.Parallel()
	e, load := underLoad(t, compressed, 2)
	for _, r := range e.replicas {
		r.resign()
	}
	before := e.read(t)
	if err := e.client.CoreV1().Secrets(releaseNamespace).Delete(t.Context(), secretName, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	const series, renewals = `outrider_certificate_rotations_total{certificate="serving"}`, 4 // the first certificate has expired by the third
	for _, r := range e.replicas {
		first := r.metric(t, series)
		eventually(t, func() string {
			if n := r.metric(t, series) - first; n < renewals {
				return fmt.Sprintf("%v renewals without a Secret, want %d", n, renewals)
			}
			return ""
		})
	}
	load.unharmed(t, e, "nobody leads")
	e.startReady(t)
	e.await(t, "the Secret's return", func(now keeping) bool { return now.signing != "" && now.signing != before.signing })
	load.end(t, e, fmt.Sprintf("no Secret and no leader for %d renewals, then a leader", renewals))
}
