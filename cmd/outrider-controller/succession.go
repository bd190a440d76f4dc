package main

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// succession keeps a controller from being ready before a replica of the webhook
// is. In releases up to 0.2.0 the controller's pods answered admission reviews too;
// an upgrade must not end them before others answer.
type succession struct {
	reader          client.Reader
	namespace, name string // of the webhook's Deployment

	done atomic.Bool
}

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
		return fmt.Errorf("no replica of Deployment %s/%s is available yet", s.namespace, s.name)
	}
	s.done.Store(true)
	return nil
}
