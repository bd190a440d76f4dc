package apiserver_test

import (
	"context"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// The chart renders the Lease without a word in it, so that it goes with the release: any candidate takes it, and
// it stays the same object.
func TestALeaderTakesTheChartsLease(t *testing.T) {
	c := client(t)
	ns := namespace(t, c, nil)
	empty, err := c.CoordinationV1().Leases(ns).Create(t.Context(), &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{
		Name: "outrider-leader", Labels: map[string]string{"app.kubernetes.io/managed-by": "Helm"},
	}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	leads := make(chan struct{})
	go leaderelection.RunOrDie(ctx, leaderelection.LeaderElectionConfig{
		Lock: &resourcelock.LeaseLock{
			LeaseMeta: metav1.ObjectMeta{Name: empty.Name, Namespace: ns}, Client: c.CoordinationV1(),
			LockConfig: resourcelock.ResourceLockConfig{Identity: "pod-a"},
		},
		LeaseDuration: 15 * time.Second, RenewDeadline: 10 * time.Second, RetryPeriod: 50 * time.Millisecond,
		ReleaseOnCancel: true,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(context.Context) { close(leads) },
			OnStoppedLeading: func() {},
		},
	})
	select {
	case <-leads:
	case <-time.After(30 * time.Second):
		t.Fatal("nobody leads")
	}
	taken, err := c.CoordinationV1().Leases(ns).Get(t.Context(), empty.Name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if taken.UID != empty.UID || *taken.Spec.HolderIdentity != "pod-a" || taken.Labels["app.kubernetes.io/managed-by"] != "Helm" {
		t.Errorf("the Lease became %v", taken)
	}
}
