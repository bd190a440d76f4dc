package repair

import (
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/outrider-dev/outrider/sidecars"
)

func deployment(change func(*appsv1.Deployment)) *appsv1.Deployment {
	d := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "cache", Generation: 3},
		Spec:       appsv1.DeploymentSpec{Replicas: new(int32(2))},
		Status:     appsv1.DeploymentStatus{ObservedGeneration: 3, Replicas: 2, UpdatedReplicas: 2, AvailableReplicas: 2},
	}
	change(d)
	return d
}

func statefulSet(change func(*appsv1.StatefulSet)) *appsv1.StatefulSet {
	s := &appsv1.StatefulSet{
		ObjectMeta: metav1.ObjectMeta{Name: "db", Generation: 1},
		Spec:       appsv1.StatefulSetSpec{Replicas: new(int32(3))},
		Status: appsv1.StatefulSetStatus{
			ObservedGeneration: 1, Replicas: 3, ReadyReplicas: 3, AvailableReplicas: 3, CurrentRevision: "a", UpdateRevision: "a",
		},
	}
	change(s)
	return s
}

func daemonSet(change func(*appsv1.DaemonSet)) *appsv1.DaemonSet {
	d := &appsv1.DaemonSet{Status: appsv1.DaemonSetStatus{DesiredNumberScheduled: 4, UpdatedNumberScheduled: 4, NumberAvailable: 4}}
	change(d)
	return d
}

// What a workload's own settings forbid is left to its owner; what is not complete waits.
func TestDescribe(t *testing.T) {
	rolling := func(most intstr.IntOrString) func(*appsv1.Deployment) {
		return func(d *appsv1.Deployment) {
			d.Spec.Strategy.RollingUpdate = &appsv1.RollingUpdateDeployment{MaxUnavailable: &most}
		}
	}
	for name, tc := range map[string]struct {
		object      client.Object
		leave, wait string // words of it; empty where there is no reason
	}{
		"Deployment":                    {deployment(func(*appsv1.Deployment) {}), "", ""},
		"Deployment, replicas not said": {deployment(func(d *appsv1.Deployment) { d.Spec.Replicas = nil }), "", "not all there"},
		"Deployment, scaled to none": {deployment(func(d *appsv1.Deployment) {
			d.Spec.Replicas, d.Status = new(int32(0)), appsv1.DeploymentStatus{ObservedGeneration: 3}
		}), "", ""},
		"Deployment, change not seen yet":      {deployment(func(d *appsv1.Deployment) { d.Generation = 4 }), "", "not all there"},
		"Deployment, old pods left":            {deployment(func(d *appsv1.Deployment) { d.Status.Replicas = 3 }), "", "not all there"},
		"Deployment, one not available":        {deployment(func(d *appsv1.Deployment) { d.Status.AvailableReplicas = 1 }), "", "not all there"},
		"Deployment, paused":                   {deployment(func(d *appsv1.Deployment) { d.Spec.Paused = true }), "", "paused"},
		"Deployment, Recreate":                 {deployment(func(d *appsv1.Deployment) { d.Spec.Strategy.Type = appsv1.RecreateDeploymentStrategyType }), "Recreate", ""},
		"Deployment, one pod away at most":     {deployment(rolling(intstr.FromInt32(1))), "", ""},
		"Deployment, half of its pods away":    {deployment(rolling(intstr.FromString("50%"))), "", ""},
		"Deployment, all pods away":            {deployment(rolling(intstr.FromInt32(2))), "maxUnavailable", ""},
		"Deployment, all pods away by percent": {deployment(rolling(intstr.FromString("100%"))), "maxUnavailable", ""},
		"Deployment, percent that is none":     {deployment(rolling(intstr.FromString("many"))), "maxUnavailable", ""},
		"StatefulSet":                          {statefulSet(func(*appsv1.StatefulSet) {}), "", ""},
		"StatefulSet of one pod":               {statefulSet(func(s *appsv1.StatefulSet) { s.Spec.Replicas = nil }), "one pod", "not all there"},
		"StatefulSet, OnDelete":                {statefulSet(func(s *appsv1.StatefulSet) { s.Spec.UpdateStrategy.Type = appsv1.OnDeleteStatefulSetStrategyType }), "OnDelete", ""},
		"StatefulSet, rolling":                 {statefulSet(func(s *appsv1.StatefulSet) { s.Status.UpdateRevision = "b" }), "", "not all there"},
		"StatefulSet with a partition": {statefulSet(func(s *appsv1.StatefulSet) {
			s.Spec.UpdateStrategy.RollingUpdate = &appsv1.RollingUpdateStatefulSetStrategy{Partition: new(int32(1))}
		}), "partition", ""},
		"DaemonSet":                         {daemonSet(func(*appsv1.DaemonSet) {}), "", ""},
		"DaemonSet, OnDelete":               {daemonSet(func(d *appsv1.DaemonSet) { d.Spec.UpdateStrategy.Type = appsv1.OnDeleteDaemonSetStrategyType }), "OnDelete", ""},
		"DaemonSet, a node without its pod": {daemonSet(func(d *appsv1.DaemonSet) { d.Status.NumberAvailable = 3 }), "", "not all there"},
	} {
		got := describe(tc.object)
		if !says(got.Leave, tc.leave) || !says(got.Wait, tc.wait) {
			t.Errorf("%s: leave %q, wait %q; want %q, %q", name, got.Leave, got.Wait, tc.leave, tc.wait)
		}
	}
	if describe(&appsv1.ReplicaSet{}) != nil {
		t.Error("a ReplicaSet has no rollout")
	}
}

