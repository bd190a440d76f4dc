package certs

import (
	"bytes"
	"context"
	"crypto/x509"
	"fmt"
	"maps"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// keeper is the leader of mode self-signed. It reads the API server and not the
// cache, because a step that is taken twice makes two CAs.
type keeper struct {
	Options
	metrics   *Metrics
	apiReader client.Reader
	writer    client.Writer
	prove     func(context.Context, *x509.Certificate) error
	used      func() *authority
	last      func() *corev1.Secret // as it was before it was deleted, nil if it never was
	now       func() time.Time
	observed  observedTrust
}

// patience is how long a proof is waited for where no replica can serve meanwhile,
// and how long one may be missing before it is called a failure.
const (
	patience      = 5 * time.Second
	proofOverdue  = time.Minute
	firstRetryGap = 20 * time.Millisecond
)

func (k *keeper) rotation() rotation {
	return rotation{caLife: k.CALife, servingLife: k.ServingLife, settle: k.Settle, patience: patience}
}

func (k *keeper) reconcile(ctx context.Context, _ reconcile.Request) (reconcile.Result, error) {
	again, err := k.keep(ctx)
	if stale(err) {
		return reconcile.Result{RequeueAfter: firstRetryGap}, nil
	}
	if err != nil {
		k.metrics.failures.Inc()
		return reconcile.Result{}, err
	}
	return reconcile.Result{RequeueAfter: max(again.Sub(k.now()), firstRetryGap)}, nil
}

// keep takes one step: it brings the Secret, and then the caBundle, to what they
// should be, and returns when to look again.
func (k *keeper) keep(ctx context.Context) (time.Time, error) {
	var secret corev1.Secret
	err := k.apiReader.Get(ctx, k.key(), &secret)
	if client.IgnoreNotFound(err) != nil {
		return time.Time{}, fmt.Errorf("get secret: %w", err)
	}
	missing := apierrors.IsNotFound(err)
	config, err := readConfiguration(ctx, k.apiReader, k.Options)
	if err != nil {
		return time.Time{}, err
	}
	if err := k.Clock.check(k.ServingLife); err != nil {
		return time.Time{}, err
	}
	before, broken := readState(secret.Data)
	if broken != nil {
		k.metrics.failures.Inc()
		ctrl.LoggerFrom(ctx).Error(broken, "the Secret is broken; repairing it", "secret", k.key().String())
	}
	k.look(ctx, config, before)
	after, again, err := k.rotation().step(before, k.observed, k.now())
	if err != nil {
		return time.Time{}, err
	}
	if err := k.write(ctx, &secret, missing, after); err != nil {
		return time.Time{}, err
	}
	k.tell(ctx, before, after)
	if config == nil {
		return again, nil
	}
	return again, k.spread(ctx, config, before, after)
}

// look renews what the leader knows of the trust in the next CA.
func (k *keeper) look(ctx context.Context, config *admissionv1.MutatingWebhookConfiguration, s state) {
	k.observed.present, k.observed.used = nil, k.used()
	if config != nil {
		k.observed.present = present(config)
	}
	if s.next == nil || config == nil || !trustedByAll(config, s.next.cert) {
		k.observed = observedTrust{present: k.observed.present, used: k.observed.used}
		return
	}
	if k.observed.next == nil || !k.observed.next.Equal(s.next.cert) {
		k.observed.next, k.observed.spreadSince, k.observed.provenSince = s.next.cert, k.now(), time.Time{}
	}
	// A proof that fails does not restart the settle time: it says as much about
	// a replica that is just starting. But nothing signs on it.
	err := k.prove(ctx, s.next.cert)
	k.observed.proven = err == nil
	switch {
	case err != nil:
		ctrl.LoggerFrom(ctx).V(1).Info("the next authority is not proven to be trusted", "reason", err.Error())
		if k.now().Sub(k.observed.spreadSince) > proofOverdue {
			k.metrics.failures.Inc()
			ctrl.LoggerFrom(ctx).Error(err, "prove that the API server trusts the next authority")
		}
	case k.observed.provenSince.IsZero():
		k.observed.provenSince = k.now()
	}
}

// write stores the state where it differs from the Secret's.
func (k *keeper) write(ctx context.Context, secret *corev1.Secret, missing bool, s state) error {
	data, err := s.encode()
	if err != nil {
		return err
	}
	if missing {
		created := &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: k.Namespace, Name: k.Secret}, Type: corev1.SecretTypeOpaque, Data: data,
		}
		if last := k.last(); last != nil { // Helm knows its own by these
			created.Labels, created.Annotations = last.Labels, last.Annotations
		}
		err = k.writer.Create(ctx, created)
	} else if !maps.EqualFunc(data, secret.Data, bytes.Equal) {
		updated := secret.DeepCopy()
		updated.Data = data
		err = k.writer.Update(ctx, updated) // refused if someone else has written
	}
	if err != nil {
		return fmt.Errorf("write secret: %w", err)
	}
	return nil
}

// spread brings every caBundle to what the state says.
func (k *keeper) spread(ctx context.Context, config *admissionv1.MutatingWebhookConfiguration, before, after state) error {
	repair := false
	for _, c := range before.trusted() {
		repair = repair || !trustedByAll(config, c)
	}
	wrote, err := writeTrust(ctx, k.writer, config, after.trusted())
	if err != nil || !wrote {
		return err
	}
	if repair {
		k.metrics.repairs.Inc()
	}
	ctrl.LoggerFrom(ctx).Info("caBundle written", "webhookConfiguration", k.WebhookConfiguration, "authorities", len(after.trusted()), "repair", repair)
	return nil
}

// writeTrust makes every entry trust these, and reports whether it had to.
func writeTrust(ctx context.Context, w client.Writer, config *admissionv1.MutatingWebhookConfiguration, trusted []*x509.Certificate) (bool, error) {
	patch, err := trustPatch(config, trusted)
	if err != nil || patch == nil {
		return false, err
	}
	if err := w.Patch(ctx, config.DeepCopy(), client.RawPatch(types.JSONPatchType, patch)); err != nil {
		return false, fmt.Errorf("patch caBundle: %w", err)
	}
	return true, nil
}

// tell logs and counts what a step has changed.
func (k *keeper) tell(ctx context.Context, before, after state) {
	if before.signing != nil && after.signing != nil && !before.signing.is(after.signing) {
		k.metrics.rotated(ofAuthority)
	}
	if before.phase() != after.phase() || before.signing != nil && !before.signing.is(after.signing) {
		ctrl.LoggerFrom(ctx).Info("certificate authorities", "phase", after.phase(), "trusted", len(after.trusted()))
	}
}
