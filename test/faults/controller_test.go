package faults_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	program     = "outrider-controller" // of both roles
	serving     = "outrider-webhook"    // Deployment
	leaderLease = "outrider-leader"
	certsSecret = "outrider-webhook-tls"
)

// replicas are the webhook's pods that are to stay.
func (e *env) replicas(ctx context.Context) ([]corev1.Pod, error) { return e.pods(ctx, "webhook") }

// controllers are the controller's pods that are to stay.
func (e *env) controllers(ctx context.Context) ([]corev1.Pod, error) {
	return e.pods(ctx, "controller")
}

func (e *env) pods(ctx context.Context, component string) ([]corev1.Pod, error) {
	list, err := e.client.CoreV1().Pods("outrider").List(ctx, metav1.ListOptions{LabelSelector: "app.kubernetes.io/component=" + component})
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(list.Items, func(p corev1.Pod) bool { return p.DeletionTimestamp != nil || p.Status.Phase != corev1.PodRunning }), nil
}

// ready returns why not both replicas are, or "".
func (e *env) ready(ctx context.Context) string {
	d, err := e.client.AppsV1().Deployments("outrider").Get(ctx, serving, metav1.GetOptions{})
	if err != nil {
		return err.Error()
	}
	if s := d.Status; s.ObservedGeneration != d.Generation || s.UpdatedReplicas != 2 || s.ReadyReplicas != 2 || s.Replicas != 2 || s.TerminatingReplicas != nil && *s.TerminatingReplicas > 0 {
		return "the webhook's replicas are not ready: " + s.String()
	}
	pods, err := e.replicas(ctx) // the Deployment's status may not have heard yet
	if err != nil {
		return err.Error()
	}
	ready := 0
	for _, pod := range pods {
		if s := pod.Status.ContainerStatuses; len(s) == 1 && s[0].Ready {
			ready++
		}
	}
	if ready != 2 {
		return fmt.Sprintf("%d replicas are ready, want 2", ready)
	}
	return ""
}

// calm begins each fault with two replicas of which none was restarted: the kubelet lets one that was wait
// longer from time to time.
func (e *env) calm(t *testing.T) {
	t.Helper()
	eventually(t, func() string { return e.ready(t.Context()) })
	pods, err := e.replicas(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, pod := range pods {
		if pod.Status.ContainerStatuses[0].RestartCount == 0 {
			continue
		}
		if err := e.client.CoreV1().Pods("outrider").Delete(t.Context(), pod.Name, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		eventually(t, func() string {
			now, err := e.replicas(t.Context())
			if err != nil || slices.ContainsFunc(now, func(p corev1.Pod) bool { return p.Name == pod.Name }) {
				return fmt.Sprintf("%s does not go (%v)", pod.Name, err)
			}
			return e.ready(t.Context())
		})
	}
	eventually(t, func() string { // who leads is among them, and API servers know where they are
		pods, err := e.replicas(t.Context())
		if err != nil {
			return err.Error()
		}
		var are []string
		for _, p := range pods {
			are = append(are, p.Status.PodIP)
		}
		slices.Sort(are)
		if known, err := e.endpoints(t.Context()); err != nil || !slices.Equal(known, are) {
			return fmt.Sprintf("the webhook's Service leads to %v (%v), and the replicas are at %v", known, err, are)
		}
		controllers, err := e.controllers(t.Context())
		if holder := e.holder(t, leaderLease); err != nil || !slices.ContainsFunc(controllers, func(p corev1.Pod) bool { return strings.HasPrefix(holder, p.Name+"_") }) {
			return fmt.Sprintf("%s is held by %q (%v)", leaderLease, holder, err)
		}
		return ""
	})
}

// endpoints are the addresses to which the webhook's Service leads.
func (e *env) endpoints(ctx context.Context) (addresses []string, err error) {
	list, err := e.client.DiscoveryV1().EndpointSlices("outrider").List(ctx, metav1.ListOptions{LabelSelector: "kubernetes.io/service-name=outrider-webhook"})
	if err != nil {
		return nil, err
	}
	for _, slice := range list.Items {
		if len(slice.Ports) == 0 {
			continue // of pods without the webhook's port
		}
		for _, point := range slice.Endpoints {
			if point.Conditions.Ready == nil || *point.Conditions.Ready {
				addresses = append(addresses, point.Addresses...)
			}
		}
	}
	slices.Sort(addresses)
	return addresses, nil
}

// holder is who holds a Lease of the release: a pod's name, and what tells its runs apart.
func (e *env) holder(t *testing.T, lease string) string {
	t.Helper()
	l, err := e.client.CoordinationV1().Leases("outrider").Get(t.Context(), lease, metav1.GetOptions{})
	if err != nil || l.Spec.HolderIdentity == nil {
		return ""
	}
	return *l.Spec.HolderIdentity
}

// leader is the pod that holds a Lease.
func (e *env) leader(t *testing.T, lease string) *corev1.Pod {
	t.Helper()
	name, _, _ := strings.Cut(e.holder(t, lease), "_")
	pod, err := e.client.CoreV1().Pods("outrider").Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return pod
}

// signal sends the process of a replica a signal, past Kubernetes.
func (e *env) signal(t *testing.T, pod *corev1.Pod, signal syscall.Signal) {
	t.Helper()
	pids, err := e.cluster.PIDs(string(pod.UID), program)
	if err != nil || len(pids) != 1 {
		t.Fatalf("%s has the processes %v (%v), want one", pod.Name, pids, err)
	}
	if err := syscall.Kill(pids[0], signal); err != nil {
		t.Fatal(err)
	}
}

// restarts is how often the replicas' containers were restarted.
func (e *env) restarts(t *testing.T) (n int32) {
	t.Helper()
	pods, err := e.replicas(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pods {
		n += p.Status.ContainerStatuses[0].RestartCount
	}
	return n
}

// metrics are what a replica serves to Prometheus, by series.
func (e *env) metrics(ctx context.Context, pod string) (map[string]float64, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	raw, err := e.client.CoreV1().RESTClient().Get().Namespace("outrider").Resource("pods").
		Name(pod + ":8080").SubResource("proxy").Suffix("metrics").DoRaw(ctx)
	if err != nil {
		return nil, fmt.Errorf("metrics of %s: %w", pod, err)
	}
	series := map[string]float64{}
	for line := range strings.Lines(string(raw)) {
		i := strings.LastIndexByte(line, ' ')
		if strings.HasPrefix(line, "#") || i < 0 {
			continue
		}
		var n float64
		if _, err := fmt.Sscan(line[i+1:], &n); err != nil {
			return nil, fmt.Errorf("read %q: %w", line, err)
		}
		series[line[:i]] = n
	}
	return series, nil
}

// coverage is how many pods of the namespaces the leader reports as injected and as missed. Only the leader
// reports.
func (e *env) coverage(ctx context.Context, namespaces []string) (injected, missed int, err error) {
	pods, err := e.controllers(ctx)
	if err != nil {
		return 0, 0, err
	}
	for _, pod := range pods {
		series, err := e.metrics(ctx, pod.Name)
		if err != nil {
			return 0, 0, err
		}
		for name := range maps.Keys(series) {
			if !strings.HasPrefix(name, "outrider_coverage_pods{") ||
				!slices.ContainsFunc(namespaces, func(ns string) bool { return strings.Contains(name, fmt.Sprintf("namespace=%q", ns)) }) {
				continue
			}
			switch {
			case strings.Contains(name, `state="injected"`):
				injected += int(series[name])
			case strings.Contains(name, `state="missed"`):
				missed += int(series[name])
			}
		}
	}
	return injected, missed, nil
}