func says(text, words string) bool {
	return words == "" && text == "" || words != "" && strings.Contains(text, words)
}

// A budget counts that selects the pods and allows no disruption now; one that cannot be read selects nothing.
func TestProtected(t *testing.T) {
	target := describe(deployment(func(d *appsv1.Deployment) { d.Spec.Template.Labels = map[string]string{"app": "cache"} }))
	budget := func(value string, allowed int32) policyv1.PodDisruptionBudget {
		return policyv1.PodDisruptionBudget{
			ObjectMeta: metav1.ObjectMeta{Name: value},
			Spec:       policyv1.PodDisruptionBudgetSpec{Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": value}}},
			Status:     policyv1.PodDisruptionBudgetStatus{DisruptionsAllowed: allowed},
		}
	}
	bad := budget("cache", 0)
	bad.Spec.Selector.MatchExpressions = []metav1.LabelSelectorRequirement{{Key: "app", Operator: "Near"}}
	none := budget("cache", 0)
	none.Spec.Selector = nil
	for name, tc := range map[string]struct {
		budgets []policyv1.PodDisruptionBudget
		want    string
	}{
		"none":                        {nil, ""},
		"another's":                   {[]policyv1.PodDisruptionBudget{budget("db", 0)}, ""},
		"one that allows it":          {[]policyv1.PodDisruptionBudget{budget("cache", 1)}, ""},
		"one that does not":           {[]policyv1.PodDisruptionBudget{budget("db", 0), budget("cache", 0)}, "cache"},
		"with an impossible operator": {[]policyv1.PodDisruptionBudget{bad}, ""},
		"without a selector":          {[]policyv1.PodDisruptionBudget{none}, ""},
	} {
		if got := target.protected(tc.budgets); !says(got, tc.want) {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

// A restart alone does not change a template's fingerprint; anything else does.
func TestFingerprint(t *testing.T) {
	of := func(annotations map[string]string, image string) string {
		return describe(deployment(func(d *appsv1.Deployment) {
			d.Spec.Template.Annotations = annotations
			d.Spec.Template.Spec.Containers = []corev1.Container{{Name: "a", Image: image}}
		})).fingerprint()
	}
	before := of(map[string]string{"x": "1"}, "redis:7")
	if restarted := of(map[string]string{"x": "1", restartedAtKey: "2026-11-26T00:00:00Z"}, "redis:7"); restarted != before {
		t.Error("a restart changes it")
	}
	if of(map[string]string{"x": "2"}, "redis:7") == before || of(map[string]string{"x": "1"}, "redis:8") == before {
		t.Error("another annotation or image does not change it")
	}
}

// A restart that did not help is not repeated: not by the leader that made it until the template changes, not by a later
// leader, which finds it in the annotation, for the time of the backoff.
func TestTried(t *testing.T) {
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	restarted := func(ago time.Duration) *restartable {
		return describe(deployment(func(d *appsv1.Deployment) {
			d.UID = "u"
			d.Spec.Template.Annotations = map[string]string{restartedAtKey: now.Add(-ago).Format(time.RFC3339)}
		}))
	}
	never := describe(deployment(func(d *appsv1.Deployment) { d.UID = "u" }))
	odd := describe(deployment(func(d *appsv1.Deployment) {
		d.Spec.Template.Annotations = map[string]string{restartedAtKey: "yesterday"}
	}))
	mine := map[string]attempt{"u": {fingerprint: never.fingerprint(), at: now.Add(-5 * time.Hour)}}
	for name, tc := range map[string]struct {
		attempts map[string]attempt
		target   *restartable
		want     string
	}{
		"never":                          {nil, never, ""},
		"by an earlier leader, lately":   {nil, restarted(59 * time.Minute), "for 1h0m0s"},
		"by an earlier leader, long ago": {nil, restarted(61 * time.Minute), ""},
		"at a time that is none":         {nil, odd, ""},
		"by this one, same template":     {mine, restarted(5 * time.Hour), "until its template changes"},
		"by this one, other template":    {map[string]attempt{"u": {fingerprint: "other", at: now}}, restarted(time.Minute), ""},
	} {
		r := &Repairer{Options: Options{Backoff: time.Hour}, Now: func() time.Time { return now }, attempts: tc.attempts}
		if got := r.tried(tc.target); !says(got, tc.want) {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

// Any object on the way can turn repair off, by the one value that says so.
func TestHandsOff(t *testing.T) {
	with := func(value string) client.Object {
		return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p", Annotations: map[string]string{sidecars.RepairKey: value}}}
	}
	if got := handsOff(&corev1.Namespace{}, with("true")); got != "" {
		t.Errorf("nothing turns it off, but %s", got)
	}
	if got := handsOff(&corev1.Namespace{}, with(sidecars.RepairNever)); !strings.Contains(got, sidecars.RepairKey) {
		t.Errorf("it is off, but %q", got)
	}
}
