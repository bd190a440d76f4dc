// Package manifest applies YAML to a cluster as kubectl apply --server-side
// does, and takes it away again.
package manifest

import (
	"context"
	"fmt"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/outrider-dev/outrider/test/corpus"
)

const fieldOwner = client.FieldOwner("outrider-test")

// Applier applies manifests to one cluster.
type Applier struct{ client client.Client }

// NewApplier returns an Applier for the cluster of config.
func NewApplier(config *rest.Config) (*Applier, error) {
	c, err := client.New(config, client.Options{})
	if err != nil {
		return nil, fmt.Errorf("create client: %w", err)
	}
	return &Applier{c}, nil
}

// Apply creates or changes every object of a multi-document YAML file.
func (a *Applier) Apply(ctx context.Context, yaml []byte) error {
	objects, err := corpus.Decode(yaml)
	if err != nil {
		return err
	}
	for _, o := range objects {
		object := &unstructured.Unstructured{Object: o}
		err := a.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(object), fieldOwner, client.ForceOwnership)
		if err != nil {
			return fmt.Errorf("apply %s %s: %w", object.GetKind(), object.GetName(), err)
		}
		if object.GetKind() == "Namespace" {
			if err := a.accountIn(ctx, object.GetName()); err != nil {
				return err
			}
		}
	}
	return nil
}

// accountIn waits for a namespace's default ServiceAccount: before it is there,
// pods without a controller are refused.
func (a *Applier) accountIn(ctx context.Context, namespace string) error {
	account := &metav1.PartialObjectMetadata{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ServiceAccount"}}
	return poll(ctx, func(ctx context.Context) (bool, error) {
		err := a.client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "default"}, account)
		return err == nil, client.IgnoreNotFound(err)
	})
}

// AwaitDeletion waits until those of the namespaces that are being deleted are gone: nothing can be made in them.
func (a *Applier) AwaitDeletion(ctx context.Context, namespaces ...string) error {
	for _, name := range namespaces {
		ns := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Namespace"}}
		err := poll(ctx, func(ctx context.Context) (bool, error) {
			err := a.client.Get(ctx, client.ObjectKey{Name: name}, ns)
			return apierrors.IsNotFound(err) || err == nil && ns.GetDeletionTimestamp() == nil, client.IgnoreNotFound(err)
		})
		if err != nil {
			return fmt.Errorf("wait for the end of namespace %s: %w", name, err)
		}
	}
	return nil
}

// Delete removes every object of a multi-document YAML file, the last first,
// and waits until they are gone.
func (a *Applier) Delete(ctx context.Context, yaml []byte) error {
	objects, err := corpus.Decode(yaml)
	if err != nil {
		return err
	}
	slices.Reverse(objects)
	for _, o := range objects {
		object := &unstructured.Unstructured{Object: o}
		err := a.client.Delete(ctx, object, client.PropagationPolicy(metav1.DeletePropagationBackground))
		if client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("delete %s %s: %w", object.GetKind(), object.GetName(), err)
		}
	}
	for _, o := range objects {
		object := &unstructured.Unstructured{Object: o}
		err := poll(ctx, func(ctx context.Context) (bool, error) {
			err := a.client.Get(ctx, client.ObjectKeyFromObject(object), object)
			return apierrors.IsNotFound(err), client.IgnoreNotFound(err)
		})
		if err != nil {
			return fmt.Errorf("wait for the end of %s %s: %w", object.GetKind(), object.GetName(), err)
		}
	}
	return nil
}

func poll(ctx context.Context, done wait.ConditionWithContextFunc) error {
	return wait.PollUntilContextTimeout(ctx, 100*time.Millisecond, 5*time.Minute, true, done)
}
