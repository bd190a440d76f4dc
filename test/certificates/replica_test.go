package certificates_test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/outrider-dev/outrider/test/cluster/build"
	"github.com/outrider-dev/outrider/test/endpoint"
)

// replica is one process of the webhook, and one of the controller that leads or waits to.
type replica struct {
	webhook, health, metrics string // addresses
	log                      string // file
	leads                    string // address of the metrics of its controller
	process, leader          *os.Process
	ended, stoodDown         chan struct{} // closed when they end
	ready                    atomic.Bool
}

// leaderLease is the Lease by which one controller leads.
const leaderLease = "outrider-leader"

// controller builds the real binary, once.
var controller = sync.OnceValues(func() (string, error) {
	ctx, cancel := background(10 * time.Minute)
	defer cancel()
	return build.Main(ctx, "./cmd/outrider-controller")
})

// start runs a replica under the flags of the Deployments as they are now, and puts it behind the Service.
func (e *env) start(t *testing.T) *replica {
	t.Helper()
	binary, err := controller()
	if err != nil {
		t.Fatal(err)
	}
	return e.startBinary(t, binary)
}

func (e *env) startBinary(t *testing.T, binary string) *replica {
	t.Helper()
	log, err := os.CreateTemp(t.TempDir(), "outrider-*.log")
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	r := &replica{webhook: endpoint.FreeFor(t), health: endpoint.FreeFor(t), metrics: endpoint.FreeFor(t), leads: endpoint.FreeFor(t), log: log.Name(), ended: make(chan struct{}), stoodDown: make(chan struct{})}
	r.process = e.run(t, binary, "outrider-webhook", log, r.ended, "--kubeconfig="+e.serves, "--webhook-bind-address="+r.webhook,
		"--health-probe-bind-address="+r.health, "--metrics-bind-address="+r.metrics, "--shutdown-delay=500ms")
	r.leader = e.run(t, binary, "outrider-controller", log, r.stoodDown, "--kubeconfig="+e.kubeconfig,
		"--health-probe-bind-address=0", "--metrics-bind-address="+r.leads, "--lease-duration=3s")
	go r.watchReadiness()
	e.service.add(r)
	e.replicas = append(e.replicas, r)
	return r
}

// run starts the process of a Deployment's container, under further flags: one that is given twice counts as it was given last.
func (e *env) run(t *testing.T, binary, of string, log *os.File, ended chan struct{}, flags ...string) *os.Process {
	t.Helper()
	deployment, err := e.client.AppsV1().Deployments(releaseNamespace).Get(t.Context(), of, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, append(append(deployment.Spec.Template.Spec.Containers[0].Args, "--log-level=debug"), flags...)...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _ = cmd.Wait(); close(ended) }()
	t.Cleanup(func() { _ = cmd.Process.Kill(); <-ended })
	return cmd.Process
}

// startReady does so and waits until the replica is ready.
func (e *env) startReady(t *testing.T) *replica {
	t.Helper()
	r := e.start(t)
	e.awaitReady(t, r)
	return r
}

func (e *env) awaitReady(t *testing.T, r *replica) {
	t.Helper()
	eventually(t, func() string {
		if r.ready.Load() {
			return ""
		}
		body, _ := endpoint.Get("http://" + r.health + "/readyz?verbose")
		said := r.said(t)
		return fmt.Sprintf("the replica is not ready: %s\n%s", body, said[max(0, len(said)-6000):])
	})
}

// watchReadiness is the kubelet's readiness probe.
func (r *replica) watchReadiness() {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-r.ended:
			r.ready.Store(false)
			return
		case <-tick.C:
			_, status := endpoint.Get("http://" + r.health + "/readyz")
			r.ready.Store(status == http.StatusOK)
		}
	}
}

// terminate ends a replica as a rollout does: no new connections, SIGTERM, and the process takes its time.
func (e *env) terminate(t *testing.T, r *replica) {
	t.Helper()
	e.service.remove(r)
	r.resign()
	if err := r.process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	<-r.ended
	e.forget(r)
}

func (e *env) forget(r *replica) {
	var kept []*replica
	for _, other := range e.replicas {
		if other != r {
			kept = append(kept, other)
		}
	}
	e.replicas = kept
}

// roll replaces every replica by one under the Deployment's flags, as a rolling update with maxSurge 1 and
// maxUnavailable 0 does.
func (e *env) roll(t *testing.T) {
	t.Helper()
	all := append([]*replica(nil), e.replicas...)
	for i, old := range all {
		next := e.start(t)
		if i == 0 { // the rollout of the other Deployment, which waits for no certificate
			for _, r := range all {
				r.resign()
			}
		}
		e.awaitReady(t, next)
		e.terminate(t, old)
	}
}

// resign ends the controller of a replica as a rollout does.
func (r *replica) resign() {
	_ = r.leader.Signal(os.Interrupt) // it may have ended
	<-r.stoodDown
}

// leader is the replica that keeps the certificates.
func (e *env) leader(t *testing.T) *replica {
	t.Helper()
	var found *replica
	eventually(t, func() string {
		lease, err := e.client.CoordinationV1().Leases(releaseNamespace).Get(t.Context(), leaderLease, metav1.GetOptions{})
		if err != nil || lease.Spec.HolderIdentity == nil || *lease.Spec.HolderIdentity == "" {
			return fmt.Sprintf("nobody leads: %v", err)
		}
		for _, r := range e.replicas {
			if strings.Contains(r.said(t), *lease.Spec.HolderIdentity) {
				found = r
				return ""
			}
		}
		return "the leader is gone"
	})
	return found
}

// said is the replica's log so far.
func (r *replica) said(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile(r.log)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// metric is the sum of the replica's series that begin like this.
func (r *replica) metric(t *testing.T, series string) float64 {
	t.Helper()
	sum, err := endpoint.Sum(r.metrics, series)
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-r.stoodDown:
		return sum
	default:
	}
	more, err := endpoint.Sum(r.leads, series)
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasPrefix(series, "outrider_certificate_expiration") {
		return max(sum, more)
	}
	return sum + more
}
