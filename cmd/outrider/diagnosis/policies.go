package diagnosis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// annotatedPolicy ends the name of the binding of the policy for annotated pods.
const annotatedPolicy = "-inject-annotated"

// Injection is who injects on a cluster.
type Injection struct {
	// Served says that the API server has MutatingAdmissionPolicies: Kubernetes 1.36.
	Served bool
	// Policies are the bindings of Outrider's policies, sorted.
	Policies []string
	// Webhook says that there is a webhook of Outrider's.
	Webhook bool
	// Err is why it is not known.
	Err error
}

// Injection is who injects on the cluster.
func (i Installed) Injection() Injection {
	if err := errors.Join(i.BindingsErr, i.WebhooksErr); err != nil {
		return Injection{Err: err}
	}
	who := Injection{Served: i.Served, Webhook: len(i.Webhooks) > 0}
	for j := range i.Bindings {
		who.Policies = append(who.Policies, i.Bindings[j].Name)
	}
	slices.Sort(who.Policies)
	return who
}

// String is one sentence.
func (i Injection) String() string {
	switch {
	case i.Err != nil:
		return fmt.Sprintf("who injects is not known: %v", i.Err)
	case len(i.Policies) == 0 && !i.Webhook:
		return "nobody injects: no webhook or policy of Outrider is configured"
	case !i.Served:
		return "the API server serves no MutatingAdmissionPolicy (Kubernetes 1.36): the webhook injects alone"
	case len(i.Policies) == 0:
		return "the webhook injects alone; with webhook.mode auto, the API server decides most pods without a call"
	case !i.Webhook:
		return strings.Join(i.Policies, ", ") + " decide what they can, nobody the rest: there is no webhook (webhook.mode: policy)"
	}
	return strings.Join(i.Policies, ", ") + " decide what they can, the webhook the rest"
}

// withoutWebhook is the installation of webhook.mode policy: nil where there is none.
func withoutWebhook(bindings []admissionv1.MutatingAdmissionPolicyBinding) *installation {
	for i := range bindings {
		b := &bindings[i]
		if fullname, ok := strings.CutSuffix(b.Name, annotatedPolicy); ok && b.Spec.ParamRef != nil {
			return &installation{config: &admissionv1.MutatingWebhookConfiguration{}, fullname: fullname, namespace: b.Spec.ParamRef.Namespace}
		}
	}
	return nil
}

// ownPolicies tells whether the API server injects without a call, and whether it has the data
// for it.
func ownPolicies(ctx context.Context, p *Patient, found func(Finding)) bool {
	const name = "policies"
	bindings := p.installed.Bindings
	if err := p.installed.BindingsErr; err != nil {
		found(warn(name, "Ask for permission to list mutatingadmissionpolicybindings.", "%v", err))
		return true
	}
	data := map[types.NamespacedName]bool{} // one ConfigMap for all, as the chart renders them
	for j := range bindings {
		if ref := bindings[j].Spec.ParamRef; ref != nil {
			data[types.NamespacedName{Namespace: ref.Namespace, Name: ref.Name}] = true
		}
	}
	for of := range data {
		configMap, err := p.Client.CoreV1().ConfigMaps(of.Namespace).Get(ctx, of.Name, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err) || err == nil && configMap.Data["exporters"] == "":
			found(fail(name, "The controller writes it; look at its log: kubectl -n "+of.Namespace+" logs deployment/"+p.installation.fullname+"-controller.",
				"ConfigMap %s has no exporters: the API server injects nothing, the webhook all of it where there is one", of))
			return true
		case err != nil:
			found(warn(name, "", "ConfigMap %s cannot be read: %v", of, err))
			return true
		}
	}
	found(pass(name, "%s", p.installed.Injection()))
	return true
}
