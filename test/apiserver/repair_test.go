package apiserver_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/rest"
	ctrlclient "sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/outrider-dev/outrider/webhook/repair"
)

// missed is what the coverage controller would report.
type missed []repair.Workload

func (m *missed) Lacking(context.Context) ([]repair.Workload, error) { return *m, nil }

// said records events.
type said []string

func (s *said) Eventf(regarding, _ runtime.Object, _, reason, _, note string, args ...any) {
	*s = append(*s, reason+": "+fmt.Sprintf(note, args...))
}

// repairs is a Repairer against a real API server, with the permissions of the
// chart, and a clock of the test's.
type repairs struct {
	t      *testing.T
	c      ctrlclient.Client
	now    time.Time
	report *missed
	events *said
	*repair.Repairer
}

func newRepairs(t *testing.T, config *rest.Config) *repairs {
	t.Helper()
	admin, err := ctrlclient.New(config, ctrlclient.Options{})
	if err != nil {
		t.Fatal(err)
	}
	own := rest.CopyConfig(config)
	own.Impersonate = rest.ImpersonationConfig{UserName: account}
	limited, err := ctrlclient.New(own, ctrlclient.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := &repairs{t: t, c: admin, now: time.Now(), report: &missed{}, events: &said{}}
	r.lead(limited)
	return r
}

// lead begins anew, as another leader does.
func (r *repairs) lead(c ctrlclient.Client) {
	r.Repairer = &repair.Repairer{
		Options: repair.Options{Restart: true, Interval: 30 * time.Second, Backoff: time.Hour},
		Reader:  c, Writer: c, Coverage: r.report, Events: r.events, Metric: repair.NewMetric(prometheus.NewRegistry()),
		Now: func() time.Time { return r.now },
	}
}

// rounds lets time pass, in steps of the interval.
func (r *repairs) rounds(n int) {
	r.t.Helper()
	for range n {
		r.now = r.now.Add(30 * time.Second)
		if err := r.Round(r.t.Context()); err != nil {
			r.t.Fatal(err)
		}
	}
}

func (r *repairs) namespace(annotations map[string]string) string {
	r.t.Helper()
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-", Annotations: annotations}}
	if err := r.c.Create(r.t.Context(), ns); err != nil {
		r.t.Fatal(err)
	}
	return ns.Name
}

func template(name string) (metav1.ObjectMeta, *metav1.LabelSelector, corev1.PodTemplateSpec) {
	labels := map[string]string{"app": name}
	return metav1.ObjectMeta{Name: name}, &metav1.LabelSelector{MatchLabels: labels}, corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "example.org/app:1"}}},
	}
}

// deployment is one of two replicas that are missed, by way of its ReplicaSet.
func (r *repairs) deployment(ns, name string, change func(*appsv1.Deployment)) *appsv1.Deployment {
	r.t.Helper()
	two := int32(2)
	d := &appsv1.Deployment{Spec: appsv1.DeploymentSpec{Replicas: &two}}
	d.ObjectMeta, d.Spec.Selector, d.Spec.Template = template(name)
	d.Namespace = ns
	if change != nil {
		change(d)
	}
	if err := r.c.Create(r.t.Context(), d); err != nil {
		r.t.Fatal(err)
	}
	r.complete(d)
	yes := true
	rs := &appsv1.ReplicaSet{Spec: appsv1.ReplicaSetSpec{Replicas: &two}}
	rs.ObjectMeta, rs.Spec.Selector, rs.Spec.Template = template(name)
	rs.Namespace = ns
	rs.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "Deployment", Name: name, UID: d.UID, Controller: &yes}}
	if err := r.c.Create(r.t.Context(), rs); err != nil {
		r.t.Fatal(err)
	}
	r.misses(ns, metav1.OwnerReference{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: name, UID: rs.UID})
	return d
}

func (r *repairs) misses(ns string, owner metav1.OwnerReference) {
	*r.report = append(*r.report, repair.Workload{Namespace: ns, Owner: owner, Pods: 2})
}

// complete reports, as its controller would, that the rollout is.
func (r *repairs) complete(d *appsv1.Deployment) {
	r.t.Helper()
	if err := r.c.Get(r.t.Context(), ctrlclient.ObjectKeyFromObject(d), d); err != nil {
		r.t.Fatal(err)
	}
	d.Status = appsv1.DeploymentStatus{ObservedGeneration: d.Generation, Replicas: 2, UpdatedReplicas: 2, ReadyReplicas: 2, AvailableReplicas: 2}
	if err := r.c.Status().Update(r.t.Context(), d); err != nil {
		r.t.Fatal(err)
	}
}

