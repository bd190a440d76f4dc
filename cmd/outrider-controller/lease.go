package main

import (
	"fmt"
	"os"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/uuid"
	coordinationv1 "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	ctrl "sigs.k8s.io/controller-runtime"
)

// electLeader has the manager elect a leader. One that loses its Lease ends, and is
// started again: what it runs cannot be stopped and started within a process. The
// webhook is served by others.
func electLeader(to *ctrl.Options, config *rest.Config, o Options) error {
	if !o.LeaderElect || !o.Role.leads() {
		return nil
	}
	host, err := os.Hostname()
	if err != nil {
		return fmt.Errorf("name this replica: %w", err)
	}
	renewDeadline, retryPeriod := o.LeaseDuration*2/3, o.LeaseDuration*2/15
	config = rest.CopyConfig(config)
	config.Timeout = max(renewDeadline/2, time.Second)
	leases, err := coordinationv1.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("create client for leases: %w", err)
	}
	identity := host + "_" + string(uuid.NewUUID())
	ctrl.Log.Info("standing for election", "lease", o.LeaderElectionID, "identity", identity)
	to.LeaderElection, to.LeaderElectionID, to.LeaderElectionReleaseOnCancel = true, o.LeaderElectionID, true
	to.LeaseDuration, to.RenewDeadline, to.RetryPeriod = &o.LeaseDuration, &renewDeadline, &retryPeriod
	to.LeaderElectionResourceLockInterface = o.Certificates.Lock(&resourcelock.LeaseLock{
		LeaseMeta:  metav1.ObjectMeta{Namespace: o.Certificates.Namespace, Name: o.LeaderElectionID},
		Client:     leases,
		LockConfig: resourcelock.ResourceLockConfig{Identity: identity},
	})
	return nil
}
