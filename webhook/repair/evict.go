package repair

import (
	"context"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/outrider-dev/outrider/webhook/events"
)

// startup is how long the next eviction in a namespace waits for the pod that
// takes the place of the last one to be ready.
const startup = time.Minute

// evict evicts a stuck pod through the API server, which holds its budgets, or
// returns why it does not.
func (r *Repairer) evict(ctx context.Context, pod *corev1.Pod) (why string, err error) {
	ref := metav1.GetControllerOf(pod)
	if ref == nil || kindOf(*ref) == nil {
		return "nothing would create it again", nil
	}
	_, chain, _, err := owner(ctx, r.Reader, pod.Namespace, *ref)
	if apierrors.IsNotFound(err) {
		return "its controller is gone", nil
	}
	if err != nil {
		return "", err
	}
	var namespace corev1.Namespace
	if err := r.Reader.Get(ctx, client.ObjectKey{Name: pod.Namespace}, &namespace); err != nil {
		return "", fmt.Errorf("get namespace: %w", err)
	}
	if off := handsOff(append(chain, pod, &namespace)...); off != "" {
		return off, nil
	}
	before := ready(chain[0])
	// The pod as it was judged, and no later state of it: it may have become ready.
	eviction := &policyv1.Eviction{DeleteOptions: &metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &pod.UID, ResourceVersion: &pod.ResourceVersion}}}
	switch err := r.Writer.SubResource("eviction").Create(ctx, pod.DeepCopy(), eviction); {
	case apierrors.IsTooManyRequests(err):
		return "a PodDisruptionBudget does not allow it now", nil
	case apierrors.IsConflict(err), apierrors.IsNotFound(err):
		return "it changed while it was looked at", nil
	case err != nil:
		return "", fmt.Errorf("evict: %w", err)
	}
	events.PodEvicted.Record(r.Events, chain[0], "evicted pod %s, which nothing but its exporter kept from starting", pod.Name)
	r.busy[pod.Namespace] = work{action: actionEvict, what: pod.Namespace + "/" + pod.Name, since: r.Now(), ended: r.replaced(chain[0], before)}
	return "", nil
}

// replaced tells when another pod of the controller is ready, or has had time
// enough for it.
func (r *Repairer) replaced(controller client.Object, before int32) func(context.Context) (bool, error) {
	since := r.Now()
	return func(ctx context.Context) (bool, error) {
		if r.Now().Sub(since) >= startup {
			return true, nil
		}
		now := controller.DeepCopyObject().(client.Object)
		if err := r.Reader.Get(ctx, client.ObjectKeyFromObject(controller), now); err != nil {
			return apierrors.IsNotFound(err), client.IgnoreNotFound(err)
		}
		return ready(now) > before, nil
	}
}

// ready is how many pods of a controller are.
func ready(controller client.Object) int32 {
	switch o := controller.(type) {
	case *appsv1.ReplicaSet:
		return o.Status.ReadyReplicas
	case *appsv1.StatefulSet:
		return o.Status.ReadyReplicas
	case *appsv1.DaemonSet:
		return o.Status.NumberReady
	}
	return 0
}
