package diagnosis

import (
	"context"
	"slices"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
)

// annotatedPolicy ends the name of the binding of the policy for annotated pods.
const annotatedPolicy = "-inject-annotated"

// Bindings returns the bindings of Outrider's policies by which the API server injects.
// served is false for an API server that knows no such policies.
func Bindings(ctx context.Context, client kubernetes.Interface) (own []admissionv1.MutatingAdmissionPolicyBinding, served bool, err error) {
	list, err := client.AdmissionregistrationV1().MutatingAdmissionPolicyBindings().List(ctx, metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=outrider"})
	if apierrors.IsNotFound(err) {
		return nil, false, nil
	}
	if err != nil {
		return nil, true, err
	}
	return list.Items, true, nil
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

// ownPolicies tells whether the API server injects by itself, and whether it has the data
// for it.
func ownPolicies(ctx context.Context, p *Patient, found func(Finding)) bool {
	const name = "policies"
	bindings, served, err := Bindings(ctx, p.Client)
	switch {
	case err != nil:
		found(warn(name, "Ask for permission to list mutatingadmissionpolicybindings.", "%v", err))
		return true
	case !served:
		found(pass(name, "the API server serves no MutatingAdmissionPolicy (Kubernetes 1.36): the webhook injects alone"))
		return true
	case len(bindings) == 0:
		found(pass(name, "the webhook injects alone; with webhook.mode auto, the API server decides most pods by itself"))
		return true
	}
	rest := "the webhook the rest"
	if p.installation.service == "" {
		rest = "nobody the rest: there is no webhook (webhook.mode: policy)"
	}
	var names []string
	data := map[types.NamespacedName]bool{} // one ConfigMap for all, as the chart renders them
	for i := range bindings {
		names = append(names, bindings[i].Name)
		if ref := bindings[i].Spec.ParamRef; ref != nil {
			data[types.NamespacedName{Namespace: ref.Namespace, Name: ref.Name}] = true
		}
	}
	for of := range data {
		configMap, err := p.Client.CoreV1().ConfigMaps(of.Namespace).Get(ctx, of.Name, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err) || err == nil && configMap.Data["exporters"] == "":
			found(fail(name, "The controller writes it; look at its log: kubectl -n "+of.Namespace+" logs deployment/"+p.installation.fullname+"-controller.",
				"ConfigMap %s has no exporters: the API server injects nothing, and %s", of, rest))
			return true
		case err != nil:
			found(warn(name, "", "ConfigMap %s cannot be read: %v", of, err))
			return true
		}
	}
	slices.Sort(names)
	found(pass(name, "%s decide what they can, %s", strings.Join(names, ", "), rest))
	return true
}
