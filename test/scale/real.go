package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/outrider-dev/outrider/cmd/outrider/release"
	"github.com/outrider-dev/outrider/test/cluster/image"
	"github.com/outrider-dev/outrider/test/cluster/kube"
	"github.com/outrider-dev/outrider/test/cluster/progress"
	"github.com/outrider-dev/outrider/test/promql"
)

// real is a place where pods run: a cluster with the chart at its defaults in it.
type real struct {
	cluster *kube.Cluster
	client  kubernetes.Interface
	prom    *promql.Client
}

// prepareReal installs the chart. What it made goes at the end; the cluster stays.
func prepareReal(ctx context.Context, _ string) (_ place, _ func(), err error) {
	r := &real{}
	if r.cluster, err = kube.Up(ctx, kube.Options{}); err != nil {
		return nil, nil, err
	}
	if r.client, err = kubernetes.NewForConfig(r.cluster.RESTConfig()); err != nil {
		return nil, nil, fmt.Errorf("make a client: %w", err)
	}
	if r.prom, err = promql.New(r.cluster.RESTConfig(), releaseNamespace, "outrider-prometheus:9090"); err != nil {
		return nil, nil, err
	}
	controller, err := image.Controller()
	if err != nil {
		return nil, nil, err
	}
	if err := r.cluster.LoadImages(ctx, append(image.Workloads(), controller)...); err != nil {
		return nil, nil, err
	}
	installed := release.Release{Kubeconfig: r.cluster.Kubeconfig}
	end := func() {
		// The measurement may have ended because its time was over, and what it made must go all the same.
		if err := errors.Join(r.leave(context.WithoutCancel(ctx)), installed.Uninstall()); err != nil {
			progress.Say(ctx, "take away what was made: %v", err)
		}
	}
	done := progress.Start(ctx, "install the chart")
	_, err = installed.Apply(ctx, nil)
	done()
	if err == nil {
		_, err = r.client.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: arrivalsNamespace}}, metav1.CreateOptions{})
	}
	if err != nil {
		end()
		return nil, nil, fmt.Errorf("prepare the cluster: %w", err)
	}
	return r, end, nil
}

// leave deletes the pods that have arrived, with their namespace.
func (r *real) leave(ctx context.Context) error {
	defer progress.Start(ctx, "delete the pods")()
	namespaces := r.client.CoreV1().Namespaces()
	if err := namespaces.Delete(ctx, arrivalsNamespace, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("delete a namespace: %w", err)
	}
	return poll(ctx, 3*time.Minute, func() error {
		_, err := namespaces.Get(ctx, arrivalsNamespace, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
			return nil
		case err != nil:
			return err
		default:
			return fmt.Errorf("the namespace %s is still there", arrivalsNamespace)
		}
	})
}

// Kubeconfig is the cluster's.
func (r *real) Kubeconfig() string { return r.cluster.Kubeconfig }

// Beside is the Prometheus of the chart.
func (r *real) Beside() []observer {
	return []observer{{"the chart's Prometheus", intervals[0], r.prom}}
}

// Arrive creates a pod, as a user would, and waits until it is ready. The time is when its Ready condition was seen, which
// itself is written in whole seconds.
func (r *real) Arrive(ctx context.Context, i int) (time.Time, error) {
	pods := r.client.CoreV1().Pods(arrivalsNamespace)
	var at time.Time
	err := poll(ctx, 30*time.Second, func() error { // before the namespace has its ServiceAccount, pods are refused
		_, err := pods.Create(ctx, arriving(i), metav1.CreateOptions{})
		return err
	})
	if err != nil {
		return at, fmt.Errorf("create a pod: %w", err)
	}
	err = poll(ctx, 3*time.Minute, func() error {
		p, err := pods.Get(ctx, arrival(i), metav1.GetOptions{})
		if err != nil {
			return err
		}
		for _, c := range p.Status.Conditions {
			if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue {
				at = time.Now()
				return nil
			}
		}
		return fmt.Errorf("pod %s is not ready: %s", p.Name, p.Status.Phase)
	})
	return at, err
}
