package charts_test

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/config"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/outrider-dev/outrider/charts"
)

// ruleFile is the part of Prometheus' files of rules that is looked at here.
type ruleFile struct {
	Groups []struct {
		Name  string
		Rules []map[string]any
	}
}

func (f ruleFile) alerts() []string {
	var names []string
	for _, g := range f.Groups {
		for _, r := range g.Rules {
			if name, ok := r["alert"].(string); ok {
				names = append(names, name)
			}
		}
	}
	return names
}

// renderedRules are the files that Prometheus gets with these values of "rules".
func renderedRules(t *testing.T, rules map[string]any) map[string]ruleFile {
	t.Helper()
	values := map[string]any{}
	if rules != nil { // which Helm would take for "no rules at all"
		values["rules"] = rules
	}
	files := map[string]ruleFile{}
	for _, c := range all[*corev1.ConfigMap](objects(t, render(t, values, latest))) {
		if c.Name != releaseName+"-prometheus-rules" {
			continue
		}
		for name, data := range c.Data {
			var f ruleFile
			if err := yaml.Unmarshal([]byte(data), &f); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			files[name] = f
		}
	}
	return files
}

// What is rendered says the same as the chart's files, which promtool has tested.
func TestRulesAreThoseOfTheFiles(t *testing.T) {
	paths, err := fs.Glob(charts.Outrider(), "files/rules/*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("find packs: %v, %v", paths, err)
	}
	want := map[string]any{}
	for _, path := range paths {
		data, err := fs.ReadFile(charts.Outrider(), path)
		if err != nil {
			t.Fatal(err)
		}
		want[filepath.Base(path)] = decoded(t, string(data))
	}
	var got map[string]any
	values := map[string]any{"rules": map[string]any{"mixinNames": true}}
	for _, c := range all[*corev1.ConfigMap](objects(t, render(t, values, latest))) {
		if c.Name == releaseName+"-prometheus-rules" {
			got = map[string]any{}
			for name, data := range c.Data {
				got[name] = decoded(t, data)
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-files +ConfigMap):\n%s", diff)
	}
}

func decoded(t *testing.T, data string) any {
	t.Helper()
	var v any
	if err := yaml.Unmarshal([]byte(data), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestPacksAreChosen(t *testing.T) {
	got := slices.Sorted(maps.Keys(renderedRules(t, map[string]any{"packs": []any{"redis", "nodes"}})))
	if diff := cmp.Diff([]string{"nodes.yaml", "redis.yaml"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, there := renderedRules(t, nil)["mixin.yaml"]; there {
		t.Error("the names of kubernetes-mixin are recorded though nobody asked for them")
	}
	if got := renderedRules(t, map[string]any{"packs": []any{}}); len(got) != 0 {
		t.Errorf("without packs there are %v", slices.Collect(maps.Keys(got)))
	}
	if _, err := install(t, map[string]any{"rules": map[string]any{"packs": []any{"varnish"}}}, latest); err == nil || !strings.Contains(err.Error(), "/rules/packs/0") {
		t.Errorf("a pack that does not exist: %v", err)
	}
}

// Of an alert with several severities all are left out, and nothing else.
func TestAlertsAreDisabled(t *testing.T) {
	before := renderedRules(t, nil)["nodes.yaml"].alerts()
	after := renderedRules(t, map[string]any{"disabled": []any{"NodeFilesystemAlmostFull", "NodeCPUSaturated"}})["nodes.yaml"].alerts()
	want := slices.DeleteFunc(slices.Clone(before), func(name string) bool {
		return name == "NodeFilesystemAlmostFull" || name == "NodeCPUSaturated"
	})
	if len(want) != len(before)-3 {
		t.Fatalf("the two alerts are not three rules of %v", before)
	}
	if diff := cmp.Diff(want, after); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	_, err := install(t, map[string]any{"rules": map[string]any{"disabled": []any{"NodeCpuSaturated"}}}, latest)
	if err == nil || !strings.Contains(err.Error(), `rules.disabled: there is no alert "NodeCpuSaturated"`) {
		t.Errorf("an alert that does not exist: %v", err)
	}
}

func TestRulesOfOnesOwn(t *testing.T) {
	shop := []any{map[string]any{"name": "shop", "rules": []any{map[string]any{"alert": "ShopClosed", "expr": "absent(shop_open)", "annotations": map[string]any{"summary": "{{ $labels.job }}"}}}}}
	files := renderedRules(t, map[string]any{"packs": []any{}, "extra": map[string]any{"shop": shop}})
	if diff := cmp.Diff([]string{"ShopClosed"}, files["extra-shop.yaml"].alerts()); diff != "" || len(files) != 1 {
		t.Errorf("%d files, (-want +got):\n%s", len(files), diff)
	}
	for want, extra := range map[string]any{"missing property 'rules'": map[string]any{"shop": []any{map[string]any{"name": "shop"}}}, "invalid propertyName '../x'": map[string]any{"../x": shop}} {
		if _, err := install(t, map[string]any{"rules": map[string]any{"extra": extra}}, latest); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q, got %v", want, err)
		}
	}
}

// An operator gets the same rules, without the groups that choices left empty.
func TestOperatorGetsTheRules(t *testing.T) {
	values := map[string]any{"discovery": map[string]any{"mode": "operator"}, "rules": map[string]any{"packs": []any{"nginx", "redis"}, "disabled": []any{"NginxDown", "NginxDropsConnections"}}}
	var alerts []any
	for _, o := range all[*unstructured.Unstructured](objects(t, render(t, values, latest))) {
		if o.GetKind() != "PrometheusRule" {
			continue
		}
		groups, _, err := unstructured.NestedSlice(o.Object, "spec", "groups")
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range groups {
			for _, r := range g.(map[string]any)["rules"].([]any) {
				if alert, ok := r.(map[string]any)["alert"]; ok { // else it records
					alerts = append(alerts, alert)
				}
			}
		}
	}
	want := []any{"RedisDown", "RedisDown", "RedisMemoryAlmostFull", "RedisRejectsConnections", "RedisSaveFails", "RedisReplicaDisconnected", "RedisClusterDown"}
	if diff := cmp.Diff(want, alerts); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Prometheus' automatic reload looks at the files of rules too: what it compares changes when one does.
func TestChangedRulesAreSeen(t *testing.T) {
	dir := t.TempDir()
	write := func(name, data string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var configured bool
	for _, c := range all[*corev1.ConfigMap](objects(t, render(t, nil, latest))) {
		if data, ok := c.Data["prometheus.yml"]; ok {
			configured = strings.Contains(data, "/etc/prometheus-rules/*.yaml")
			write("prometheus.yml", strings.ReplaceAll(data, "/etc/prometheus-rules", dir+"/rules"))
		}
	}
	if !configured {
		t.Fatal("prometheus.yml names no files of rules")
	}
	if err := os.Mkdir(filepath.Join(dir, "rules"), 0o755); err != nil {
		t.Fatal(err)
	}
	sum := func() string {
		s, err := config.GenerateChecksum(filepath.Join(dir, "prometheus.yml"))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	write("rules/a.yaml", "groups: []\n")
	before := sum()
	write("rules/a.yaml", "groups: [{name: a, rules: []}]\n")
	if sum() == before {
		t.Error("a changed file of rules is not seen")
	}
}
