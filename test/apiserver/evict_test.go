package apiserver_test

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/outrider-dev/outrider/webhook/events"
)

// gone waits until a pod is.
func (s *set) gone(pod *corev1.Pod) {
	s.t.Helper()
	eventually(s.t, func() string {
		if s.there(pod) {
			return fmt.Sprintf("pod %s/%s is not evicted", s.ns, pod.Name)
		}
		return ""
	})
}

func (s *set) there(pod *corev1.Pod) bool {
	s.t.Helper()
	_, err := s.c.CoreV1().Pods(s.ns).Get(s.t.Context(), pod.Name, metav1.GetOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		s.t.Fatal(err)
	}
	return err == nil
}

// left waits until the leader has looked at a pod and said why it leaves it, and
// holds that it did.
func (s *set) left(pod *corev1.Pod, why string) {
	s.t.Helper()
	eventually(s.t, func() string {
		for line := range strings.Lines(s.replicas[0].said(s.t)) {
			if strings.Contains(line, `"msg":"not repaired"`) && strings.Contains(line, "Pod/"+s.ns+"/"+pod.Name+`"`) && strings.Contains(line, why) {
				return ""
			}
		}
		return fmt.Sprintf("nothing is said about pod %s/%s: want %q", s.ns, pod.Name, why)
	})
	if !s.there(pod) {
		s.t.Errorf("pod %s/%s is gone", s.ns, pod.Name)
	}
}

// budget protects all pods of the set as a disruption controller would have it.
func (s *set) budget() *policyv1.PodDisruptionBudget {
	s.t.Helper()
	all := intstr.FromString("100%")
	budgets := s.c.PolicyV1().PodDisruptionBudgets(s.ns)
	b, err := budgets.Create(s.t.Context(), &policyv1.PodDisruptionBudget{
		ObjectMeta: metav1.ObjectMeta{Name: "shop"},
		Spec:       policyv1.PodDisruptionBudgetSpec{MinAvailable: &all, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "shop"}}},
	}, metav1.CreateOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	b.Status = policyv1.PodDisruptionBudgetStatus{ObservedGeneration: b.Generation, ExpectedPods: 3, DesiredHealthy: 3, CurrentHealthy: 2}
	if b, err = budgets.UpdateStatus(s.t.Context(), b, metav1.UpdateOptions{}); err != nil {
		s.t.Fatal(err)
	}
	return b
}

// readyReplicas reports that so many of the set's pods are ready.
func (s *set) readyReplicas(n int32) {
	s.t.Helper()
	rs, err := s.c.AppsV1().ReplicaSets(s.ns).Get(s.t.Context(), s.rs.Name, metav1.GetOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	rs.Status.Replicas, rs.Status.ReadyReplicas = n, n
	must(s.t)(s.c.AppsV1().ReplicaSets(s.ns).UpdateStatus(s.t.Context(), rs, metav1.UpdateOptions{}))
}

// Pods that wait for nothing but a suspended exporter are evicted, one at a time;
// all others stay, and so does what a budget protects.
func TestEvict(t *testing.T) {
	g := newGuarded(t, nil, 1)
	g.start("--breaker-timeout=1s", "--breaker-stable=10s", "--breaker-backoff=1h", "--repair-interval=100ms")
	g.define()
	s := g.set(nil)
	s.refused(false)

	// Everything is created before anything fails, while the exporter is injected.
	bare, job, serves, protected := s.template(), s.template(), s.template(), s.template()
	bare.OwnerReferences = nil
	job.OwnerReferences[0].APIVersion, job.OwnerReferences[0].Kind = "batch/v1", "Job"
	bare, job, serves, protected = s.create(bare), s.create(job), s.create(serves), s.create(protected)
	off, elsewhere := g.set(map[string]string{"outrider.dev/repair": "false"}), g.set(nil)
	untouched := off.create(off.template())
	other := elsewhere.create(elsewhere.template())
	stuck := []*corev1.Pod{s.create(s.template()), s.create(s.template())}

	b := s.budget()
	other = elsewhere.become(other, corev1.PodPending, notPulled, true) // ready all the same: some other condition of it
	s.become(serves, corev1.PodRunning, notPulled, true)
	s.become(protected, corev1.PodRunning, notPulled, false)
	s.become(bare, corev1.PodPending, notPulled, false)
	s.become(job, corev1.PodPending, notPulled, false)
	off.become(untouched, corev1.PodPending, notPulled, false)
	for _, pod := range stuck {
		s.become(pod, corev1.PodPending, notPulled, false)
	}
	s.refused(true)
	off.refused(true)

	// One of the two; the other waits until another pod is ready in its place.
	eventually(t, func() string {
		if s.there(stuck[0]) && s.there(stuck[1]) {
			return "no stuck pod is evicted"
		}
		return ""
	})
	if !s.there(stuck[0]) && !s.there(stuck[1]) {
		t.Error("two pods of one namespace were evicted at a time")
	}
	s.readyReplicas(1)
	s.gone(stuck[0])
	s.gone(stuck[1])
	s.event(s.ns, "ReplicaSet", events.PodEvicted.Reason, "evicted pod shop-")
	s.readyReplicas(2)

	s.left(protected, "a PodDisruptionBudget does not allow it now")
	s.left(bare, "nothing would create it again")
	s.left(job, "nothing would create it again")
	off.left(untouched, "outrider.dev/repair")
	if !s.there(serves) || !elsewhere.there(other) {
		t.Error("a pod that is ready was evicted")
	}
	b.Status.CurrentHealthy, b.Status.DisruptionsAllowed = 4, 1
	must(t)(s.c.PolicyV1().PodDisruptionBudgets(s.ns).UpdateStatus(t.Context(), b, metav1.UpdateOptions{}))
	s.gone(protected)

	for result, want := range map[string]float64{"done": 3, "failed": 0, "waiting": 4} {
		eventually(t, func() string { // an eviction is counted after it
			if got := g.replicas[0].metric(t, fmt.Sprintf(`outrider_repairs_total{action="evict",result=%q}`, result)); got < want || result != "waiting" && got != want {
				return fmt.Sprintf("%v evictions are %s, want %v", got, result, want)
			}
			return ""
		})
	}
}
