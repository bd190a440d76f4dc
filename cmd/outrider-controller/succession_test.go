package main

import (
	"context"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// namespace is what the API server has in one.
type namespace struct {
	webhook *appsv1.Deployment
	pods    []corev1.Pod
}

func (n *namespace) Get(_ context.Context, key client.ObjectKey, into client.Object, _ ...client.GetOption) error {
	if n.webhook == nil {
		return apierrors.NewNotFound(schema.GroupResource{Resource: "deployments"}, key.Name)
	}
	n.webhook.DeepCopyInto(into.(*appsv1.Deployment))
	return nil
}

func (n *namespace) List(_ context.Context, into client.ObjectList, _ ...client.ListOption) error {
	into.(*corev1.PodList).Items = n.pods
	return nil
}

func pod(port string, ready corev1.ConditionStatus) corev1.Pod {
	return corev1.Pod{
		Spec:   corev1.PodSpec{Containers: []corev1.Container{{Ports: []corev1.ContainerPort{{Name: "metrics"}, {Name: port}}}}},
		Status: corev1.PodStatus{Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: ready}}},
	}
}

func deployment(replicas, available int32) *appsv1.Deployment {
	return &appsv1.Deployment{Spec: appsv1.DeploymentSpec{Replicas: &replicas}, Status: appsv1.DeploymentStatus{AvailableReplicas: available}}
}

func TestSuccession(t *testing.T) {
	answering, silent, other := pod("webhook", corev1.ConditionTrue), pod("webhook", corev1.ConditionFalse), pod("probes", corev1.ConditionTrue)
	for name, tc := range map[string]struct {
		namespace
		ready bool
	}{
		"the webhook is available":                            {namespace{deployment(2, 1), []corev1.Pod{answering}}, true},
		"a controller of release 0.2.0 answers until it is":   {namespace{deployment(2, 0), []corev1.Pod{other, answering, silent}}, false},
		"nobody answers: it waits for this controller's lead": {namespace{deployment(2, 0), []corev1.Pod{other, silent}}, true},
		"the first installation":                              {namespace{deployment(2, 0), nil}, true},
		"it is scaled to zero":                                {namespace{deployment(0, 0), []corev1.Pod{answering}}, true},
		"there is none":                                       {namespace{nil, []corev1.Pod{answering}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := &succession{reader: &tc.namespace, namespace: "outrider", name: "outrider-webhook"}
			if err := s.check(nil); (err == nil) != tc.ready {
				t.Errorf("ready: %v, want %t", err, tc.ready)
			}
			tc.webhook, tc.pods = deployment(2, 0), []corev1.Pod{answering}
			if err := s.check(nil); tc.ready && err != nil {
				t.Errorf("not ready any more: %v", err)
			}
		})
	}
}
