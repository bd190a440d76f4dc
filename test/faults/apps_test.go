package faults_test

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/outrider-dev/outrider/sidecars"
)

const (
	redisImage    = "docker.io/library/redis:7.0.15"
	appsNamespace = "faults-apps"
	marked        = "outrider.dev-faults" // label of every namespace of these tests
)

// apps are servers that run through all faults, and must not notice any. Repair may touch them, as it may touch everybody's.
type apps struct {
	e      *env
	before map[string]state // by pod and its UID
}

// state is where an app's pod runs, how often its own container was restarted, and since when the pod is ready.
type state struct {
	node     string
	restarts int32
	ready    time.Time
}

func deployment(name string) *appsv1.Deployment {
	replicas, grace := int32(2), int64(1)
	labels := map[string]string{"app": name}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas,
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels, Annotations: map[string]string{sidecars.InjectKey: "redis"}},
				Spec: corev1.PodSpec{
					TerminationGracePeriodSeconds: &grace,
					Containers:                    []corev1.Container{{Name: "redis", Image: redisImage}},
				},
			},
		},
	}
}

func (e *env) startApps(t *testing.T) *apps {
	t.Helper()
	e.namespace(t, appsNamespace, false)
	for i := range 3 {
		if _, err := e.client.AppsV1().Deployments(appsNamespace).Create(t.Context(), deployment(fmt.Sprintf("app-%d", i)), metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.applier.Settle(t.Context(), appsNamespace, patience); err != nil {
		t.Fatal(err)
	}
	c, err := e.counted(t.Context(), appsNamespace)
	if err != nil || c.injected != 6 {
		t.Fatalf("%+v of the apps' pods (%v), want 6 with an exporter", c, err)
	}
	e.allowRepair(t, appsNamespace)
	a := &apps{e: e}
	if a.before, err = a.now(t.Context()); err != nil {
		t.Fatal(err)
	}
	return a
}

func (a *apps) now(ctx context.Context) (map[string]state, error) {
	pods, err := a.e.client.CoreV1().Pods(appsNamespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	found := map[string]state{}
	for _, pod := range pods.Items {
		s := state{node: pod.Spec.NodeName}
		for _, c := range pod.Status.ContainerStatuses {
			if c.Name == "redis" {
				s.restarts = c.RestartCount
			}
		}
		for _, c := range pod.Status.Conditions {
			if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue {
				s.ready = c.LastTransitionTime.UTC()
			}
		}
		found[pod.Name+" "+string(pod.UID)] = s
	}
	return found, nil
}

// disturbed is how many of the apps' pods are not what they were at the start: replaced, with a
// container of the app's own that was restarted, or not ready in between.
func (a *apps) disturbed(t *testing.T) int {
	t.Helper()
	return a.disturbedOff(t, "")
}

// disturbedOff is disturbed of the pods that do not run on a node, which was taken from them.
func (a *apps) disturbedOff(t *testing.T, node string) int {
	t.Helper()
	now, err := a.now(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for pod, before := range a.before {
		if before.node != node && now[pod] != before {
			n++
		}
	}
	if n == 0 && node == "" && !maps.Equal(a.before, now) {
		t.Errorf("the apps had the pods %v and have %v", a.before, now)
	}
	return n
}

// settle waits until all run again after a fault of the node's own, and takes that for the state before.
func (a *apps) settle(t *testing.T) {
	t.Helper()
	if err := a.e.applier.Settle(t.Context(), appsNamespace, patience); err != nil {
		t.Fatal(err)
	}
	var err error
	if a.before, err = a.now(t.Context()); err != nil {
		t.Fatal(err)
	}
	c, err := a.e.counted(t.Context(), appsNamespace)
	if err != nil || c.injected != 6 || c.pods != 6 {
		t.Errorf("%+v of the apps' pods (%v), want 6 with an exporter", c, err)
	}
}

// namespace makes a namespace for as long as the test lasts, in which nothing is repaired yet.
func (e *env) namespace(t *testing.T, name string, optedIn bool) {
	t.Helper()
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: name, Labels: map[string]string{marked: "yes"}, Annotations: map[string]string{sidecars.RepairKey: "false"},
	}}
	if optedIn {
		ns.Labels[sidecars.InjectKey] = sidecars.InjectEnabled
	}
	if _, err := e.client.CoreV1().Namespaces().Create(t.Context(), ns, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		err := e.client.CoreV1().Namespaces().Delete(context.Background(), name, metav1.DeleteOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			t.Error(err)
		}
	})
	eventually(t, func() string {
		if _, err := e.client.CoreV1().ServiceAccounts(name).Get(t.Context(), "default", metav1.GetOptions{}); err != nil {
			return err.Error()
		}
		return ""
	})
}

// forget removes what an earlier run left, and waits until it is gone.
func (e *env) forget(t *testing.T) {
	t.Helper()
	if err := e.cluster.Filter(context.Background(), ""); err != nil {
		t.Error(err)
	}
	api := e.client.CoreV1().Namespaces()
	eventually(t, func() string {
		all, err := api.List(context.Background(), metav1.ListOptions{})
		if err != nil {
			return err.Error()
		}
		var left []string
		for _, ns := range all.Items {
			if ns.Labels[marked] == "" && ns.Name != "outrider" {
				continue
			}
			left = append(left, ns.Name)
			if ns.DeletionTimestamp == nil {
				if err := api.Delete(context.Background(), ns.Name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
					return err.Error()
				}
			}
		}
		if len(left) > 0 {
			return "namespaces do not go: " + strings.Join(left, ", ")
		}
		return ""
	})
}
