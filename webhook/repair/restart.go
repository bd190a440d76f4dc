package repair

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/webhook/events"
)

// restart restarts the rollout of a workload, or returns why it does not.
func (r *Repairer) restart(ctx context.Context, w Workload) (why string, err error) {
	if w.Owner.Kind == "" {
		return "bare pods have no rollout: delete and create them again", nil
	}
	target, chain, why, err := owner(ctx, r.Reader, w.Namespace, w.Owner)
	if apierrors.IsNotFound(err) {
		return "it is gone", nil
	}
	if err != nil {
		return "", err
	}
	var namespace corev1.Namespace
	if err := r.Reader.Get(ctx, client.ObjectKey{Name: w.Namespace}, &namespace); err != nil {
		return "", fmt.Errorf("get namespace: %w", err)
	}
	if off := handsOff(append(chain, &namespace)...); off != "" {
		return off, nil
	}
	if target == nil {
		r.tell(w, why)
		return why, nil
	}
	if w.Stale && target.Template.Annotations[sidecars.StatusKey] != "" {
		target.Leave = "its template has the exporter written into it: run outrider inject on its manifest again"
	}
	if target.Leave != "" {
		r.tell(w, target.Leave)
		return target.Leave, nil
	}
	if target.Wait != "" {
		return target.Wait, nil
	}
	if why := r.tried(target); why != "" {
		return why, nil
	}
	var budgets policyv1.PodDisruptionBudgetList
	if err := r.Reader.List(ctx, &budgets, client.InNamespace(w.Namespace)); err != nil {
		return "", fmt.Errorf("list PodDisruptionBudgets: %w", err)
	}
	if why := target.protected(budgets.Items); why != "" {
		return why, nil
	}
	return r.roll(ctx, w, target)
}

// tried returns why another restart is not to be expected to help. What is in
// the template is all that an earlier leader left behind.
func (r *Repairer) tried(target *restartable) string {
	const sentence = "it was restarted at %s, and that did not help; it is left alone %s"
	uid := string(target.Object.GetUID())
	if a, ok := r.attempts[uid]; ok {
		if a.fingerprint == target.fingerprint() {
			return fmt.Sprintf(sentence, a.at.UTC().Format("15:04:05"), "until its template changes")
		}
		return ""
	}
	if at := target.restartedAt(); !at.IsZero() && r.Now().Sub(at) < r.Backoff {
		return fmt.Sprintf(sentence, at.UTC().Format("15:04:05"), "for "+r.Backoff.String()+" after that")
	}
	return ""
}

// roll restarts the rollout; the namespace is busy until it is complete.
func (r *Repairer) roll(ctx context.Context, w Workload, target *restartable) (why string, err error) {
	o := target.Object
	fingerprint := target.fingerprint()
	patch, err := restartPatch(o, r.Now())
	if err != nil {
		return "", err
	}
	switch err := r.Writer.Patch(ctx, o, patch); {
	case apierrors.IsConflict(err), apierrors.IsNotFound(err):
		return "it changed while it was looked at", nil
	case err != nil:
		return "", fmt.Errorf("patch: %w", err)
	}
	r.attempts[string(o.GetUID())] = attempt{namespace: w.Namespace, fingerprint: fingerprint, at: r.Now()}
	what := "no exporter"
	if w.Stale {
		what = "an exporter of an older definition"
	}
	events.WorkloadRestarted.Record(r.Events, o, "restarted because %d pods have %s", w.Pods, what)
	key := client.ObjectKeyFromObject(o)
	r.busy[w.Namespace] = work{action: actionRestart, what: key.String(), since: r.Now(), ended: func(ctx context.Context) (bool, error) {
		now := o.DeepCopyObject().(client.Object)
		if err := r.Reader.Get(ctx, key, now); err != nil {
			return apierrors.IsNotFound(err), client.IgnoreNotFound(err)
		}
		return describe(now).Complete, nil
	}}
	return "", nil
}

// tell says on a workload, once for each reason, that its owner has to act.
func (r *Repairer) tell(w Workload, why string) {
	if r.looked[w.Owner.Kind+"/"+w.Namespace+"/"+w.Owner.Name].why == why {
		return
	}
	regarding := &corev1.ObjectReference{APIVersion: w.Owner.APIVersion, Kind: w.Owner.Kind, Name: w.Owner.Name, UID: w.Owner.UID, Namespace: w.Namespace}
	events.RepairSkipped.Record(r.Events, regarding, "%d pods lack their exporter, and are not replaced: %s", w.Pods, why)
}
