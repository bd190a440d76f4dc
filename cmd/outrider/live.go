package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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

// completePods offers the names of the namespace's pods.
func (c *cluster) completePods(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	config, err := c.config()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	pods, err := client.CoreV1().Pods(c.namespace()).List(cmd.Context(), metav1.ListOptions{})
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var names []string
	for i := range pods.Items {
		names = append(names, pods.Items[i].Name)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
