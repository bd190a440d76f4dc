package cli_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/outrider-dev/outrider/test/readme"
)

// ci is the section about CI of the command line page.
func ci(t *testing.T) string {
	t.Helper()
	section, err := readme.Section("../../cmd/outrider/README.md", "## In CI")
	if err != nil {
		t.Fatal(err)
	}
	return section
}

// TestCI runs the page's commands for CI as they stand, on a folder with a
// workload that asks and one that is recognized.
func TestCI(t *testing.T) {
	dir := t.TempDir()
	for from, to := range map[string]string{"deployment.yaml": "manifests/cache.yaml", "memcached.yaml": "manifests/shop/sessions.yaml"} {
		raw, err := os.ReadFile(filepath.Join("../corpus", from))
		if err != nil {
			t.Fatal(err)
		}
		to = filepath.Join(dir, to)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, raw, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	commands, err := readme.Commands(ci(t))
	if err != nil {
		t.Fatal(err)
	}
	shell := func(command string) ([]byte, error) {
		c := exec.Command("bash", "-c", command)
		c.Dir, c.Env = dir, append(os.Environ(), "PATH="+filepath.Dir(binary)+":"+os.Getenv("PATH"))
		return c.CombinedOutput()
	}
	for _, c := range commands {
		if out, err := shell(c.Text); err != nil {
			t.Fatalf("%s: %v\n%s", c.Text, err, out)
		}
	}
	raw, err := os.ReadFile(filepath.Join(dir, "explained.json"))
	if err != nil {
		t.Fatal(err)
	}
	var explained []struct{ Exporters []struct{ Exporter string } }
	if err := json.Unmarshal(raw, &explained); err != nil || len(explained) != 2 {
		t.Errorf("explained %+v: %v", explained, err)
	}

	bad, err := os.ReadFile("../corpus/port-collision.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "manifests/bad.yaml"), bad, 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := shell(commands[0].Text); err == nil {
		t.Errorf("%s passes what is refused:\n%s", commands[0].Text, out)
	}
}
