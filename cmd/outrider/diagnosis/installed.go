package diagnosis

import (
	"context"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// Installed are the objects of Outrider's by which pods reach it, found by their label,
// so that any release's name will do.
type Installed struct {
	// Webhooks are the webhook configurations, and WebhooksErr is why they cannot be listed.
	Webhooks    []admissionv1.MutatingWebhookConfiguration
	WebhooksErr error
	// Bindings are those of the policies by which the API server injects, and BindingsErr
	// is why they cannot be listed.
	Bindings    []admissionv1.MutatingAdmissionPolicyBinding
	BindingsErr error
	// Served says that the API server has MutatingAdmissionPolicies: Kubernetes 1.36.
	Served bool
}

// Own selects Outrider's objects.
const Own = "app.kubernetes.io/name=outrider"

// FindInstalled asks a cluster what of Outrider is installed.
func FindInstalled(ctx context.Context, client kubernetes.Interface) Installed {
	i := Installed{Served: true}
	api, own := client.AdmissionregistrationV1(), metav1.ListOptions{LabelSelector: Own}
	if list, err := api.MutatingWebhookConfigurations().List(ctx, own); err != nil {
		i.WebhooksErr = err
	} else {
		i.Webhooks = list.Items
	}
	switch list, err := api.MutatingAdmissionPolicyBindings().List(ctx, own); {
	case apierrors.IsNotFound(err):
		i.Served = false
	case err != nil:
		i.BindingsErr = err
	default:
		i.Bindings = list.Items
	}
	return i
}

// Namespace is where Outrider runs, and empty where nothing of it is installed.
func (i Installed) Namespace() string {
	for j := range i.Webhooks {
		for k := range i.Webhooks[j].Webhooks {
			if service := i.Webhooks[j].Webhooks[k].ClientConfig.Service; service != nil {
				return service.Namespace
			}
		}
	}
	for j := range i.Bindings {
		if ref := i.Bindings[j].Spec.ParamRef; ref != nil {
			return ref.Namespace
		}
	}
	return ""
}
