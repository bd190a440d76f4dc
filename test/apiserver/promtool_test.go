package apiserver_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/outrider-dev/outrider/cmd/outrider/release"
	"github.com/outrider-dev/outrider/test/cluster/build"
	"github.com/outrider-dev/outrider/test/readme"
)

// optional are jobs that a release can be asked for.
const optional = `
scrape:
  addresses: {etcd: [10.0.0.1]}
  annotated: {enabled: true, namespaces: [shop]}
  extra:
    - job_name: gateway
      static_configs: [{targets: ["gateway.example.com:9100"]}]
    - job_name: consul
      consul_sd_configs: [{server: "consul.example.com:8500", services: [web], authorization: {credentials_file: /etc/prometheus-secrets/consul/token}}]
      relabel_configs: [{source_labels: [__meta_consul_service], target_label: job}]
    - job_name: dns
      dns_sd_configs: [{names: [_metrics._tcp.example.com]}]
`

// TestPromtoolReadsTheConfiguration has Prometheus' own tool read what the chart renders, with discoveries that the
// other tests' Prometheus is built without.
func TestPromtoolReadsTheConfiguration(t *testing.T) {
	client(t) // its authority's certificate is one that can be read
	promtool, err := build.Binary(t.Context(), "promtool")
	if err != nil {
		t.Fatal(err)
	}
	section, err := readme.Section("../../charts/README.md", "## What is scraped")
	if err != nil {
		t.Fatal(err)
	}
	page, err := readme.Block(section, "yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ values, says string }{
		"default":           {"{}", ""},
		"the page's":        {page, ""},
		"optional":          {optional, ""},
		"no such discovery": {"{scrape: {extra: [{job_name: x, consul_sd_configs: [{serverr: a}]}]}}", "field serverr not found"},
		"no modulus":        {"{scrape: {extra: [{job_name: x, relabel_configs: [{action: hashmod, source_labels: [a], target_label: b}]}]}}", "requires non-zero modulus"},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := exec.CommandContext(t.Context(), promtool, "check", "config", configuration(t, c.values)).CombinedOutput()
			if (err == nil) != (c.says == "") || !strings.Contains(string(out), c.says) {
				t.Errorf("%v, want %q:\n%s", err, c.says, out)
			}
		})
	}
}

// configuration writes the files that the chart gives Prometheus, and those that they name, and returns the path of the
// first.
func configuration(t *testing.T, values string) string {
	t.Helper()
	var parsed map[string]any
	if err := yaml.Unmarshal([]byte(values), &parsed); err != nil {
		t.Fatal(err)
	}
	rendered, err := release.Release{}.Render(parsed, api.Version())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	named := map[string]string{
		"/var/run/secrets/kubernetes.io/serviceaccount/token":  "token",
		"/var/run/secrets/kubernetes.io/serviceaccount/ca.crt": string(api.Config().CAData),
		"/etc/prometheus-secrets/consul/token":                 "token",
	}
	for path, content := range named {
		if err := os.WriteFile(filepath.Join(dir, strings.ReplaceAll(path, "/", "_")), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for document := range strings.SplitSeq(rendered, "\n---\n") {
		var m corev1.ConfigMap
		if !strings.Contains(document, "\nkind: ConfigMap\n") {
			continue
		}
		if err := yaml.Unmarshal([]byte(document), &m); err != nil {
			t.Fatal(err)
		}
		if m.Name != "outrider-prometheus" {
			continue
		}
		for name, data := range m.Data {
			for path := range named {
				data = strings.ReplaceAll(data, path, filepath.Join(dir, strings.ReplaceAll(path, "/", "_")))
			}
			if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	return filepath.Join(dir, "prometheus.yml")
}