// restartedAt is what kubectl rollout restart, too, writes into a pod template.
func restartedAt(t *testing.T, o ctrlclient.Object) string {
	t.Helper()
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o)
	if err != nil {
		t.Fatal(err)
	}
	at, _, _ := unstructured.NestedString(object, "spec", "template", "metadata", "annotations", "kubectl.kubernetes.io/restartedAt")
	return at
}

// restarts are the names of those that were restarted, of these.
func (r *repairs) restarts(all ...ctrlclient.Object) []string {
	r.t.Helper()
	names := []string{}
	for _, o := range all {
		now := o.DeepCopyObject().(ctrlclient.Object)
		if err := r.c.Get(r.t.Context(), ctrlclient.ObjectKeyFromObject(o), now); err != nil {
			r.t.Fatal(err)
		}
		if restartedAt(r.t, now) != "" {
			names = append(names, o.GetName())
		}
	}
	return names
}

func (r *repairs) want(got []string, names ...string) {
	r.t.Helper()
	if diff := cmp.Diff(append([]string{}, names...), got); diff != "" {
		r.t.Errorf("restarted (-want +got):\n%s", diff)
	}
}

// permitted is an API server in which the chart lets the controller repair.
func permitted(t *testing.T) *rest.Config {
	t.Helper()
	server, c := ownServer(t)
	must(t)(c.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: releaseNamespace}}, metav1.CreateOptions{}))
	permit(t, server, map[string]any{"controller": map[string]any{"repair": map[string]any{"enabled": true}}})
	return server.Config()
}

