package values_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/outrider-dev/outrider/test/golden"
	"github.com/outrider-dev/outrider/test/values"
)

const repair = "go test ./test/values -update"

func file(name string) string { return filepath.Join("..", "..", "charts", "outrider", name) }

func content(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(file(name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func root(t *testing.T) values.Value {
	t.Helper()
	v, err := values.Read([]byte(content(t, "values.yaml")))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// generated compares a file with what it should be, or rewrites it.
func generated(t *testing.T, name, want string) {
	t.Helper()
	golden.Compare(t, file(name), want, repair)
}

func TestSchema(t *testing.T) {
	schema, err := values.Schema(root(t))
	if err != nil {
		t.Fatal(err)
	}
	generated(t, "values.schema.json", string(schema))
}

func TestDefaults(t *testing.T) {
	defaults, err := values.Defaults(root(t))
	if err != nil {
		t.Fatal(err)
	}
	generated(t, "files/defaults.json", string(defaults))
}

func TestTable(t *testing.T) {
	const begin, end = "<!-- begin values -->\n", "<!-- end values -->"
	head, rest, found := strings.Cut(content(t, "README.md"), begin)
	_, tail, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("README.md has no %q … %q", begin, end)
	}
	table, err := values.Table(root(t))
	if err != nil {
		t.Fatal(err)
	}
	generated(t, "README.md", head+begin+table+end+tail)
}

func TestReadRefuses(t *testing.T) {
	for name, c := range map[string]struct{ values, want string }{
		"no sentence":           {"webhook:\n  timeoutSeconds: 5\n", "line 2: webhook.timeoutSeconds has no sentence"},
		"half a sentence":       {"webhook:\n  timeoutSeconds: 5 # Seconds\n", "webhook.timeoutSeconds has no sentence"},
		"another key's comment": {"# About something else.\n\nwebhook:\n  timeoutSeconds: 5\n", "webhook.timeoutSeconds has no sentence"},
		"list of what":          {"new:\n  list: [] # What is it?\n", "nothing says what may stand in new.list; add it to shapes in test/values/shapes.go"},
		"map of what":           {"new:\n  map: {} # A map.\n", "nothing says what may stand in new.map"},
		"a component's own":     {"new:\n  resources: {} # Requests.\n  tolerations: [] # Taints.\n  list: [] # A list.\n", "nothing says what may stand in new.list"},
		"no component":          {"new:\n  tolerations: [] # Taints.\n", "nothing says what may stand in new.tolerations"},
		"no map":                {"[]", "it is not a map"},
		"no YAML":               {"a: {", "read values.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := values.Read([]byte(c.values)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}
