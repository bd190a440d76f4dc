package charts_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Nothing leaves the cluster unless asked to; what is asked for leads to the component's own Service.
func TestExposure(t *testing.T) {
	web := map[string]any{
		"service": map[string]any{"type": "NodePort", "nodePort": 30090, "annotations": map[string]any{"a": "b"}},
		"ingress": map[string]any{"host": "a.example.com", "className": "nginx", "tlsSecret": "a-tls"},
		"route":   map[string]any{"host": "b.example.com", "gateways": []any{map[string]any{"name": "internal", "namespace": "gateways"}}},
	}
	rendered := objects(t, render(t, map[string]any{"prometheus": web, "alertmanager": web}, latest))
	for name, port := range map[string]int32{"outrider-prometheus": 9090, "outrider-alertmanager": 9093} {
		service := named[*corev1.Service](t, rendered, name)
		want := []corev1.ServicePort{service.Spec.Ports[0]}
		want[0].Port, want[0].NodePort = port, 30090
		if diff := cmp.Diff(want, service.Spec.Ports); diff != "" || service.Spec.Type != corev1.ServiceTypeNodePort || service.Annotations["a"] != "b" {
			t.Errorf("%s is of type %s (-want +got):\n%s", name, service.Spec.Type, diff)
		}
		ingress := named[*networkingv1.Ingress](t, rendered, name)
		rule := ingress.Spec.Rules[0]
		backend := rule.HTTP.Paths[0].Backend.Service
		if *ingress.Spec.IngressClassName != "nginx" || rule.Host != "a.example.com" || backend.Name != name || backend.Port.Name != "http" || ingress.Spec.TLS[0].SecretName != "a-tls" {
			t.Errorf("%s: %v", name, ingress.Spec)
		}
	}
	for _, route := range others(rendered, "HTTPRoute") {
		rules, _, _ := unstructured.NestedSlice(route.Object, "spec", "rules")
		backend := rules[0].(map[string]any)["backendRefs"].([]any)[0].(map[string]any)
		if backend["name"] != route.GetName() || backend["port"] != map[string]int64{"outrider-prometheus": 9090, "outrider-alertmanager": 9093}[route.GetName()] {
			t.Errorf("%s leads to %v", route.GetName(), backend)
		}
		hosts, _, _ := unstructured.NestedStringSlice(route.Object, "spec", "hostnames")
		if diff := cmp.Diff([]string{"b.example.com"}, hosts); diff != "" {
			t.Errorf("%s: hosts (-want +got):\n%s", route.GetName(), diff)
		}
	}
	if n := len(others(rendered, "HTTPRoute")); n != 2 {
		t.Errorf("%d HTTPRoutes, want 2", n)
	}

	plain := objects(t, render(t, nil, latest))
	if n := len(all[*networkingv1.Ingress](plain)) + len(others(plain, "HTTPRoute")); n != 0 {
		t.Errorf("%d ways in by default", n)
	}
	for _, s := range all[*corev1.Service](plain) {
		if s.Spec.Type != corev1.ServiceTypeClusterIP && s.Spec.Type != "" {
			t.Errorf("Service %s is of type %s by default", s.Name, s.Spec.Type)
		}
	}
}

// What users may write passwords into is kept in Secrets, wherever it is rendered.
func TestSecretsStayInSecrets(t *testing.T) {
	const password = "correct-horse"
	values := map[string]any{
		"alertmanager": map[string]any{"config": map[string]any{
			"receivers": []any{map[string]any{"name": "null", "webhook_configs": []any{map[string]any{"url": "https://example.com/" + password}}}},
		}},
		"blackboxExporter": map[string]any{"enabled": true, "modules": map[string]any{
			"login": map[string]any{"prober": "http", "http": map[string]any{"basic_auth": map[string]any{"username": "u", "password": password}}},
		}},
	}
	r := render(t, values, latest)
	if strings.Contains(r.Manifest+r.Info.Notes, password) {
		t.Error("a password stands in the render in plain")
	}
	rendered := objects(t, r)
	for name, key := range map[string]string{"outrider-alertmanager": "alertmanager.yaml", "outrider-blackbox-exporter": "blackbox.yaml"} {
		if !strings.Contains(string(named[*corev1.Secret](t, rendered, name).Data[key]), password) {
			t.Errorf("Secret %s does not hold what was configured", name)
		}
	}
}
