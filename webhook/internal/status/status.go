// Package status writes the status of custom Exporters. Each writer applies its
// own fields under a field manager of its own, so that none can take away what
// another one wrote, however old the copy is that it knows.
package status

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
)

// Apply writes a condition, and the other fields of own, into the status of an
// Exporter, where they are not there. The condition's transition time is kept or
// set. An Exporter that is gone, or another one by now, is no error.
func Apply(ctx context.Context, c client.Client, manager string, e *v1alpha1.Exporter, condition metav1.Condition, own v1alpha1.ExporterStatus) error {
	after := e.DeepCopy()
	meta.SetStatusCondition(&after.Status.Conditions, condition)
	own.Conditions = []metav1.Condition{*meta.FindStatusCondition(after.Status.Conditions, condition.Type)}
	if own.ObservedGeneration != 0 {
		after.Status.ObservedGeneration = own.ObservedGeneration
	}
	if own.Coverage != nil {
		after.Status.Coverage = own.Coverage
	}
	if own.LastGood != nil {
		after.Status.LastGood = own.LastGood
	}
	if equality.Semantic.DeepEqual(after.Status, e.Status) {
		return nil
	}
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&own)
	if err != nil {
		return fmt.Errorf("convert status: %w", err)
	}
	apply := &unstructured.Unstructured{Object: map[string]any{"status": fields}}
	apply.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(v1alpha1.Kind))
	apply.SetName(e.Name)
	apply.SetUID(e.UID) // an Exporter of the same name that was created since is another one
	err = c.Status().Apply(ctx, client.ApplyConfigurationFromUnstructured(apply), client.FieldOwner(manager), client.ForceOwnership)
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("write status of exporter %s: %w", e.Name, err)
	}
	return nil
}
