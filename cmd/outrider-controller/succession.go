package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// succession keeps a controller from being ready before a replica of the webhook
// is. In releases up to 0.2.0 the controller's pods answered admission reviews too;
// an upgrade must not end them before others answer. Where no pod answers, none is
// protected: after webhook.mode was policy, the controllers that lead have no
// certificate to give, and the webhook gets one only from their successors.
type succession struct {
	reader          client.Reader
	namespace, name string // of the webhook's Deployment

	done atomic.Bool
}

// reviews is the name of the container port to which the webhook's Service leads.
const reviews = "webhook"

// check is a healthz.Checker. Once it was nil it remains so: what becomes of the
// webhook later is no reason to restart a controller.
func (s *succession) check(req *http.Request) error {
	if s.done.Load() {
		return nil
	}
	ctx := context.Background()
	if req != nil {
		ctx = req.Context()
	}
	var d appsv1.Deployment
	err := s.reader.Get(ctx, client.ObjectKey{Namespace: s.namespace, Name: s.name}, &d)
	switch {
	case err != nil && !apierrors.IsNotFound(err):
		return fmt.Errorf("get the webhook's Deployment: %w", err)
	case err == nil && d.Status.AvailableReplicas < 1 && (d.Spec.Replicas == nil || *d.Spec.Replicas > 0):
		if err := s.unanswered(ctx); err != nil {
			return fmt.Errorf("no replica of Deployment %s/%s is available yet: %w", s.namespace, s.name, err)
		}
	}
	s.done.Store(true)
	return nil
}

// unanswered returns which ready pod answers reviews, or nil.
func (s *succession) unanswered(ctx context.Context) error {
	var pods corev1.PodList
	if err := s.reader.List(ctx, &pods, client.InNamespace(s.namespace)); err != nil {
		return fmt.Errorf("list pods that answer reviews: %w", err)
	}
	for i := range pods.Items {
		if pod := &pods.Items[i]; ready(pod) && answers(pod) {
			return fmt.Errorf("pod %s answers until then", pod.Name)
		}
	}
	return nil
}

func ready(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

func answers(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Spec.Containers, func(c corev1.Container) bool {
		return slices.ContainsFunc(c.Ports, func(p corev1.ContainerPort) bool { return p.Name == reviews })
	})
}
