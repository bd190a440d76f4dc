package main

import (
	"context"
	"fmt"
	"strings"

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

// findWorkload reads KIND/NAME of a Deployment, StatefulSet or DaemonSet.
func findWorkload(ctx context.Context, client kubernetes.Interface, namespace, named string) (workload, error) {
	kind, name, _ := strings.Cut(named, "/")
	w := workload{namespace: namespace, name: name}
	var selector *metav1.LabelSelector
	var err error
	merge := types.MergePatchType
	by := metav1.PatchOptions{FieldManager: "outrider"}
	apps := client.AppsV1()
	switch strings.ToLower(kind) {
	case "deployment", "deployments", "deploy":
		w.kind = "Deployment"
		all := apps.Deployments(namespace)
		found, e := all.Get(ctx, name, metav1.GetOptions{})
		if err = e; err == nil {
			w.template, selector = found.Spec.Template, found.Spec.Selector
		}
		w.patch = func(ctx context.Context, raw []byte) error {
			_, err := all.Patch(ctx, name, merge, raw, by)
			return err
		}
		w.rolledOut = func(ctx context.Context) (bool, error) {
			d, err := all.Get(ctx, name, metav1.GetOptions{})
			return err == nil && d.Status.ObservedGeneration >= d.Generation && d.Status.UpdatedReplicas == d.Status.Replicas && d.Status.ReadyReplicas == d.Status.Replicas, err
		}
	case "statefulset", "statefulsets", "sts":
		w.kind = "StatefulSet"
		all := apps.StatefulSets(namespace)
		found, e := all.Get(ctx, name, metav1.GetOptions{})
		if err = e; err == nil {
			w.template, selector = found.Spec.Template, found.Spec.Selector
		}
		w.patch = func(ctx context.Context, raw []byte) error {
			_, err := all.Patch(ctx, name, merge, raw, by)
			return err
		}
		w.rolledOut = func(ctx context.Context) (bool, error) {
			s, err := all.Get(ctx, name, metav1.GetOptions{})
			return err == nil && s.Status.ObservedGeneration >= s.Generation && s.Status.UpdateRevision == s.Status.CurrentRevision && s.Status.ReadyReplicas == s.Status.Replicas, err
		}
	case "daemonset", "daemonsets", "ds":
		w.kind = "DaemonSet"
		all := apps.DaemonSets(namespace)
		found, e := all.Get(ctx, name, metav1.GetOptions{})
		if err = e; err == nil {
			w.template, selector = found.Spec.Template, found.Spec.Selector
		}
		w.patch = func(ctx context.Context, raw []byte) error {
			_, err := all.Patch(ctx, name, merge, raw, by)
			return err
		}
		w.rolledOut = func(ctx context.Context) (bool, error) {
			d, err := all.Get(ctx, name, metav1.GetOptions{})
			return err == nil && d.Status.ObservedGeneration >= d.Generation && d.Status.UpdatedNumberScheduled == d.Status.DesiredNumberScheduled && d.Status.NumberReady == d.Status.DesiredNumberScheduled, err
		}
	default:
		return w, fmt.Errorf("%q is no workload: want deployment/NAME, statefulset/NAME or daemonset/NAME", named)
	}
	if err != nil {
		return w, fmt.Errorf("get %s: %w", w, err)
	}
	w.selector = metav1.FormatLabelSelector(selector)
	return w, nil
}
