package main

import (
	"context"
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
)

// workload is what makes the pods of a server.
type workload struct {
	kind, namespace, name string
	template              corev1.PodTemplateSpec
	selector              string
	patch                 func(ctx context.Context, merge []byte) error
	// rolledOut reports whether every pod is of the present template, and runs.
	rolledOut func(context.Context) (bool, error)
}

func (w workload) String() string { return strings.ToLower(w.kind) + "/" + w.name }

// pod is what the template makes.
func (w workload) pod() *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: *w.template.ObjectMeta.DeepCopy(), Spec: *w.template.Spec.DeepCopy()}
	pod.Namespace, pod.GenerateName = w.namespace, w.name+"-"
	return pod
}

// kindClient reads and changes the objects of one kind.
type kindClient[T any] interface {
	Get(ctx context.Context, name string, o metav1.GetOptions) (T, error)
	Patch(ctx context.Context, name string, how types.PatchType, raw []byte, o metav1.PatchOptions, subresources ...string) (T, error)
}

// read fills in the workload from its object: template tells its template and selector,
// done whether all its pods are of the template and ready.
func read[T any](ctx context.Context, w *workload, kind string, all kindClient[T], template func(T) (corev1.PodTemplateSpec, *metav1.LabelSelector), done func(T) bool) error {
	w.kind = kind
	w.patch = func(ctx context.Context, raw []byte) error {
		_, err := all.Patch(ctx, w.name, types.MergePatchType, raw, metav1.PatchOptions{FieldManager: "outrider"})
		return err
	}
	w.rolledOut = func(ctx context.Context) (bool, error) {
		found, err := all.Get(ctx, w.name, metav1.GetOptions{})
		return err == nil && done(found), err
	}
	found, err := all.Get(ctx, w.name, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("get %s: %w", w, err)
	}
	var selector *metav1.LabelSelector
	w.template, selector = template(found)
	w.selector = metav1.FormatLabelSelector(selector)
	return nil
}

// findWorkload reads KIND/NAME of a Deployment, StatefulSet or DaemonSet.
func findWorkload(ctx context.Context, client kubernetes.Interface, namespace, named string) (workload, error) {
	kind, name, _ := strings.Cut(named, "/")
	w, apps := &workload{namespace: namespace, name: name}, client.AppsV1()
	var err error
	switch strings.ToLower(kind) {
	case "deployment", "deployments", "deploy":
		err = read(ctx, w, "Deployment", apps.Deployments(namespace),
			func(d *appsv1.Deployment) (corev1.PodTemplateSpec, *metav1.LabelSelector) {
				return d.Spec.Template, d.Spec.Selector
			},
			func(d *appsv1.Deployment) bool {
				return d.Status.ObservedGeneration >= d.Generation && d.Status.UpdatedReplicas == d.Status.Replicas && d.Status.ReadyReplicas == d.Status.Replicas
			})
	case "statefulset", "statefulsets", "sts":
		err = read(ctx, w, "StatefulSet", apps.StatefulSets(namespace),
			func(s *appsv1.StatefulSet) (corev1.PodTemplateSpec, *metav1.LabelSelector) {
				return s.Spec.Template, s.Spec.Selector
			},
			func(s *appsv1.StatefulSet) bool {
				return s.Status.ObservedGeneration >= s.Generation && s.Status.UpdateRevision == s.Status.CurrentRevision && s.Status.ReadyReplicas == s.Status.Replicas
			})
	case "daemonset", "daemonsets", "ds":
		err = read(ctx, w, "DaemonSet", apps.DaemonSets(namespace),
			func(d *appsv1.DaemonSet) (corev1.PodTemplateSpec, *metav1.LabelSelector) {
				return d.Spec.Template, d.Spec.Selector
			},
			func(d *appsv1.DaemonSet) bool {
				return d.Status.ObservedGeneration >= d.Generation && d.Status.UpdatedNumberScheduled == d.Status.DesiredNumberScheduled && d.Status.NumberReady == d.Status.DesiredNumberScheduled
			})
	default:
		err = fmt.Errorf("%q is no workload: want deployment/NAME, statefulset/NAME or daemonset/NAME", named)
	}
	return *w, err
}
