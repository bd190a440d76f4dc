package charts_test

import (
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// rendersWith fails where a release with the values lacks one of the texts.
func rendersWith(t *testing.T, values string, wants ...string) {
	t.Helper()
	var parsed map[string]any
	if err := yaml.Unmarshal([]byte(values), &parsed); err != nil {
		t.Fatal(err)
	}
	manifest := render(t, parsed, latest).Manifest
	for _, want := range wants {
		if !strings.Contains(manifest, want) {
			t.Errorf("%s: no %q", values, want)
		}
	}
}

// refusesWith fails where a release with the values is rendered, or refused without the text.
func refusesWith(t *testing.T, values, want string) {
	t.Helper()
	var parsed map[string]any
	if err := yaml.Unmarshal([]byte(values), &parsed); err != nil {
		t.Fatal(err)
	}
	if _, err := install(t, parsed, latest); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: %v, want %q", values, err, want)
	}
}

func TestServicesOfTwoFamilies(t *testing.T) {
	rendersWith(t, `{prometheus: {replicas: 2, service: {ipFamilyPolicy: PreferDualStack, ipFamilies: [IPv6, IPv4], sessionAffinity: ClientIP}}}`,
		"ipFamilyPolicy: PreferDualStack\n", "ipFamilies:\n  - IPv6\n  - IPv4\n", "sessionAffinity: ClientIP\n")
}

// Grafana gets logins by OIDC, data sources and dashboards of the user's own, and no secret is in the ConfigMap.
func TestGrafanaOfTheUsersOwn(t *testing.T) {
	rendersWith(t, `{grafana: {enabled: true, access: login, adminSecret: admin, secrets: [oidc], dashboardConfigMaps: [shop],
		config: {auth.generic_oauth: {enabled: true, client_id: grafana, client_secret: "$__file{/etc/grafana-secrets/oidc/secret}"}},
		dataSources: [{name: Loki, type: loki, url: "http://loki:3100", secureJsonData: {basicAuthPassword: "$__file{/etc/grafana-secrets/oidc/loki}"}}]}}`,
		"[auth.generic_oauth]\n", "client_secret = $__file{/etc/grafana-secrets/oidc/secret}\n", "mountPath: /etc/grafana-secrets/oidc\n", "mountPath: /etc/grafana-own-dashboards\n",
		"path: /etc/grafana-own-dashboards\n", "        name: Loki\n", "name: shop\n")
	refusesWith(t, `{grafana: {enabled: true, config: {auth.generic_oauth: {client_secret: hunter2}}}}`, "grafana.config: auth.generic_oauth.client_secret would be readable in a ConfigMap")
	refusesWith(t, `{grafana: {enabled: true, dataSources: [{name: Loki, type: loki, secureJsonData: {basicAuthPassword: hunter2}}]}}`, "grafana.dataSources[0].secureJsonData.basicAuthPassword would be readable")
}

// kube-state-metrics reads a configuration for custom resources, and may list exactly their kinds.
func TestCustomResourcesOfKubeStateMetrics(t *testing.T) {
	rendersWith(t, `{kubeStateMetrics: {customResources: [{groupVersionKind: {group: example.com, version: v1, kind: Widget}, metrics: [{name: ready, each: {type: Gauge, gauge: {path: [status, ready]}}}]},
		{groupVersionKind: {group: example.com, version: v1, kind: Policy}, resourcePlural: policies, metrics: [{name: a, each: {type: Info, info: {}}}]}]}}`,
		"--custom-resource-state-config-file=/etc/kube-state-metrics/custom-resource-state.yaml", "kind: CustomResourceStateMetrics\n", "resources: [\"widgets\"]\n", "resources: [\"policies\"]\n",
		"resources: [customresourcedefinitions]\n", "mountPath: /etc/kube-state-metrics\n")
}
