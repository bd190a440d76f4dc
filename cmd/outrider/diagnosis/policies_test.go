package diagnosis

import (
	"context"
	"strings"
	"testing"
)

// TestInstallations holds what is found of a release with a webhook, policies, or both, and what is said of the policies.
func TestInstallations(t *testing.T) {
	const (
		configuration = `[{metadata: {name: 00-outrider}, webhooks: [{name: annotated.pods.outrider.dev, rules: [{apiGroups: [""], resources: [pods]}],
			clientConfig: {service: {namespace: monitoring, name: outrider-webhook}}}]}]`
		bindings = `[{metadata: {name: outrider-inject-opted-in}, spec: {paramRef: {name: outrider-policies, namespace: monitoring}}},
			{metadata: {name: outrider-inject-annotated}, spec: {paramRef: {name: outrider-policies, namespace: monitoring}}}]`
	)
	for name, c := range map[string]struct {
		configurations, bindings, data string // "" is not served
		installed                      Verdict
		policies                       Verdict
		says                           string
	}{
		"old API server":   {configuration, "", "", Pass, Pass, "serves no MutatingAdmissionPolicy"},
		"webhook":          {configuration, "[]", "", Pass, Pass, "the webhook injects alone"},
		"auto":             {configuration, bindings, "{data: {exporters: redis}}", Pass, Pass, "outrider-inject-annotated, outrider-inject-opted-in decide what they can, the webhook the rest"},
		"policy":           {"[]", bindings, "{data: {exporters: redis}}", Pass, Pass, "there is no webhook (webhook.mode: policy)"},
		"no data":          {configuration, bindings, "{metadata: {name: outrider-policies}}", Pass, Fail, "ConfigMap monitoring/outrider-policies has no exporters"},
		"no ConfigMap":     {"[]", bindings, "", Pass, Fail, "ConfigMap monitoring/outrider-policies has no exporters"},
		"nothing":          {"[]", "[]", "", Fail, "", ""},
		"nothing, and old": {"[]", "", "", Fail, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			lists := map[string]string{}
			for path, text := range map[string]string{
				"/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations":   c.configurations,
				"/apis/admissionregistration.k8s.io/v1/mutatingadmissionpolicybindings": c.bindings,
				"/api/v1/namespaces/monitoring/configmaps/outrider-policies":            c.data,
			} {
				if text != "" {
					lists[path] = text
				}
			}
			p := serves(t, lists)
			var last Finding
			found := func(f Finding) { last = f }
			if on := findInstallation(t.Context(), p, found); on != (c.installed == Pass) || last.Verdict != c.installed {
				t.Fatalf("%+v, want %s", last, c.installed)
			}
			if c.installed != Pass {
				return
			}
			if p.installation.fullname != "outrider" || p.installation.namespace != "monitoring" {
				t.Errorf("it is %+v", p.installation)
			}
			ownPolicies(t.Context(), p, found)
			if last.Verdict != c.policies || !strings.Contains(last.Says, c.says) {
				t.Errorf("%+v, want %s with %q", last, c.policies, c.says)
			}
			webhook := false
			calling(func(context.Context, *Patient, func(Finding)) bool { webhook = true; return true })(t.Context(), p, found)
			if webhook != (c.configurations == configuration) {
				t.Errorf("the webhook's checks were run: %t", webhook)
			}
		})
	}
}
