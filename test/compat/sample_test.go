package compat

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/outrider-dev/outrider/test/corpus"
)

var sample = flag.String("sample", "", "Write the samples of a release that is about to be made, such as 0.3.0.")

// TestSample writes a release's samples; afterwards they are never changed:
//
//	go test ./test/compat -run 'TestSample$' -args -sample 0.3.0
func TestSample(t *testing.T) {
	if *sample == "" {
		t.Skip("-sample names no release")
	}
	var exporters, workloads, injected bytes.Buffer
	definitions, err := filepath.Glob("../../sidecars/catalog/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range definitions {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&exporters, "---\n%s", raw)
	}
	all, err := corpus.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		fmt.Fprintf(&workloads, "# case: %s\n%s", c.Name, c.YAML)
		fmt.Fprintf(&injected, "# case: %s\n%s", c.Name, c.Injected)
	}
	dir := filepath.Join("testdata", *sample)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{"exporters.yaml": exporters.Bytes(), "workloads.yaml": workloads.Bytes(), "injected.yaml": injected.Bytes()} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
