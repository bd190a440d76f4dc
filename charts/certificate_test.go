package charts_test

import (
	"strings"
	"testing"

	certmanagerv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// Each mode renders what it needs and nothing of the others.
func TestCertificateModes(t *testing.T) {
	type objectsOf struct {
		Secrets, Services, Issuers, Certificates []string
		Entries                                  int
		Injected                                 string
	}
	issuer := map[string]any{"issuerRef": map[string]any{"name": "corporate", "kind": "ClusterIssuer"}}
	for name, c := range map[string]struct {
		certs map[string]any
		want  objectsOf
	}{
		"self-signed": {map[string]any{"mode": "self-signed"}, objectsOf{
			Secrets: []string{"outrider-webhook-tls"}, Services: []string{"outrider-webhook-probe", "outrider-webhook"}, Entries: 3,
		}},
		"cert-manager": {map[string]any{"mode": "cert-manager"}, objectsOf{
			Services: []string{"outrider-webhook"}, Entries: 2, Injected: namespace + "/outrider-webhook-cert",
			Issuers:      []string{"outrider-webhook-ca-self-signed", "outrider-webhook-ca"},
			Certificates: []string{"outrider-webhook-ca", "outrider-webhook-cert"},
		}},
		"an issuer of yours": {map[string]any{"mode": "cert-manager", "certManager": issuer}, objectsOf{
			Services: []string{"outrider-webhook"}, Entries: 2, Injected: namespace + "/outrider-webhook-cert",
			Certificates: []string{"outrider-webhook-cert"},
		}},
		"secret": {map[string]any{"mode": "secret", "secretName": "corporate-tls"}, objectsOf{
			Services: []string{"outrider-webhook"}, Entries: 2,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			found := objects(t, render(t, map[string]any{"certs": c.certs, "discovery": map[string]any{"mode": "none"}}, latest))
			config := one[*admissionv1.MutatingWebhookConfiguration](t, found)
			got := objectsOf{
				Secrets: names(all[*corev1.Secret](found)), Services: names(all[*corev1.Service](found)),
				Issuers: names(all[*certmanagerv1.Issuer](found)), Certificates: names(all[*certmanagerv1.Certificate](found)),
				Entries: len(config.Webhooks), Injected: config.Annotations["cert-manager.io/inject-ca-from"],
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func names[T metav1.Object](objects []T) []string {
	var all []string
	for _, o := range objects {
		all = append(all, o.GetName())
	}
	return all
}

// The certificate that cert-manager issues is for the name under which the API server calls, ends up in the Secret that
// the controller watches, and is signed by the issuer that was asked for.
func TestCertManagersCertificate(t *testing.T) {
	for want, values := range map[string]map[string]any{
		"Issuer/outrider-webhook-ca": {},
		"ClusterIssuer/corporate":    {"issuerRef": map[string]any{"name": "corporate", "kind": "ClusterIssuer"}},
	} {
		found := objects(t, render(t, map[string]any{"certs": map[string]any{"mode": "cert-manager", "certManager": values}}, latest))
		for _, c := range all[*certmanagerv1.Certificate](found) {
			if c.Spec.IsCA {
				continue
			}
			if got := c.Spec.IssuerRef.Kind + "/" + c.Spec.IssuerRef.Name; got != want {
				t.Errorf("issued by %s, want %s", got, want)
			}
			if c.Spec.SecretName != secretOf(t, found) || strings.Join(c.Spec.DNSNames, " ") != "outrider-webhook."+namespace+".svc" {
				t.Errorf("%v", c.Spec)
			}
		}
	}
}

// The probe is for a labeled Lease of the release's namespace, and for nothing that others create.
func TestTheProbeIsForNobodyElse(t *testing.T) {
	config := one[*admissionv1.MutatingWebhookConfiguration](t, objects(t, render(t, nil, latest)))
	probe := config.Webhooks[len(config.Webhooks)-1]
	if diff := cmp.Diff([]string{"leases"}, probe.Rules[0].Resources); diff != "" {
		t.Fatal(diff)
	}
	for labeled, of := range map[string]labels.Set{"no": nil, "other": {"app": "x"}, "probe": {"outrider.dev/probe": "trust"}} {
		for _, ns := range []string{namespace, "kube-node-lease", "shop"} {
			got := matches(t, probe.ObjectSelector, of) && matches(t, probe.NamespaceSelector, labels.Set{corev1.LabelMetadataName: ns})
			if want := labeled == "probe" && ns == namespace; got != want {
				t.Errorf("a Lease of %s with label %s: called %t, want %t", ns, labeled, got, want)
			}
		}
	}
}

func matches(t *testing.T, s *metav1.LabelSelector, of labels.Set) bool {
	t.Helper()
	selector, err := metav1.LabelSelectorAsSelector(s)
	if err != nil {
		t.Fatal(err)
	}
	return selector.Matches(of)
}
