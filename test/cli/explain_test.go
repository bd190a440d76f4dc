package cli_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/outrider-dev/outrider/test/corpus"
	"github.com/outrider-dev/outrider/test/golden"
)

// TestExplainCorpus holds what is printed about every case.
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
	golden.Compare(t, "testdata/explain.golden", got.out, "go test ./test/cli -update")
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
	if len(all) != 1 || all[0].Targets[0].Labels["job"] != "redis" || len(all[0].Exporters[0].Settings) != 5 {
		t.Errorf("not the explanation of the case: %+v", all)
	}
	if got := run(t, "", "explain", "-f", "redis-password.yaml", "-o", "xml"); got.code != 2 || !strings.Contains(got.err, `--output "xml"`) {
		t.Errorf("exit code %d: %s", got.code, got.err)
	}
}

// TestHelp holds that every command has an example and says what it does.
func TestHelp(t *testing.T) {
	for _, command := range []string{"inject", "uninject", "explain", "explain pod", "plan", "plan namespace", "status", "attach", "grant", "revoke", "catalog", "check", "install", "upgrade", "uninstall", "version"} {
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

// TestCatalog holds that what the list promises is there, also for programs.
func TestCatalog(t *testing.T) {
	got := run(t, "", "catalog")
	if got.code != 0 || !strings.Contains(got.out, "PARAMETERS") || !strings.Contains(got.out, "port,scheme") {
		t.Errorf("exit code %d: %s", got.code, got.out)
	}
	var all []struct {
		Metadata struct{ Name string }
		Spec     struct{ Port int }
	}
	got = run(t, "", "catalog", "-o", "json")
	if err := json.Unmarshal([]byte(got.out), &all); err != nil || len(all) < 10 || all[0].Spec.Port == 0 {
		t.Errorf("%v: %+v", err, all)
	}
	// One that is shown is a manifest that can be used.
	got = run(t, "", "catalog", "redis")
	if back := run(t, got.out+"---\n"+pod, "inject", "--namespace-label", "outrider.dev/inject=enabled"); !strings.Contains(back.out, "outrider-redis") {
		t.Errorf("exit code %d: %s", back.code, back.err)
	}
}

// TestCompletion holds that flags and names are completed, for kubectl too.
func TestCompletion(t *testing.T) {
	for want, args := range map[string][]string{
		"suspended":                   {"status", "--fail-on", ""},
		"memcached":                   {"catalog", ""},
		"postgres":                    {"attach", "--exporter", ""},
		"outrider.dev/inject=enabled": {"inject", "--namespace-label", ""},
		"yaml":                        {"explain", "-o", ""},
	} {
		if got := run(t, "", append([]string{"__complete"}, args...)...); !strings.Contains(got.out, want+"\n") {
			t.Errorf("%q offers %q, want %s", args, got.out, want)
		}
	}
	link := filepath.Join(t.TempDir(), "kubectl_complete-outrider")
	if err := os.Symlink(binary, link); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(link, "unin").Output(); err != nil || !strings.HasPrefix(string(out), "uninject\t") {
		t.Errorf("kubectl outrider unin: %v: %s", err, out)
	}
}

// TestMisplacedIsExplained holds that an annotation on a workload itself, which
// has no effect there, is explained where nothing happens.
func TestMisplacedIsExplained(t *testing.T) {
	got := run(t, "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a, annotations: {outrider.dev/inject: redis, outrider.dev/repair: 'false'}}\nspec: {template: {spec: {containers: []}}}\n", "explain")
	if !strings.Contains(got.out, "outrider.dev/inject has no effect here; move it to spec.template.metadata.annotations") || strings.Contains(got.out, "repair") {
		t.Errorf("%s%s", got.out, got.err)
	}
}

// TestNoCluster holds that it is said what to do where no cluster is known.
func TestNoCluster(t *testing.T) {
	t.Setenv("KUBECONFIG", filepath.Join(t.TempDir(), "none"))
	for _, command := range []string{"status", "check", "explain pod a", "plan namespace a", "attach a", "grant deployment/a", "revoke deployment/a"} {
		if got := run(t, "", strings.Fields(command)...); got.code != 2 || !strings.Contains(got.err, "--kubeconfig") {
			t.Errorf("outrider %s: exit code %d: %s", command, got.code, got.err)
		}
	}
}
