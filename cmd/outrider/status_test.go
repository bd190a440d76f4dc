package main

import (
	"strings"
	"testing"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/webhook/coverage"
)

// TestStatusSaysWhoInjected holds the first line of outrider status and its column BY.
func TestStatusSaysWhoInjected(t *testing.T) {
	r := statusReport{Injection: "the webhook injects alone"}
	for name, row := range map[string]coverage.Row{
		"by-policy":   {State: coverage.Injected, Pods: 2, ByPolicy: 2},
		"by-webhook":  {State: coverage.Stale, Pods: 2},
		"by-both":     {State: coverage.Injected, Pods: 3, ByPolicy: 1},
		"by-attach":   {State: coverage.Injected, Pods: 1, Reason: sidecars.Attached},
		"without":     {State: coverage.Missed, Pods: 1},
		"not-by-them": {State: coverage.Refused, Pods: 1, Reason: sidecars.LeftByPolicies, Message: "left"},
	} {
		row.Namespace, row.Kind, row.Name, row.Exporter = "shop", "Deployment", name, "redis"
		r.Rows = append(r.Rows, row)
	}
	var out strings.Builder
	if err := statusTable(&out, r); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(out.String(), "\n")
	if lines[0] != "Injection: the webhook injects alone" {
		t.Errorf("the first line is %q", lines[0])
	}
	at := strings.Index(lines[1], "BY")
	want := map[string]string{"by-policy": "policy", "by-webhook": "webhook", "by-both": "policy 1, webhook 2", "by-attach": "attach", "without": "", "not-by-them": ""}
	for _, line := range lines[2 : len(lines)-1] {
		_, name, _ := strings.Cut(strings.Fields(line)[1], "/")
		if by, _, _ := strings.Cut(line[at:], "  "); strings.TrimSpace(by) != want[name] {
			t.Errorf("%s is injected by %q, want %q:\n%s", name, by, want[name], out.String())
		}
	}
}
