package charts_test

import (
	"os"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
	networkingv1 "k8s.io/api/networking/v1"
	sigsyaml "sigs.k8s.io/yaml"
)

// TestExamplesOfThePages loads every example that the chart's README shows: values as Prometheus and Alertmanager would read
// them, with one shard and with three, and objects as the API server would. The scrape jobs of charts/README.md need
// discoveries that only promtool has: see test/apiserver.
func TestExamplesOfThePages(t *testing.T) {
	raw, err := os.ReadFile("outrider/README.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := 0
	for i, part := range strings.Split(string(raw), "```") {
		example, ok := strings.CutPrefix(part, "yaml\n")
		if i%2 == 0 || !ok {
			continue
		}
		examples++
		if strings.HasPrefix(example, "apiVersion: networking.k8s.io/v1\n") {
			if err := sigsyaml.UnmarshalStrict([]byte(example), &networkingv1.NetworkPolicy{}); err != nil {
				t.Errorf("%v in:\n%s", err, example)
			}
			continue
		}
		for _, shards := range []int{1, 3} {
			var values map[string]any
			if err := yaml.Unmarshal([]byte(example), &values); err != nil {
				t.Fatalf("%v in:\n%s", err, example)
			}
			prometheus, ok := values["prometheus"].(map[string]any)
			if !ok {
				prometheus = map[string]any{}
				values["prometheus"] = prometheus
			}
			prometheus["shards"] = shards
			loads(t, "outrider", values)
		}
	}
	if examples < 3 {
		t.Errorf("the page has %d examples", examples)
	}
}
