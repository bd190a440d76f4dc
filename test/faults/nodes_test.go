package faults_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/outrider-dev/outrider/test/cluster/kube"
)

// TestNodes makes the faults of clusters with several nodes and API servers. Half of the load goes through each API
// server.
func TestNodes(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: this test needs a cluster")
	}
	e := newEnv(t, kube.Options{Nodes: 3, APIServers: 2})
	e.run(t, []fault{
		{"Targets", true, testTargets},
		{"NodeDies", true, testNodeDies},
		{"Drain", true, testDrain},
		{"Presets", false, testPresets},
		{"DiskPressure", false, testDiskPressure},
		{"APIServerPartitioned", false, testAPIServerPartitioned},
		{"CertificatesLagging", false, testCertificatesLagging},
		{"NodesPartitioned", false, testNodesPartitioned},
		{"RollingReboot", false, testRollingReboot},
		{"ColdStart", false, testColdStart},
	})
}

// on are the nodes of pods of the release by the component, without those that are going.
func (e *env) on(t *testing.T, component string) map[string][]corev1.Pod {
	t.Helper()
	pods, err := e.pods(t.Context(), component)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string][]corev1.Pod{}
	for _, pod := range pods {
		found[pod.Spec.NodeName] = append(found[pod.Spec.NodeName], pod)
	}
	return found
}

// spread holds that copies of a component are on different nodes.
func (e *env) spread(t *testing.T, component string, copies int) {
	t.Helper()
	if on := e.on(t, component); len(on) != copies {
		t.Errorf("the %d copies of %s are on %v, want as many nodes", copies, component, slices.Sorted(maps.Keys(on)))
	}
}

// moving is a Deployment whose pods leave a lost node after seconds, as those of many clusters do; by default they wait
// for five minutes.
func (e *env) moving(t *testing.T, namespace string) *appsv1.Deployment {
	t.Helper()
	e.namespace(t, namespace, false)
	d, replicas, seconds := deployment("moving"), int32(3), int64(5)
	d.Spec.Replicas = &replicas
	for _, key := range []string{corev1.TaintNodeUnreachable, corev1.TaintNodeNotReady} {
		d.Spec.Template.Spec.Tolerations = append(d.Spec.Template.Spec.Tolerations,
			corev1.Toleration{Key: key, Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoExecute, TolerationSeconds: &seconds})
	}
	d.Spec.Template.Spec.TopologySpreadConstraints = []corev1.TopologySpreadConstraint{{
		MaxSkew: 1, TopologyKey: corev1.LabelHostname, WhenUnsatisfiable: corev1.ScheduleAnyway, LabelSelector: d.Spec.Selector,
	}}
	if _, err := e.client.AppsV1().Deployments(namespace).Create(t.Context(), d, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := e.applier.Settle(t.Context(), namespace, patience); err != nil {
		t.Fatal(err)
	}
	return d
}

// moved returns why there are not as many ready pods with an exporter off a node, or "".
func (e *env) moved(ctx context.Context, namespace, node string, want int) string {
	pods, err := e.client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err.Error()
	}
	ready, with := 0, 0
	for i := range pods.Items {
		pod := &pods.Items[i]
		if pod.Spec.NodeName == node || pod.DeletionTimestamp != nil || !isReady(pod) {
			continue
		}
		ready++
		if instrumented(pod) {
			with++
		}
	}
	if ready != want || with != want {
		return fmt.Sprintf("%d ready pods are off %s, %d with an exporter, want %d", ready, node, with, want)
	}
	return ""
}

func isReady(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

// restarted waits until what runs on a node was started since some moment, of which the kubelet tells in whole seconds:
// before, pods look as they did when the node went.
func (e *env) restarted(t *testing.T, node string, since time.Time) {
	t.Helper()
	eventually(t, func() string {
		pods, err := e.client.CoreV1().Pods("").List(t.Context(), metav1.ListOptions{FieldSelector: "spec.nodeName=" + node})
		if err != nil {
			return err.Error()
		}
		for i := range pods.Items {
			pod := &pods.Items[i]
			if pod.DeletionTimestamp != nil {
				continue
			}
			for _, c := range pod.Status.ContainerStatuses {
				if c.State.Running == nil || c.State.Running.StartedAt.Time.Before(since.Truncate(time.Second)) {
					return fmt.Sprintf("%s/%s has not been started on %s again", pod.Namespace, pod.Name, node)
				}
			}
			if !isReady(pod) {
				return fmt.Sprintf("%s/%s is not ready on %s", pod.Namespace, pod.Name, node)
			}
		}
		return ""
	})
	e.whole(t)
}

// whole waits until every part of the release is ready again.
func (e *env) whole(t *testing.T) {
	t.Helper()
	if err := e.applier.Settle(t.Context(), "outrider", patience); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() string { return e.ready(t.Context()) })
}

// seconds is how long it is since a moment, as figures give it.
func seconds(since time.Time) string { return time.Since(since).Round(time.Second).String() }
