package manifest

import (
	"context"
	"fmt"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Settle waits until everything in a namespace runs: Deployments, StatefulSets
// and DaemonSets are fully ready, Jobs are complete, and pods are ready or have
// succeeded. The error names what does not, with the kubelet's reasons.
func (a *Applier) Settle(ctx context.Context, namespace string, timeout time.Duration) error {
	var waiting []string
	err := wait.PollUntilContextTimeout(ctx, 200*time.Millisecond, timeout, true, func(ctx context.Context) (bool, error) {
		var err error
		waiting, err = a.unsettled(ctx, namespace)
		return len(waiting) == 0, err
	})
	if err != nil && len(waiting) > 0 {
		return fmt.Errorf("in namespace %s: %s: %w", namespace, strings.Join(waiting, "; "), err)
	}
	return err
}

func (a *Applier) unsettled(ctx context.Context, namespace string) ([]string, error) {
	var waiting []string
	note := func(kind, name string, ready, want int32, current bool) {
		if ready < want || !current {
			waiting = append(waiting, fmt.Sprintf("%s %s has %d of %d ready", kind, name, ready, want))
		}
	}
	var (
		deployments  appsv1.DeploymentList
		statefulSets appsv1.StatefulSetList
		daemonSets   appsv1.DaemonSetList
		jobs         batchv1.JobList
		pods         corev1.PodList
	)
	for _, list := range []client.ObjectList{&deployments, &statefulSets, &daemonSets, &jobs, &pods} {
		if err := a.client.List(ctx, list, client.InNamespace(namespace)); err != nil {
			return nil, err
		}
	}
	for _, d := range deployments.Items {
		note("Deployment", d.Name, min(d.Status.ReadyReplicas, d.Status.UpdatedReplicas), *d.Spec.Replicas, d.Status.ObservedGeneration == d.Generation)
	}
	for _, s := range statefulSets.Items {
		note("StatefulSet", s.Name, s.Status.ReadyReplicas, *s.Spec.Replicas, s.Status.ObservedGeneration == s.Generation)
	}
	for _, d := range daemonSets.Items {
		note("DaemonSet", d.Name, d.Status.NumberReady, max(d.Status.DesiredNumberScheduled, 1), d.Status.ObservedGeneration == d.Generation)
	}
	for _, j := range jobs.Items {
		note("Job", j.Name, j.Status.Succeeded, *j.Spec.Completions, true)
	}
	for i := range pods.Items {
		if why := notReady(&pods.Items[i]); why != "" {
			waiting = append(waiting, why)
		}
	}
	return waiting, nil
}

// notReady says why a pod is neither ready nor done, or "".
func notReady(pod *corev1.Pod) string {
	if pod.Status.Phase == corev1.PodSucceeded || pod.DeletionTimestamp != nil {
		return ""
	}
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue {
			return ""
		}
	}
	why := fmt.Sprintf("Pod %s is %s", pod.Name, pod.Status.Phase)
	for _, list := range [][]corev1.ContainerStatus{pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses} {
		for _, s := range list {
			if w := s.State.Waiting; w != nil {
				why += fmt.Sprintf(", %s: %s %s", s.Name, w.Reason, w.Message)
			}
			if t := s.LastTerminationState.Terminated; t != nil {
				why += fmt.Sprintf(", %s ended with %d: %s", s.Name, t.ExitCode, t.Message)
			}
		}
	}
	return why
}