// Workloads are restarted one at a time in a namespace, and one every interval
// in the cluster; no two are at once in a namespace until the first is complete.
func TestRepair(t *testing.T) {
	config := permitted(t)
	t.Run("one at a time", func(t *testing.T) {
		r := newRepairs(t, config)
		ns, other := r.namespace(nil), r.namespace(nil)
		if other < ns { // among equals the name decides, and these are made up by the API server
			ns, other = other, ns
		}
		a, b, c := r.deployment(ns, "a", nil), r.deployment(ns, "b", nil), r.deployment(other, "c", nil)
		r.rounds(1)
		if err := r.Round(t.Context()); err != nil { // no time has passed
			t.Fatal(err)
		}
		r.want(r.restarts(a, b, c), "a")
		r.rounds(5)
		r.want(r.restarts(a, b, c), "a", "c")
		r.complete(a)
		r.rounds(1)
		r.want(r.restarts(a, b, c), "a", "b", "c")
		if diff := cmp.Diff(said{"WorkloadRestarted: restarted because 2 pods have no exporter", "WorkloadRestarted: restarted because 2 pods have no exporter", "WorkloadRestarted: restarted because 2 pods have no exporter"}, *r.events); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
	t.Run("not again", func(t *testing.T) { notAgain(t, config) })
	t.Run("left alone", func(t *testing.T) { leftAlone(t, config) })
	t.Run("as it was judged", func(t *testing.T) { asJudged(t, config) })
	t.Run("other kinds", func(t *testing.T) { otherKinds(t, config) })
}

// notAgain holds that a restart that did not help is not repeated for an hour, by
// this leader or the next.
func notAgain(t *testing.T, config *rest.Config) {
	r := newRepairs(t, config)
	d := r.deployment(r.namespace(nil), "a", nil)
	r.rounds(1)
	r.complete(d)
	first := restartedAt(t, d)
	r.rounds(100) // 50 minutes
	r.complete(d)
	if at := restartedAt(t, d); at != first || first == "" {
		t.Fatalf("restarted at %s, and again at %s", first, at)
	}
	// Another leader knows it from the template alone.
	r.lead(r.Writer)
	r.rounds(10)
	r.complete(d)
	if at := restartedAt(t, d); at != first {
		t.Fatalf("another leader restarted it again, at %s", at)
	}
	r.rounds(12)
	r.complete(d)
	again := restartedAt(t, d)
	if again <= first {
		t.Fatal("after an hour it is not tried again")
	}
	// This one has seen which template it was: a new one is another matter.
	d.Spec.Template.Spec.Containers[0].Image = "example.org/app:2"
	if err := r.c.Update(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	r.complete(d)
	r.rounds(2)
	r.complete(d)
	if at := restartedAt(t, d); at <= again {
		t.Error("a new template is not repaired before the hour is over")
	}
}

// leftAlone holds what is not restarted, and that it is when that changes.
func leftAlone(t *testing.T, config *rest.Config) {
	r := newRepairs(t, config)
	never := map[string]string{"outrider.dev/repair": "false"}
	off := r.deployment(r.namespace(never), "namespace-off", nil)
	own := r.deployment(r.namespace(nil), "off", func(d *appsv1.Deployment) { d.Annotations = never })
	recreate := r.deployment(r.namespace(nil), "recreate", func(d *appsv1.Deployment) { d.Spec.Strategy.Type = appsv1.RecreateDeploymentStrategyType })
	paused := r.deployment(r.namespace(nil), "paused", func(d *appsv1.Deployment) { d.Spec.Paused = true })
	rolling := r.deployment(r.namespace(nil), "rolling", nil)
	rolling.Status.AvailableReplicas = 1
	if err := r.c.Status().Update(t.Context(), rolling); err != nil {
		t.Fatal(err)
	}
	guarded := r.deployment(r.namespace(nil), "guarded", nil)
	all := intstr.FromInt32(2)
	budget := &policyv1.PodDisruptionBudget{
		ObjectMeta: metav1.ObjectMeta{Name: "guarded", Namespace: guarded.Namespace},
		Spec:       policyv1.PodDisruptionBudgetSpec{MinAvailable: &all, Selector: guarded.Spec.Selector},
	}
	if err := r.c.Create(t.Context(), budget); err != nil {
		t.Fatal(err)
	}
	check := func(want ...string) {
		t.Helper()
		r.rounds(20)
		r.want(r.restarts(off, own, recreate, paused, rolling, guarded), want...)
	}
	check()
	for _, d := range []*appsv1.Deployment{own, paused} {
		d.Annotations, d.Spec.Paused = nil, false
		if err := r.c.Update(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range []*appsv1.Deployment{own, paused, rolling} {
		r.complete(d)
	}
	budget.Status.DisruptionsAllowed = 1
	if err := r.c.Status().Update(t.Context(), budget); err != nil {
		t.Fatal(err)
	}
	check("off", "paused", "rolling", "guarded")
	if want := "RepairSkipped: 2 pods lack their exporter, and are not replaced: its strategy Recreate would end all its pods at once"; len(*r.events) == 0 || (*r.events)[0] != want {
		t.Errorf("events %q, want %q first", *r.events, want)
	}
	if n := len(*r.events); n != 5 { // the one above, once, and four restarts
		t.Errorf("%d events: %q", n, *r.events)
	}
}

// stuck is what the breaker would report.
type stuck []corev1.Pod

func (s stuck) Stuck(context.Context) ([]corev1.Pod, error) { return s, nil }

// asJudged holds that a pod which changed since it was judged, and may be ready by
// now, is not evicted.
func asJudged(t *testing.T, config *rest.Config) {
	r := newRepairs(t, config)
	d := r.deployment(r.namespace(nil), "a", nil)
	yes, pod := true, &corev1.Pod{}
	_, _, spec := template("a")
	pod.Name, pod.Namespace, pod.Spec = "a-1", d.Namespace, spec.Spec
	pod.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "a", UID: "x", Controller: &yes}}
	if err := r.c.Create(t.Context(), pod); err != nil {
		t.Fatal(err)
	}
	judged := pod.DeepCopy()
	pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	if err := r.c.Status().Update(t.Context(), pod); err != nil {
		t.Fatal(err)
	}
	r.Restart, r.Evict, r.Breaker = false, true, stuck{*judged}
	r.rounds(2)
	if err := r.c.Get(t.Context(), ctrlclient.ObjectKeyFromObject(pod), pod); err != nil {
		t.Fatalf("the pod became ready, and was evicted: %v", err)
	}
	r.Breaker = stuck{*pod}
	r.rounds(1)
	if err := r.c.Get(t.Context(), ctrlclient.ObjectKeyFromObject(pod), pod); !apierrors.IsNotFound(err) {
		t.Errorf("a stuck pod is still there: %v", err)
	}
}

// otherKinds holds what is restarted beside Deployments, and what is only told of.
func otherKinds(t *testing.T, config *rest.Config) {
	r := newRepairs(t, config)
	create := func(o ctrlclient.Object, status func()) ctrlclient.Object {
		t.Helper()
		o.SetNamespace(r.namespace(nil))
		if err := r.c.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		if status != nil {
			status()
			if err := r.c.Status().Update(t.Context(), o); err != nil {
				t.Fatal(err)
			}
		}
		return o
	}
	miss := func(kind string, o ctrlclient.Object) {
		r.misses(o.GetNamespace(), metav1.OwnerReference{APIVersion: "apps/v1", Kind: kind, Name: o.GetName(), UID: o.GetUID()})
	}
	statefulSet := func(name string, pods int32, strategy appsv1.StatefulSetUpdateStrategyType, owners ...metav1.OwnerReference) ctrlclient.Object {
		s := &appsv1.StatefulSet{Spec: appsv1.StatefulSetSpec{Replicas: &pods, UpdateStrategy: appsv1.StatefulSetUpdateStrategy{Type: strategy}}}
		s.ObjectMeta, s.Spec.Selector, s.Spec.Template = template(name)
		s.OwnerReferences = owners
		create(s, func() {
			s.Status = appsv1.StatefulSetStatus{ObservedGeneration: s.Generation, Replicas: pods, ReadyReplicas: pods, AvailableReplicas: pods, CurrentRevision: "x", UpdateRevision: "x"}
		})
		miss("StatefulSet", s)
		return s
	}
	d := &appsv1.DaemonSet{}
	d.ObjectMeta, d.Spec.Selector, d.Spec.Template = template("daemons")
	create(d, func() {
		d.Status = appsv1.DaemonSetStatus{ObservedGeneration: d.Generation, DesiredNumberScheduled: 1, UpdatedNumberScheduled: 1, NumberAvailable: 1}
	})
	miss("DaemonSet", d)
	yes := true
	rolls, waits := statefulSet("rolls", 2, appsv1.RollingUpdateStatefulSetStrategyType), statefulSet("on-delete", 2, appsv1.OnDeleteStatefulSetStrategyType)
	single := statefulSet("single", 1, appsv1.RollingUpdateStatefulSetStrategyType)
	managed := statefulSet("managed", 2, appsv1.RollingUpdateStatefulSetStrategyType, metav1.OwnerReference{APIVersion: "example.com/v1", Kind: "Database", Name: "main", UID: "main", Controller: &yes})
	alone := &appsv1.ReplicaSet{}
	alone.ObjectMeta, alone.Spec.Selector, alone.Spec.Template = template("alone")
	create(alone, nil)
	miss("ReplicaSet", alone)
	foreign := &appsv1.ReplicaSet{}
	foreign.ObjectMeta, foreign.Spec.Selector, foreign.Spec.Template = template("foreign")
	foreign.OwnerReferences = []metav1.OwnerReference{{APIVersion: "argoproj.io/v1alpha1", Kind: "Rollout", Name: "x", UID: "x", Controller: &yes}}
	create(foreign, nil)
	miss("ReplicaSet", foreign)
	r.misses(r.namespace(nil), metav1.OwnerReference{APIVersion: "batch/v1", Kind: "Job", Name: "job", UID: "job"})
	r.misses(r.namespace(nil), metav1.OwnerReference{})
	*r.report = append(*r.report, repair.Workload{Namespace: rolls.GetNamespace(), Owner: metav1.OwnerReference{APIVersion: "apps/v1", Kind: "StatefulSet", Name: "gone"}})

	r.rounds(10)
	r.want(r.restarts(d, rolls, waits, single, managed), "daemons", "rolls")
	for _, want := range []string{
		"its update strategy is OnDelete: its pods are replaced when they are deleted by hand",
		"it has one pod, which a restart would take down",
		"Database main manages it, and restarts it by its own means",
		"a ReplicaSet without a Deployment has no rollout",
		"a Rollout is restarted by its own means",
		"a Job is restarted by its own means",
	} {
		found := false
		for _, e := range *r.events {
			found = found || e == "RepairSkipped: 2 pods lack their exporter, and are not replaced: "+want
		}
		if !found {
			t.Errorf("no event says %q: %q", want, *r.events)
		}
	}
}
