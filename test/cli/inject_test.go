package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/outrider-dev/outrider/test/corpus"
	"github.com/outrider-dev/outrider/test/golden"
)

// TestCorpus holds that inject makes of every case what the webhook makes of
// it, says what it decided, and that uninject is its mirror.
func TestCorpus(t *testing.T) {
	cases, err := corpus.Load()
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	for _, c := range cases {
		file := c.Name + ".yaml"
		injected := run(t, "", "inject", "-f", file)
		if injected.code != 0 {
			t.Errorf("%s: exit code %d: %s", c.Name, injected.code, injected.err)
			continue
		}
		said.WriteString(injected.err)
		if diff := cmp.Diff(decode(t, string(c.Injected)), decode(t, injected.out)); diff != "" {
			t.Errorf("%s: not the golden (-golden +got)\n%s", c.Name, diff)
		}
		if strings.Contains(string(c.YAML), "outrider.dev/status") {
			continue // injected before: what it was before that is not in the corpus
		}
		if back := run(t, injected.out, "uninject"); back.code != 0 || back.out != string(c.YAML) {
			t.Errorf("%s: uninject leaves a difference (-before +after): %s\n%s", c.Name, back.err, cmp.Diff(string(c.YAML), back.out))
		}
	}
	golden.Compare(t, "testdata/decisions.golden", said.String(), "go test ./test/cli -update")
}

func decode(t *testing.T, text string) []map[string]any {
	t.Helper()
	objects, err := corpus.Decode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

const pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: cache}\nspec: {containers: [{name: redis, image: 'redis:7'}]}\n"

func TestExitCodes(t *testing.T) {
	for name, tc := range map[string]struct {
		stdin string
		args  []string
		code  int
		said  string
	}{
		"nothing to do":              {"", []string{"inject", "-f", "not-asked.yaml", "--diff"}, 0, ""},
		"a difference":               {"", []string{"inject", "-f", "deployment.yaml", "--diff"}, 1, "redis: injected"},
		"a refusal":                  {"", []string{"inject", "-f", "port-collision.yaml"}, 0, "9121"},
		"a refusal, strict":          {"", []string{"inject", "-f", "port-collision.yaml", "--strict"}, 1, "9121"},
		"nothing refused, strict":    {"", []string{"inject", "-f", "deployment.yaml", "--strict"}, 0, "redis: injected"},
		"a missing file":             {"", []string{"inject", "-f", "nowhere.yaml"}, 2, "nowhere.yaml"},
		"not YAML":                   {"# outrider.dev/inject: auto\na: [", []string{"inject"}, 2, "-:2: document 1"},
		"not YAML, not ours":         {"a: [", []string{"inject"}, 0, "-:1: document 1 cannot be read and passes through unchanged"},
		"an unknown flag":            {pod, []string{"inject", "--bogus"}, 2, "--bogus"},
		"an unknown exporter":        {"", []string{"catalog", "reddis"}, 2, `no exporter "reddis"`},
		"annotated at a wrong place": {"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a, annotations: {outrider.dev/inject: redis}}\nspec: {template: {spec: {containers: []}}}\n", []string{"inject", "--strict"}, 1, "move it to spec.template.metadata.annotations"},
		"a folder without manifests": {"", []string{"inject", "-f", "testdata/fuzz"}, 2, "no .yaml, .yml or .json file"},
	} {
		t.Run(name, func(t *testing.T) {
			got := run(t, tc.stdin, tc.args...)
			if got.code != tc.code || !strings.Contains(got.err, tc.said) {
				t.Errorf("exit code %d, want %d; want %q in what was said: %s", got.code, tc.code, tc.said, got.err)
			}
		})
	}
}

func TestNamespaceLabelStandsForTheCluster(t *testing.T) {
	if got := run(t, pod, "inject"); strings.Contains(got.out, "outrider-redis") {
		t.Error("a pod that nobody asked for was injected")
	}
	if got := run(t, pod, "inject", "--namespace-label", "outrider.dev/inject=enabled"); !strings.Contains(got.out, "outrider-redis") {
		t.Errorf("the namespace is opted in, and nothing was injected: %s", got.err)
	}
}

// TestExportersInTheInput holds that a manifest of kind Exporter counts for all files.
func TestExportersInTheInput(t *testing.T) {
	dir := t.TempDir()
	exporter := "../apiserver/testdata/varnish.yaml"
	app := filepath.Join(dir, "app.yaml")
	if err := os.WriteFile(app, []byte("apiVersion: v1\nkind: Pod\nmetadata: {name: web, annotations: {outrider.dev/inject: varnish}}\nspec: {containers: [{name: varnish, image: 'varnish:7'}]}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := run(t, "", "inject", "-f", app, "-f", exporter, "--strict"); got.code != 0 || !strings.Contains(got.out, "outrider-varnish") {
		t.Errorf("exit code %d: %s", got.code, got.err)
	}
}
