package cli_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/outrider-dev/outrider/test/corpus"
)

// TestExplainCorpus holds what is told about every case.
func TestExplainCorpus(t *testing.T) {
	cases, err := corpus.Load()
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"explain"}
	for _, c := range cases {
		args = append(args, "-f", c.Name+".yaml")
	}
	got := run(t, "", args...)
	if got.code != 0 {
		t.Fatalf("exit code %d: %s", got.code, got.err)
	}
	golden(t, "explain.golden", got.out)
	if strings.Contains(got.out, "canary") {
		t.Error("a secret came out")
	}
}

func TestExplainFormats(t *testing.T) {
	got := run(t, "", "explain", "-f", "redis-password.yaml", "-o", "json")
	var all []struct {
		Exporters []struct {
			Exporter string
			Settings []struct{ Name, From string }
		}
		Targets []struct{ Labels map[string]string }
	}
	if err := json.Unmarshal([]byte(got.out), &all); err != nil {
		t.Fatalf("%v: %s", err, got.err)
	}
	if len(all) != 1 || all[0].Targets[0].Labels["job"] != "redis" || len(all[0].Exporters[0].Settings) != 3 {
		t.Errorf("not the explanation of the case: %+v", all)
	}
	if got := run(t, "", "explain", "-f", "redis-password.yaml", "-o", "xml"); got.code != 2 || !strings.Contains(got.err, `--output "xml"`) {
		t.Errorf("exit code %d: %s", got.code, got.err)
	}
}

// TestHelp holds that every command has an example and says what it does.
func TestHelp(t *testing.T) {
	for _, command := range []string{"inject", "uninject", "explain", "explain pod", "status", "attach", "catalog", "check", "install", "upgrade", "uninstall", "version"} {
		got := run(t, "", append(strings.Fields(command), "--help")...)
		if got.code != 0 || !strings.Contains(got.out, "Examples:\n  outrider ") && !strings.Contains(got.out, "Examples:\n  # ") {
			t.Errorf("outrider %s --help has no example:\n%s", command, got.out)
		}
	}
	if got := run(t, "", "completion", "bash"); got.code != 0 || !strings.Contains(got.out, "outrider") {
		t.Errorf("no completion: %s", got.err)
	}
	if got := run(t, "", "version"); !strings.HasPrefix(got.out, "outrider ") {
		t.Errorf("version: %s", got.out)
	}
}
