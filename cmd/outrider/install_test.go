package main

import (
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/cli"
)

// Values go before presets, and a later preset before an earlier one.
func TestPresets(t *testing.T) {
	i := installation{settings: cli.New(), presets: []string{"minimal", "ha"}}
	i.values.Values = []string{"webhook.replicas=7"}
	merged, err := i.merged()
	if err != nil {
		t.Fatal(err)
	}
	value := func(block, key string) any {
		values, _ := merged[block].(map[string]any)
		return values[key]
	}
	if got := value("webhook", "replicas"); got != int64(7) {
		t.Errorf("webhook.replicas is %v, want the 7 of --set", got)
	}
	if got := value("prometheus", "replicas"); got != float64(2) {
		t.Errorf("prometheus.replicas is %v, want the 2 of ha", got)
	}
	i.presets = []string{"../values"}
	if _, err := i.merged(); err == nil || !strings.Contains(err.Error(), "there are air-gapped, ") {
		t.Errorf("a preset that there is not: %v", err)
	}
}
