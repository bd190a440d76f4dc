package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/outrider-dev/outrider/cmd/outrider/diagnosis"
	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
	"github.com/outrider-dev/outrider/webhook/breaker"
	"github.com/outrider-dev/outrider/webhook/decider"
	"github.com/outrider-dev/outrider/webhook/usage"
)

// decides decides as the cluster's Outrider does now, by what it goes by. What the
// user may not read is left out.
type decides struct {
	decider.Decider
	// Unknown says what could not be read, a sentence each.
	Unknown []string
}

func newDecides(ctx context.Context, client kubernetes.Interface, installed diagnosis.Installed) (*decides, error) {
	catalog, err := catalogOf(ctx, client)
	if err != nil {
		return nil, err
	}
	d := &decides{Decider: decider.Decider{Exporters: decider.Fixed(catalog), Namespaces: namespaces{client}, Budgets: budgets{client}}}
	deployment, err := servingDeployment(ctx, client, installed)
	if err != nil || deployment == nil {
		if err != nil {
			d.Unknown = append(d.Unknown, fmt.Sprintf("the release's settings and suspended exporters are not taken into account: %v", err))
		}
		return d, nil
	}
	fs := flag.NewFlagSet("", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	decider.AddFlags(&d.Settings, fs)
	configMap := fs.String("breaker-configmap", "", "")
	for _, arg := range deployment.Spec.Template.Spec.Containers[0].Args {
		name, value, has := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		if f := fs.Lookup(name); f == nil {
			continue
		}
		if !has {
			value = "true"
		}
		if err := fs.Set(name, value); err != nil {
			d.Unknown = append(d.Unknown, fmt.Sprintf("%s of Deployment %s is not understood: %v", arg, deployment.Name, err))
		}
	}
	if *configMap == "" {
		return d, nil
	}
	cm, err := client.CoreV1().ConfigMaps(deployment.Namespace).Get(ctx, *configMap, metav1.GetOptions{})
	if err == nil {
		d.Usage = usage.Stored(cm)
		d.Breaker, err = breaker.Stored(cm, d.Exporters)
	}
	if err != nil && !apierrors.IsNotFound(err) {
		d.Unknown = append(d.Unknown, fmt.Sprintf("suspended exporters and budgets of series are not taken into account: %v", err))
	}
	return d, nil
}

// servingDeployment is the one that decides pods: the webhook's, or where the API server's policies inject alone, the
// controller's. It is nil where there is none.
func servingDeployment(ctx context.Context, client kubernetes.Interface, installed diagnosis.Installed) (*appsv1.Deployment, error) {
	if installed.WebhooksErr != nil {
		return nil, installed.WebhooksErr
	}
	namespace := installed.Namespace()
	if namespace == "" {
		return nil, nil
	}
	selector := metav1.ListOptions{LabelSelector: diagnosis.Own + ",app.kubernetes.io/component in (webhook,controller)"}
	found, err := client.AppsV1().Deployments(namespace).List(ctx, selector)
	if err != nil || len(found.Items) == 0 {
		return nil, err
	}
	return &found.Items[0], nil
}

// catalogOf is the catalog in force.
func catalogOf(ctx context.Context, client kubernetes.Interface) (sidecars.Catalog, error) {
	raw, err := client.Discovery().RESTClient().Get().AbsPath("/apis", v1alpha1.GroupVersion.String(), "exporters").DoRaw(ctx)
	if apierrors.IsNotFound(err) || apierrors.IsForbidden(err) {
		return sidecars.Builtin(), nil
	}
	if err != nil {
		return sidecars.Catalog{}, fmt.Errorf("list exporters: %w", err)
	}
	var list v1alpha1.ExporterList
	if err := json.Unmarshal(raw, &list); err != nil {
		return sidecars.Catalog{}, fmt.Errorf("decode exporters: %w", err)
	}
	return decider.Catalog(list.Items), nil
}

type namespaces struct{ client kubernetes.Interface }

// Namespace gives a namespace's labels and annotations, and none where the user
// may not read it.
func (n namespaces) Namespace(ctx context.Context, name string) (sidecars.Namespace, error) {
	ns, err := n.client.CoreV1().Namespaces().Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return sidecars.Namespace{}, err
	}
	return sidecars.Namespace{Labels: ns.Labels, Annotations: ns.Annotations}, nil
}

type budgets struct{ client kubernetes.Interface }

// Budget gives what the namespace's policies leave, as far as the user may read
// them.
func (b budgets) Budget(ctx context.Context, namespace string) (sidecars.Budget, error) {
	ranges, err := b.client.CoreV1().LimitRanges(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return sidecars.Budget{}, err
	}
	quotas, err := b.client.CoreV1().ResourceQuotas(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return sidecars.Budget{}, err
	}
	return decider.NewBudget(ranges.Items, quotas.Items), nil
}
