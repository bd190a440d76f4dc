package stack

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/outrider-dev/outrider/discovery/monitors"
)

// What other charts bring, written after the start as the controller does it, is loaded without a restart and forgotten when it goes;
// what Prometheus would refuse of it takes nothing else along.
func TestPrometheusFollowsMonitors(t *testing.T) {
	for name, c := range map[string]struct {
		values, config string
		shards         int
	}{
		"one":    {`{scrape: {monitors: {enabled: true}}}`, "ConfigMap/outrider-prometheus", 1},
		"shards": {`{prometheus: {shards: 2}, scrape: {monitors: {enabled: true}}}`, "ConfigMap/outrider-prometheus-shards", 2},
	} {
		t.Run(name, func(t *testing.T) {
			m := rendered(t, c.values)
			files, written := m.files(t, c.config), t.TempDir()
			mounted(t, files, "/etc/prometheus-monitors", written)
			address, _ := startPrometheus(t, m, 1, files, "--storage.tsdb.path="+t.TempDir(), "--config.auto-reload-interval=10s", "--config.auto-reload-interval=1s")

			result := monitors.Translate(others(t), monitors.Options{Defaults: map[string]any{"scrape_interval": "30s"}, Shards: c.shards})
			if len(result.Problems) != 1 {
				t.Errorf("problems %v, want the one of the rule", result.Problems)
			}
			for file, text := range result.Files {
				write(t, filepath.Join(written, file), text)
			}
			has := func(words ...string) func(string) bool {
				return func(answer string) bool {
					for _, w := range words {
						if !strings.Contains(answer, w) {
							return false
						}
					}
					return true
				}
			}
			// Not /api/v1/status/config: it does not show what scrape_config_files hold.
			eventually(t, address+"/api/v1/scrape_pools", has("probe/shop/pages", "serviceMonitor/shop/redis/0"))
			eventually(t, address+"/api/v1/rules", has("OrdersStop"))
			eventually(t, address+"/metrics", has("prometheus_config_last_reload_successful 1\n"))
			for file := range result.Files {
				if err := os.Remove(filepath.Join(written, file)); err != nil {
					t.Fatal(err)
				}
			}
			eventually(t, address+"/api/v1/rules", func(answer string) bool { return !strings.Contains(answer, "OrdersStop") })
		})
	}
}

// mounted replaces a folder of the pod in all files.
func mounted(t *testing.T, files, folder, by string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(files, "*"))
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		found = found || strings.Contains(string(data), folder)
		write(t, path, strings.ReplaceAll(string(data), folder, by))
	}
	if !found {
		t.Fatalf("%s is in no file", folder)
	}
}

// others are objects of other charts.
func others(t *testing.T) []monitors.Object {
	t.Helper()
	var all []monitors.Object
	for _, text := range []string{
		`{kind: ServiceMonitor, metadata: {name: redis, namespace: shop}, spec: {selector: {matchLabels: {app: redis}}, endpoints: [{port: metrics}]}}`,
		`{kind: Probe, metadata: {name: pages, namespace: shop}, spec: {module: http_2xx, prober: {url: "blackbox:9115"}, targets: {staticConfig: {static: ["https://shop.example"]}}}}`,
		`{kind: PrometheusRule, metadata: {name: shop, namespace: shop}, spec: {groups: [{name: shop, rules: [{alert: OrdersStop, expr: "absent(orders)"}, {alert: Wrong, expr: "sum("}]}]}}`,
	} {
		var o monitors.Object
		if err := yaml.Unmarshal([]byte(text), &o); err != nil {
			t.Fatal(err)
		}
		all = append(all, o)
	}
	return all
}
