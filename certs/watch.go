package certs

import (
	"context"
	"fmt"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// watch calls a function for whatever becomes of the Secret or the webhook
// configuration: on every replica, or on the leader only. It retries within seconds
// however often it fails: every one of them may cost admissions.
func watch(mgr ctrl.Manager, name string, leaderOnly bool, do reconcile.Func) error {
	one := handler.EnqueueRequestsFromMapFunc(func(context.Context, client.Object) []reconcile.Request {
		return []reconcile.Request{{}}
	})
	err := ctrl.NewControllerManagedBy(mgr).Named(name).
		Watches(secretObject(), one).
		Watches(webhookObject(), one).
		WithOptions(controller.Options{
			NeedLeaderElection: &leaderOnly,
			RateLimiter:        workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](20*time.Millisecond, 5*time.Second),
		}).
		Complete(do)
	if err != nil {
		return fmt.Errorf("set up %s: %w", name, err)
	}
	return nil
}

// seeTrust takes in the webhook configuration.
func seeTrust(ctx context.Context, c client.Reader, o Options, t *trust, now time.Time) error {
	config, err := readConfiguration(ctx, c, o)
	if err != nil {
		return err
	}
	t.see(config, o.service(), now)
	return nil
}

// readConfiguration returns nil where there is none: its creation calls again.
func readConfiguration(ctx context.Context, c client.Reader, o Options) (*admissionv1.MutatingWebhookConfiguration, error) {
	var config admissionv1.MutatingWebhookConfiguration
	err := c.Get(ctx, types.NamespacedName{Name: o.WebhookConfiguration}, &config)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("get webhook configuration: %w", err)
	}
	return &config, nil
}

// stale reports whether a write failed because someone else wrote meanwhile.
func stale(err error) bool {
	return apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) || apierrors.IsInvalid(err)
}

func secretObject() client.Object { return &corev1.Secret{} }

func webhookObject() client.Object { return &admissionv1.MutatingWebhookConfiguration{} }

func byName(name string) fields.Selector { return fields.OneTermEqualSelector("metadata.name", name) }
