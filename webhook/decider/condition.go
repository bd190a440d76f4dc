package decider

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
	"github.com/outrider-dev/outrider/webhook/internal/status"
)

// Ready is the condition of an Exporter that is True while its definition is in
// force, and its reasons.
const (
	Ready   = "Ready"
	InForce = "InForce" // True: new pods get this definition
	Invalid = "Invalid" // False: the message names the field, and what is in force instead
)

// Expressed is the condition of an Exporter that is True while the API server's
// policies can inject it, and the reasons.
const (
	Expressed    = "Expressed"
	NotExpressed = "NotExpressed"
)

// report writes what became of one custom exporter into its status.
func (x *Exporters) report(ctx context.Context, req reconcile.Request) (reconcile.Result, error) {
	now, err := x.load(ctx)
	if err != nil {
		return reconcile.Result{}, err
	}
	var e v1alpha1.Exporter
	if err := x.client.Get(ctx, req.NamespacedName, &e); err != nil {
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	c, judged := now.customs[e.Name]
	if !judged || !c.about(&e) {
		return reconcile.Result{}, nil // changed since; that change calls again
	}
	own := v1alpha1.ExporterStatus{ObservedGeneration: e.Generation, LastGood: e.Status.LastGood}
	if c.good != nil && (own.LastGood == nil || own.LastGood.Generation != c.good.Generation) {
		spec, err := json.Marshal(c.good.Spec)
		if err != nil {
			return reconcile.Result{}, fmt.Errorf("encode definition: %w", err)
		}
		own.LastGood = &v1alpha1.AcceptedDefinition{Generation: c.good.Generation, Spec: runtime.RawExtension{Raw: spec}}
	}
	err = status.Apply(ctx, x.client, "outrider-ready", &e, now.condition(x.builtin, c), own)
	if err == nil && x.Policies {
		err = status.Apply(ctx, x.client, "outrider-expressed", &e, now.expressed(&e), v1alpha1.ExporterStatus{})
	}
	return reconcile.Result{}, err
}

// expressed says whether the API server's policies can inject the definition in force.
func (m merged) expressed(e *v1alpha1.Exporter) metav1.Condition {
	said := metav1.Condition{Type: Expressed, Status: metav1.ConditionTrue, Reason: Expressed, ObservedGeneration: e.Generation,
		Message: "the API server's policies inject it into the pods that they can decide"}
	if why := m.catalog.Expressed(e.Name); why != "" {
		said.Status, said.Reason, said.Message = metav1.ConditionFalse, NotExpressed, "the API server's policies cannot inject it: "+why+"; its pods are left to the webhook"
	}
	return said
}

// condition says what became of a custom exporter.
func (m merged) condition(builtin sidecars.Catalog, c custom) metav1.Condition {
	_, replaces := builtin.Spec(c.seen.Name)
	condition := metav1.Condition{
		Type: Ready, Status: metav1.ConditionTrue, Reason: InForce,
		ObservedGeneration: c.seen.Generation,
		Message:            "new pods get this definition",
	}
	if c.err == nil {
		if replaces {
			condition.Message += ", in place of the built-in one"
		}
		if taken := m.passedOver(c.seen.Name); taken != "" {
			condition.Message += "; " + taken + ", which comes first by name"
		}
		return condition
	}
	instead := "nothing"
	switch {
	case c.good != nil:
		instead = fmt.Sprintf("the last good definition, generation %d", c.good.Generation)
	case replaces:
		instead = "the built-in definition"
	}
	// One problem a line, behind the exporter's name, is how a catalog says it.
	problems := strings.TrimPrefix(c.err.Error(), fmt.Sprintf("exporter %q: ", c.seen.Name))
	condition.Status, condition.Reason = metav1.ConditionFalse, Invalid
	condition.Message = fmt.Sprintf("%s; in force instead: %s", strings.ReplaceAll(problems, "\n", "; "), instead)
	return condition
}
