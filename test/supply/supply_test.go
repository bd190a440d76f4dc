package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/outrider-dev/outrider/test/cluster/build"
)

func project(t *testing.T) string {
	t.Helper()
	root, err := build.Root()
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// TestEveryLicenseIsTaken lists both programs' modules and has a bill of materials written for each: the same twice, with
// every module that the go command says is linked.
func TestEveryLicenseIsTaken(t *testing.T) {
	s := &supply{root: project(t), out: t.TempDir(), version: "v1.2.3"}
	for _, name := range programs {
		if err := s.build(t.Context(), s.root, nil, name, filepath.Join(s.out, name)); err != nil {
			t.Fatal(err)
		}
	}
	figure, err := s.bills(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Log("figure: licenses: " + strings.ReplaceAll(figure, s.out+"/", ""))
	for _, name := range programs {
		raw, err := os.ReadFile(filepath.Join(s.out, name+".cdx.json"))
		if err != nil {
			t.Fatal(err)
		}
		var bill struct {
			BOMFormat string
			Metadata  struct {
				Component struct{ Name, Version string }
			}
			Components []struct {
				Name, Version, PURL string
				Licenses            []struct{ Expression string }
			}
		}
		if err := json.Unmarshal(raw, &bill); err != nil {
			t.Fatal(err)
		}
		if c := bill.Metadata.Component; bill.BOMFormat != "CycloneDX" || c.Name != name || c.Version != "v1.2.3" {
			t.Errorf("%s: a bill of %v in format %q", name, c, bill.BOMFormat)
		}
		linked, err := exec.CommandContext(t.Context(), "go", "version", "-m", filepath.Join(s.out, name)).Output()
		if err != nil {
			t.Fatal(err)
		}
		listed := map[string]bool{}
		for _, c := range bill.Components {
			listed[c.Name+" "+c.Version] = true
			if c.PURL == "" || len(c.Licenses) != 1 || c.Licenses[0].Expression == "" {
				t.Errorf("%s: %v", name, c)
			}
		}
		deps := 0
		for line := range strings.Lines(string(linked)) {
			if f := strings.Fields(line); len(f) > 2 && f[0] == "dep" {
				deps++
				if !listed[f[1]+" "+f[2]] {
					t.Errorf("%s: %s %s is linked and not listed", name, f[1], f[2])
				}
			}
		}
		if deps == 0 || len(listed) != deps+1 { // and the standard library
			t.Errorf("%s: %d components, %d modules are linked", name, len(listed), deps)
		}
	}
}

// TestLister runs the tests of the program that lists, which has a module of its own.
func TestLister(t *testing.T) {
	if _, err := goCommand(t.Context(), filepath.Join(project(t), "test", "supply", "bom"), nil, "test", "."); err != nil {
		t.Error(err)
	}
}

// TestScan holds that what a database knows is found and is an error, what it does not know is none, and that a database
// that cannot be asked is no clean bill. The advisories are made up.
func TestScan(t *testing.T) {
	root, dir := project(t), t.TempDir()
	write(t, filepath.Join(dir, "go.mod"), "module example.org/x\n\ngo 1.26\n")
	write(t, filepath.Join(dir, "main.go"), "package main\n\nimport \"strings\"\n\nfunc main() { println(strings.Repeat(\"x\", 2)) }\n")
	for symbol, found := range map[string]bool{"Repeat": true, "Title": false} {
		said, err := scan(t.Context(), root, dir, database(t, symbol), ".")
		if (err != nil) != found || found && !strings.Contains(err.Error(), "GO-2000-0001") {
			t.Errorf("an advisory about strings.%s: %s, %v", symbol, said, err)
		}
	}
	_, err := scan(t.Context(), root, dir, "file://"+filepath.Join(dir, "none"), ".")
	if !errors.As(err, &notHere{}) {
		t.Errorf("without a database: %v", err)
	}
	checks := []check{{"x", func(context.Context) (string, error) { return "", err }}}
	if report(t.Context(), checks, false) != 0 || report(t.Context(), checks, true) != 1 {
		t.Error("what could not be checked fails where CI=true, and there alone")
	}
}

// database is one with a single advisory, about a function of the package strings.
func database(t *testing.T, symbol string) string {
	t.Helper()
	dir := t.TempDir()
	const when = "2026-01-01T00:00:00Z"
	write(t, filepath.Join(dir, "index", "db.json"), `{"modified": "`+when+`"}`)
	write(t, filepath.Join(dir, "index", "modules.json"), `[{"path": "stdlib", "vulns": [{"id": "GO-2000-0001", "modified": "`+when+`"}]}]`)
	write(t, filepath.Join(dir, "ID", "GO-2000-0001.json"), fmt.Sprintf(`{"schema_version": "1.3.1", "id": "GO-2000-0001", "modified": %q, "published": %[1]q,
		"summary": "made up", "details": "made up", "affected": [{"package": {"name": "stdlib", "ecosystem": "Go"},
		"ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}]}],
		"ecosystem_specific": {"imports": [{"path": "strings", "symbols": [%q]}]}}]}`, when, symbol))
	return "file://" + dir
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
