package faults_test

import (
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// testReplicasKilled ends replicas with SIGKILL, at random, one at a time: the pod that the API server is
// about to ask them for comes without its exporter, and so do others until the Service leaves them out.
func testReplicasKilled(t *testing.T, e *env) {
	l := e.startLoad(t, false)
	chance := rand.New(rand.NewPCG(1, 2))
	kills := 1
	if *every {
		kills = 3
	}
	for range kills {
		l.more(t, int64(20+chance.IntN(40)))
		pods, err := e.replicas(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		before := e.restarts(t)
		e.signal(t, &pods[chance.IntN(len(pods))], syscall.SIGKILL)
		l.rollOut(t)
		eventually(t, func() string {
			if e.restarts(t) == before {
				return "a killed replica is not restarted"
			}
			return e.ready(t.Context())
		})
	}
	c := l.end(t)
	say(t, "%d replicas of 2 killed with SIGKILL: %d of %d pods came without their exporter", kills, c.missed, c.pods)
	if c.told > 0 {
		t.Errorf("%d pods were refused their exporter", c.told)
	}
}

// testReplicasHang stops both replicas with SIGSTOP: they take connections and answer nothing, so that each
// call lasts for the webhook's timeout. No pod is lost.
func testReplicasHang(t *testing.T, e *env) {
	l := e.startLoad(t, false)
	l.more(t, 20)
	pods, err := e.replicas(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i := range pods {
		e.signal(t, &pods[i], syscall.SIGSTOP)
	}
	l.rollOut(t)
	began := time.Now()
	l.more(t, 12)
	took := time.Since(began)
	for i := range pods {
		e.signal(t, &pods[i], syscall.SIGCONT)
	}
	eventually(t, func() string { return e.ready(t.Context()) })
	c := l.end(t)
	say(t, "both replicas stopped with SIGSTOP for %s: %d of %d pods came without their exporter", took.Round(time.Second), c.missed, c.pods)
	if c.missed == 0 && *mode == "webhook" {
		t.Error("no pod was missed, so the replicas did not hang")
	}
}

// testScaledToZero takes all replicas of both Deployments away, as a hasty operator does, and gives them back: no call is answered, and nobody
// watches.
func testScaledToZero(t *testing.T, e *env) {
	l := e.startLoad(t, false)
	l.more(t, 20)
	e.scale(t, 0)
	eventually(t, func() string {
		all, err := e.client.CoreV1().Pods("outrider").List(t.Context(), metav1.ListOptions{LabelSelector: "app.kubernetes.io/component in (webhook,controller)"})
		if err != nil || len(all.Items) > 0 {
			return fmt.Sprintf("%d pods are left, %v", len(all.Items), err)
		}
		return ""
	})
	l.rollOut(t)
	l.more(t, 40)
	e.scale(t, 2)
	eventually(t, func() string { return e.ready(t.Context()) })
	c := l.end(t)
	say(t, "both Deployments scaled to 0: %d of %d pods came without their exporter", c.missed, c.pods)
	if c.missed == 0 && *mode == "webhook" {
		t.Error("no pod was missed, so a replica answered")
	}
}

func (e *env) scale(t *testing.T, replicas int) {
	t.Helper()
	for _, name := range []string{serving, program} {
		patch := fmt.Sprintf(`{"spec": {"replicas": %d}}`, replicas)
		if _, err := e.client.AppsV1().Deployments("outrider").Patch(t.Context(), name, types.MergePatchType, []byte(patch), metav1.PatchOptions{}, "scale"); err != nil {
			t.Fatal(err)
		}
	}
}
