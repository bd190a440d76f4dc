package stack

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"
	"sigs.k8s.io/yaml"
)

// labelSets are the labels with which alerts fire in the tests of the rules, by alert and severity.
func labelSets(t *testing.T) map[string]map[string]map[string]string {
	t.Helper()
	paths, err := filepath.Glob("../rules/testdata/*_test.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("tests of rules %v, %v", paths, err)
	}
	found := map[string]map[string]map[string]string{}
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var file struct {
			Tests []struct {
				PromQL []struct {
					Samples []struct{ Labels string } `json:"exp_samples"`
				} `json:"promql_expr_test"`
			}
		}
		if err := yaml.Unmarshal(raw, &file); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		for _, test := range file.Tests {
			for _, expr := range test.PromQL {
				for _, sample := range expr.Samples {
					labels, err := parser.NewParser(parser.Options{}).ParseMetric(sample.Labels)
					if err != nil {
						t.Fatalf("%s: %v", path, err)
					}
					own := labels.Map()
					name, severity := own["alertname"], own["severity"]
					delete(own, "__name__")
					delete(own, "alertstate")
					if name != "" && found[name] == nil {
						found[name] = map[string]map[string]string{}
					}
					if name != "" {
						found[name][severity] = own
					}
				}
			}
		}
	}
	return found
}

// TestInhibition has a real Alertmanager, with the chart's own configuration, hold the critical alert of each name that has
// two severities, beside warnings about the same thing and about things that differ in one label.
func TestInhibition(t *testing.T) {
	program := binary(t, "alertmanager")
	m := rendered(t, `{}`)
	port := freePort(t)
	start(t, program, nil, replaced(t, m.container(t, "StatefulSet/outrider-alertmanager", 0).Args,
		"/etc/alertmanager", m.files(t, "Secret/outrider-alertmanager"), "--storage.path=/alertmanager", "--storage.path="+t.TempDir(), "--web.listen-address=:9093", "--web.listen-address=127.0.0.1:"+port)...)
	address := "http://127.0.0.1:" + port
	eventually(t, address+"/-/ready", anything)

	var alerts []map[string]any
	muted := map[string]bool{} // by the labels
	add := func(labels map[string]string, mutes bool) {
		alerts = append(alerts, map[string]any{"labels": labels})
		muted[fmt.Sprint(labels)] = mutes
	}
	pairs := 0
	for name, severities := range labelSets(t) {
		critical, warning := severities["critical"], severities["warning"]
		if critical == nil || warning == nil {
			continue
		}
		pairs++
		if !slices.Equal(slices.Sorted(maps.Keys(critical)), slices.Sorted(maps.Keys(warning))) {
			t.Errorf("%s: the critical alert has the labels %v, the warning %v", name, critical, warning)
		}
		add(critical, false)
		same := maps.Clone(critical)
		same["severity"] = "warning"
		add(same, true)
		for label := range critical {
			if label == "alertname" || label == "severity" {
				continue
			}
			other := maps.Clone(same)
			other[label] += "-another"
			add(other, label == "window") // how long was looked back is no part of what it is about
		}
		elsewhere := maps.Clone(same)
		elsewhere["cluster"] = "another"
		add(elsewhere, false)
	}
	if pairs < 5 {
		t.Fatalf("%d alerts with two severities", pairs)
	}
	body, err := json.Marshal(alerts)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.Post(address+"/api/v2/alerts", "application/json", bytes.NewReader(body))
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("send alerts: %v, %v", answer, err)
	}
	answer.Body.Close()
	eventually(t, address+"/api/v2/alerts", func(answer string) bool { return strings.Count(answer, `"fingerprint"`) == len(muted) })
	text, err := get(t.Context(), address+"/api/v2/alerts")
	if err != nil {
		t.Fatal(err)
	}
	var held []struct {
		Labels map[string]string
		Status struct{ InhibitedBy []string }
	}
	if err := json.Unmarshal([]byte(text), &held); err != nil {
		t.Fatal(err)
	}
	for _, a := range held {
		want, known := muted[fmt.Sprint(a.Labels)]
		if got := len(a.Status.InhibitedBy) > 0; !known || got != want {
			t.Errorf("%v is muted: %v, want %v", a.Labels, got, want)
		}
	}
}
