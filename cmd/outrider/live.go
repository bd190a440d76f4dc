package main

import (
	"context"
	"encoding/json"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/kubernetes"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
)

// catalogOf is the built-in catalogue with the cluster's custom Exporters over
// it. One that is not in force is left out, as the webhook does.
func catalogOf(ctx context.Context, client kubernetes.Interface) (sidecars.Catalog, error) {
	catalog := sidecars.Builtin()
	raw, err := client.Discovery().RESTClient().Get().AbsPath("/apis", v1alpha1.GroupVersion.String(), "exporters").DoRaw(ctx)
	if apierrors.IsNotFound(err) || apierrors.IsForbidden(err) {
		return catalog, nil
	}
	if err != nil {
		return catalog, fmt.Errorf("list exporters: %w", err)
	}
	var list v1alpha1.ExporterList
	if err := json.Unmarshal(raw, &list); err != nil {
		return catalog, fmt.Errorf("decode exporters: %w", err)
	}
	for i := range list.Items {
		if with, err := catalog.With(list.Items[i]); err == nil {
			catalog = with
		}
	}
	return catalog, nil
}
