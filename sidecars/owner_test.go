package sidecars

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestComparingOwner(t *testing.T) {
	instanceSet := metav1.OwnerReference{APIVersion: "workloads.kubeblocks.io/v1", Kind: "InstanceSet", Name: "cache", Controller: new(bool)}
	*instanceSet.Controller = true
	core := instanceSet
	core.APIVersion, core.Kind = "v1", "ReplicationController"
	for name, tc := range map[string]struct {
		owner       metav1.OwnerReference
		annotations map[string]string
		settings    Settings
		want        []Outcome // with the reason ComparingOwner
	}{
		"recognized":   {instanceSet, nil, Settings{}, []Outcome{Skipped}},
		"named":        {instanceSet, map[string]string{InjectKey: "redis"}, Settings{}, []Outcome{Refused}},
		"refused":      {instanceSet, map[string]string{InjectKey: "kafka"}, Settings{}, []Outcome{Refused}},
		"scraped":      {instanceSet, map[string]string{InjectKey: "redis", ScrapeKey: "80"}, Settings{}, []Outcome{Refused, Refused}},
		"core":         {core, nil, Settings{}, nil},
		"none listed":  {instanceSet, nil, Settings{ComparingOwners: []string{}}, nil},
		"kind listed":  {instanceSet, nil, Settings{ComparingOwners: []string{"workloads.kubeblocks.io/InstanceSet"}}, []Outcome{Skipped}},
		"other listed": {instanceSet, nil, Settings{ComparingOwners: []string{"workloads.kubeblocks.io/Instance"}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			pod := &corev1.Pod{
				ObjectMeta: metav1.ObjectMeta{Name: "cache-0", Annotations: tc.annotations, OwnerReferences: []metav1.OwnerReference{tc.owner}},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "redis", Image: "redis:7"}}},
			}
			plan := NewPlan(Input{Pod: pod, Settings: tc.settings, Namespace: Namespace{Labels: map[string]string{InjectKey: InjectEnabled}}}, Builtin())
			var got []Outcome
			for _, d := range plan.Decisions {
				if d.Reason == ComparingOwner {
					got = append(got, d.Outcome)
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if plan.Changes() == (tc.want != nil) {
				t.Errorf("changes the pod: %t, decided %+v", plan.Changes(), plan.Decisions)
			}
		})
	}
}
