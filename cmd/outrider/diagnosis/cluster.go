package diagnosis

import (
	"context"
	"slices"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kubeversion "k8s.io/apimachinery/pkg/util/version"

	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
)

// apiServer asks for the version.
func apiServer(_ context.Context, p *Patient, found func(Finding)) bool {
	const name = "API server"
	info, err := p.Client.Discovery().ServerVersion()
	if err != nil {
		found(fail(name, "Look at your kubeconfig: kubectl version.", "it cannot be reached: %v", err))
		return false
	}
	v, err := kubeversion.ParseGeneric(info.GitVersion)
	switch {
	case err != nil:
		found(warn(name, "", "its version %q cannot be read", info.GitVersion))
	case v.LessThan(kubeversion.MustParseGeneric("1.30")):
		found(fail(name, "Upgrade to 1.30 or later.", "%s is older than what Outrider supports", info.GitVersion))
	default:
		found(pass(name, "%s", info.GitVersion))
	}
	return true
}

// crd looks for the kind Exporter.
func crd(_ context.Context, p *Patient, found func(Finding)) bool {
	const name = "Exporter kind"
	resources, err := p.Client.Discovery().ServerResourcesForGroupVersion(v1alpha1.GroupVersion.String())
	switch {
	case apierrors.IsNotFound(err):
		found(warn(name, restore, "the cluster does not know the kind: only the built-in catalog is served"))
	case err != nil:
		found(warn(name, "", "%v", err))
	case !slices.ContainsFunc(resources.APIResources, func(r metav1.APIResource) bool { return r.Kind == v1alpha1.Kind }):
		found(warn(name, restore, "%s has no such kind", v1alpha1.GroupVersion))
	default:
		found(pass(name, "%s is served", v1alpha1.GroupVersion))
	}
	return true
}

// installation is what the webhook configuration shows of a release, or what its
// policies show where there is no webhook.
type installation struct {
	config    *admissionv1.MutatingWebhookConfiguration // empty without a webhook
	fullname  string
	namespace string
	service   string // empty without a webhook
}

// findInstallation looks for our webhook configuration: by its label, so that
// any release's name will do.
func findInstallation(ctx context.Context, p *Patient, found func(Finding)) bool {
	const name = "installation"
	p.installed = FindInstalled(ctx, p.Client)
	webhooks, bindings := p.installed.Webhooks, p.installed.Bindings
	switch err := p.installed.WebhooksErr; {
	case err != nil:
		found(fail(name, "Ask for permission to list mutatingwebhookconfigurations.", "%v", err))
		return false
	case len(webhooks) == 0:
		if p.installation = withoutWebhook(bindings); p.installation != nil {
			found(pass(name, "policies of the API server and no webhook, namespace %s", p.installation.namespace))
			return true
		}
		if err := p.installed.BindingsErr; err != nil {
			found(warn(name, "Ask for permission to list mutatingadmissionpolicybindings.", "%v", err))
		}
		found(fail(name, "outrider install, or helm install.", "there is neither a webhook configuration nor a policy of Outrider in this cluster"))
		return false
	case len(webhooks) > 1:
		var names []string
		for i := range webhooks {
			names = append(names, webhooks[i].Name)
		}
		found(fail(name, "Uninstall all but one: a pod is sent to each of them.", "%d webhook configurations: %s", len(names), strings.Join(names, ", ")))
		return false
	}
	config := &webhooks[0]
	p.installation = &installation{config: config, fullname: strings.TrimPrefix(config.Name, "00-")} // releases up to 0.2.0 have no prefix
	// Entries for other things than pods are the controller's own, for trying new certificates.
	config.Webhooks = slices.DeleteFunc(config.Webhooks, func(w admissionv1.MutatingWebhook) bool { return !slices.ContainsFunc(w.Rules, onPods) })
	for i := range config.Webhooks {
		if s := config.Webhooks[i].ClientConfig.Service; s != nil {
			p.installation.namespace, p.installation.service = s.Namespace, s.Name
		}
	}
	if p.installation.service == "" {
		found(fail(name, restore, "webhook configuration %s has no entry that calls a Service", config.Name))
		return false
	}
	found(pass(name, "webhook configuration %s, namespace %s", config.Name, p.installation.namespace))
	for i := range config.Webhooks {
		if w := &config.Webhooks[i]; w.FailurePolicy != nil && *w.FailurePolicy == admissionv1.Fail {
			found(warn(name, "webhook.failurePolicy: Ignore.", "entry %s has failurePolicy Fail: while no replica answers, no pod is created", w.Name))
		}
	}
	return true
}

// otherWebhooks looks for others that change pods.
func otherWebhooks(ctx context.Context, p *Patient, found func(Finding)) bool {
	const name = "other webhooks"
	list, err := p.Client.AdmissionregistrationV1().MutatingWebhookConfigurations().List(ctx, metav1.ListOptions{})
	if err != nil {
		found(warn(name, "", "%v", err))
		return true
	}
	var others []string
	for i := range list.Items {
		config := &list.Items[i]
		if config.Name == p.installation.config.Name {
			continue
		}
		for j := range config.Webhooks {
			w := &config.Webhooks[j]
			if !slices.ContainsFunc(w.Rules, onPods) {
				continue
			}
			others = append(others, w.Name)
			if mesh(w.Name) && config.Name < p.installation.config.Name {
				found(warn(name, "Upgrade Outrider, whose configuration is then named 00-…, or rename the mesh's.",
					"%s of %s is called before Outrider: it reads the ports to be excluded from its proxy too early", w.Name, config.Name))
			}
			if w.ReinvocationPolicy == nil || *w.ReinvocationPolicy == admissionv1.NeverReinvocationPolicy {
				found(warn(name, "Ask its maintainers for reinvocationPolicy IfNeeded, or exclude the pods from it.",
					"%s changes pods and is not asked again: it may not see the exporters", w.Name))
			}
		}
	}
	if len(others) == 0 {
		found(pass(name, "no other webhook changes pods"))
	} else {
		found(pass(name, "pods are changed by %s too", strings.Join(others, ", ")))
	}
	return true
}

// mesh reports whether an entry is that of a mesh's injector.
func mesh(entry string) bool {
	return strings.Contains(entry, "istio.io") || strings.Contains(entry, "linkerd.io")
}

func onPods(r admissionv1.RuleWithOperations) bool {
	return (slices.Contains(r.Resources, "pods") || slices.Contains(r.Resources, "*") || slices.Contains(r.Resources, "*/*")) &&
		(slices.Contains(r.APIGroups, "") || slices.Contains(r.APIGroups, "*"))
}
