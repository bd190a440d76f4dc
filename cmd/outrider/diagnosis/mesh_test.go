package diagnosis

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"
)

// serves answers each path with the items of a list, written as YAML, and 404 for all others.
func serves(t *testing.T, lists map[string]string) *Patient {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		text, ok := lists[r.URL.Path]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			_, _ = w.Write([]byte(`{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404}`))
			return
		}
		var body any
		if err := yaml.Unmarshal([]byte(text), &body); err != nil {
			t.Errorf("%s: %v", r.URL.Path, err)
		}
		if items, ok := body.([]any); ok {
			body = map[string]any{"items": items}
		}
		_ = json.NewEncoder(w).Encode(body)
	}))
	t.Cleanup(s.Close)
	p, err := New(&rest.Config{Host: s.URL}, "")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestMeshes holds which policies are asked for, in words that all findings of a case have.
func TestMeshes(t *testing.T) {
	const (
		plain   = `[{metadata: {name: shop}}]`
		sidecar = `[{metadata: {name: shop, labels: {istio-injection: enabled}}}]`
		ambient = `[{metadata: {name: shop, labels: {istio.io/dataplane-mode: ambient}}}]`
		linkerd = `[{metadata: {name: shop, annotations: {linkerd.io/inject: enabled, config.linkerd.io/default-inbound-policy: deny}}}]`
		strict  = `[{metadata: {name: default, namespace: istio-system}, spec: {mtls: {mode: STRICT}}}]`
		none    = `[{metadata: {name: deny-all, namespace: shop}, spec: {}}]`
	)
	pod := func(annotations, containers string) string {
		return `[{metadata: {name: db, namespace: shop, labels: {outrider.dev/monitored: "true"}, annotations: {` + annotations + `}}, status: {podIP: 10.0.0.7},
			spec: {containers: [{name: redis}, {name: outrider-redis, ports: [{name: outrider-9121, containerPort: 9121, protocol: TCP}]}` + containers + `]}}]`
	}
	const istioProxy, linkerdProxy = `, {name: istio-proxy}`, `, {name: linkerd-proxy}`
	for name, c := range map[string]struct {
		namespaces, pods, peer, authorization, servers string
		want                                           []string
	}{
		"no mesh":                              {plain, pod("", ""), strict, "", "", nil},
		"Istio, excluded":                      {sidecar, pod(`traffic.sidecar.istio.io/excludeInboundPorts: "9121"`, istioProxy), strict, "", "", []string{"pass"}},
		"Istio, kept":                          {sidecar, pod("", istioProxy), strict, "", "", []string{"PeerAuthentication", "9121", "shop/db"}},
		"Istio, not strict":                    {sidecar, pod("", istioProxy), "", "", "", []string{"pass"}},
		"Istio, the pod's own port":            {sidecar, pod(`traffic.sidecar.istio.io/excludeInboundPorts: "9121", outrider.dev/scrape: "8080"`, istioProxy), strict, "", "", []string{"PeerAuthentication", "8080"}},
		"ambient":                              {ambient, pod("", ""), strict, "", "", []string{"PeerAuthentication", "9121", "PERMISSIVE"}},
		"ambient, excluding does not help":     {ambient, pod(`traffic.sidecar.istio.io/excludeInboundPorts: "9121"`, ""), strict, "", "", []string{"PeerAuthentication", "9121"}},
		"ambient, opened":                      {ambient, pod("", ""), strict[:len(strict)-1] + `, {metadata: {name: a, namespace: shop}, spec: {selector: {matchLabels: {outrider.dev/monitored: "true"}}, portLevelMtls: {9121: {mode: PERMISSIVE}}}}]`, "", "", []string{"pass"}},
		"ambient, opened for others":           {ambient, pod("", ""), strict[:len(strict)-1] + `, {metadata: {name: a, namespace: shop}, spec: {selector: {matchLabels: {app: x}}, portLevelMtls: {9121: {mode: PERMISSIVE}}}}]`, "", "", []string{"PeerAuthentication"}},
		"ambient, permissive namespace":        {ambient, pod("", ""), strict[:len(strict)-1] + `, {metadata: {name: a, namespace: shop}, spec: {mtls: {mode: PERMISSIVE}}}]`, "", "", []string{"pass"}},
		"ambient, default deny":                {ambient, pod("", ""), "", none, "", []string{"AuthorizationPolicy", "9121", "ALLOW", "deny-all"}},
		"ambient, default deny, allowed":       {ambient, pod("", ""), "", none[:len(none)-1] + `, {metadata: {name: b, namespace: shop}, spec: {action: ALLOW, rules: [{to: [{operation: {ports: ["9121"]}}]}]}}]`, "", []string{"pass"}},
		"ambient, a policy that denies others": {ambient, pod("", ""), "", `[{metadata: {name: b, namespace: shop}, spec: {action: DENY, rules: [{}]}}]`, "", []string{"pass"}},
		"Linkerd, skipped":                     {linkerd, pod(`config.linkerd.io/skip-inbound-ports: "1,9121"`, linkerdProxy), "", "", "", []string{"pass"}},
		"Linkerd, kept":                        {linkerd, pod("", linkerdProxy), "", "", "", []string{"Server", "AuthorizationPolicy", "NetworkAuthentication", "9121", "deny"}},
		"Linkerd, the pod is open":             {linkerd, pod(`config.linkerd.io/default-inbound-policy: all-unauthenticated`, linkerdProxy), "", "", "", []string{"pass"}},
		"Linkerd, a Server":                    {linkerd, pod("", linkerdProxy), "", "", `[{metadata: {name: a, namespace: shop}, spec: {podSelector: {matchLabels: {outrider.dev/monitored: "true"}}, port: 9121}}]`, []string{"pass"}},
		"Linkerd, a Server of another port":    {linkerd, pod("", linkerdProxy), "", "", `[{metadata: {name: a, namespace: shop}, spec: {podSelector: {}, port: 80}}]`, []string{"Server", "9121"}},
	} {
		t.Run(name, func(t *testing.T) {
			lists := map[string]string{"/api/v1/namespaces": c.namespaces, "/api/v1/namespaces/shop/pods": c.pods}
			for path, list := range map[string]string{
				"/apis/security.istio.io/v1/peerauthentications":   c.peer,
				"/apis/security.istio.io/v1/authorizationpolicies": c.authorization,
				"/apis/policy.linkerd.io/v1beta3/servers":          c.servers,
			} {
				if list != "" {
					lists[path] = list
				}
			}
			var got []string
			meshes(t.Context(), serves(t, lists), func(f Finding) { got = append(got, string(f.Verdict)+" "+f.Says+" "+f.Remedy) })
			if (len(got) == 0) != (len(c.want) == 0) || len(got) > 1 {
				t.Fatalf("%q, want %q", got, c.want)
			}
			for _, word := range c.want {
				if !strings.Contains(got[0], word) {
					t.Errorf("%q lacks %q", got[0], word)
				}
			}
		})
	}
}

// TestOrderOfMeshes holds that an injector which is called before Outrider is found.
func TestOrderOfMeshes(t *testing.T) {
	const configurations = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
	list := `[{metadata: {name: istio-sidecar-injector}, webhooks: [{name: namespace.sidecar-injector.istio.io, rules: [{apiGroups: [""], resources: [pods]}], reinvocationPolicy: IfNeeded}]}]`
	for ours, want := range map[string]Verdict{"00-outrider": Pass, "outrider": Warn} {
		p := serves(t, map[string]string{configurations: list})
		config := &admissionv1.MutatingWebhookConfiguration{}
		config.Name = ours
		p.installation = &installation{config: config}
		var got []Verdict
		otherWebhooks(t.Context(), p, func(f Finding) { got = append(got, f.Verdict) })
		if len(got) == 0 || got[0] != want {
			t.Errorf("%s: %v, want %s first", ours, got, want)
		}
	}
}
