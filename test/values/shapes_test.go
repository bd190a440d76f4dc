package values

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// A shape or a definition that nothing has any more would hold nothing.
func TestShapesAreUsed(t *testing.T) {
	data, err := os.ReadFile("../../charts/outrider/values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	root, err := Read(data)
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	var walk func(v Value, component bool)
	walk = func(v Value, component bool) {
		for _, k := range v.Keys {
			c := component || k.Component()
			paths = append(paths, k.Path)
			for _, key, found := strings.Cut(k.Path, "."); found && c; _, key, found = strings.Cut(key, ".") {
				paths = append(paths, "*."+key)
			}
			walk(k, c)
		}
	}
	walk(root, false)
	for path := range shapes {
		if !slices.Contains(paths, path) {
			t.Errorf("shapes has %s, and values.yaml has not", path)
		}
	}
	schema, err := Schema(root)
	if err != nil {
		t.Fatal(err)
	}
	for name := range definitions {
		if !strings.Contains(string(schema), `"#/definitions/`+name+`"`) {
			t.Errorf("nothing refers to the definition %s", name)
		}
	}
}
