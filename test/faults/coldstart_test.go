package faults_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const coldDeployments = 50

// testColdStart stops every program of the cluster and starts all again together, with fifty Deployments that ask for an
// exporter: once on the same nodes, whose pods come back as they were, and once on new ones, for which every pod, the
// webhook's included, is made anew at the same time.
func testColdStart(t *testing.T, e *env) {
	const namespace = "faults-coldstart"
	e.namespace(t, namespace, false)
	for i := range coldDeployments {
		d, one := deployment(fmt.Sprintf("cold-%d", i)), int32(1)
		d.Spec.Replicas = &one
		if _, err := e.client.AppsV1().Deployments(namespace).Create(t.Context(), d, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.applier.Settle(t.Context(), namespace, patience); err != nil {
		t.Fatal(err)
	}
	said := []string{}
	for _, tc := range []struct {
		what string
		pods func() // what becomes of the pods before nodes start
	}{
		{"the same nodes", func() {}},
		{"new nodes", func() { e.deleteAll(t) }},
	} {
		e.repair(t, namespace, `"false"`)
		began := time.Now()
		e.coldStart(t, tc.pods)
		if err := e.applier.Settle(t.Context(), namespace, patience); err != nil {
			t.Fatal(err)
		}
		c, err := e.counted(t.Context(), namespace)
		if err != nil {
			t.Fatal(err)
		}
		c.bounded(t)
		running := seconds(began)
		e.whole(t)
		e.reported(t, c, namespace)
		reported := seconds(began)
		e.allowRepair(t, namespace)
		eventually(t, func() string {
			now, err := e.counted(t.Context(), namespace)
			if err != nil || now.injected != coldDeployments || now.pods != coldDeployments {
				return fmt.Sprintf("not every pod has its exporter: %+v (%v)", now, err)
			}
			return ""
		})
		said = append(said, fmt.Sprintf("%s: %d of %d pods came up without their exporter, all run after %s, all missed ones reported after %s, all have it after %s",
			tc.what, c.missed, c.pods, running, reported, seconds(began)))
	}
	e.apps.settle(t)
	say(t, "cold start of the whole cluster with %d Deployments, mode %s; %s", coldDeployments, *mode, strings.Join(said, "; "))
}

// coldStart ends every program of the cluster, starts the control plane, does something, and starts the nodes.
func (e *env) coldStart(t *testing.T, between func()) {
	t.Helper()
	programs := e.cluster.Programs()
	isNode := func(name string) bool { return slices.Contains(e.cluster.Nodes(), name) || name == "kube-proxy" }
	for _, name := range slices.Backward(programs) {
		if err := e.cluster.Kill(name); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.cluster.Restart(t.Context(), slices.DeleteFunc(slices.Clone(programs), isNode)...); err != nil {
		t.Fatal(err)
	}
	between()
	if err := e.cluster.Restart(t.Context(), slices.DeleteFunc(programs, func(name string) bool { return !isNode(name) })...); err != nil {
		t.Fatal(err)
	}
}

// deleteAll deletes every pod of a node at once, as a cluster does with those of machines that are gone.
func (e *env) deleteAll(t *testing.T) {
	t.Helper()
	ctx, now := context.Background(), int64(0)
	pods, err := e.client.CoreV1().Pods("").List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, pod := range pods.Items {
		if pod.Spec.NodeName == "" {
			continue
		}
		if err := e.client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{GracePeriodSeconds: &now}); err != nil {
			t.Fatal(err)
		}
	}
}
