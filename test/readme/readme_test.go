package readme_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/outrider-dev/outrider/test/readme"
)

const page = "# A\n\n## One\n\ntext\n\n```\nls -l   # all\n# → total 1\n# → a … b\n\npwd\n```\n### Under it\n```\ntrue\n```\n```yaml\na: b\n```\n## Two\n\n" +
	"| symptom | check | it says | remedy |\n|---|---|---|---|\n| It is `down` | `outrider check` | `fail …` | start it |\n"

func section(t *testing.T, heading string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "README.md")
	if err := os.WriteFile(path, []byte(page), 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := readme.Section(path, heading)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestCommands(t *testing.T) {
	got, err := readme.Commands(section(t, "## One"))
	want := []readme.Command{{Text: "ls -l   # all", Says: []string{"total 1", "a … b"}}, {Text: "pwd"}, {Text: "true"}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
	if got, err := readme.Commands(section(t, "## Two")); err == nil {
		t.Errorf("a section without a block gives %v", got)
	}
}

func TestBlock(t *testing.T) {
	if got, err := readme.Block(section(t, "## One"), "yaml"); got != "a: b\n" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := readme.Block(section(t, "## Two"), "yaml"); err == nil {
		t.Errorf("a section without a block gives %q", got)
	}
}

func TestSymptoms(t *testing.T) {
	got, err := readme.Symptoms(section(t, "## Two"))
	want := []readme.Symptom{{Name: "It is `down`", Check: "outrider check", Says: "fail …"}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
	if _, err := readme.Symptoms("\n| a | b | c | d |\n|---|---|---|---|\n| no code | x | y | z |\n"); err == nil {
		t.Error("a row without a command was let through")
	}
}

func TestHolds(t *testing.T) {
	for expected, want := range map[string]bool{
		"a b": true, "a … d": true, "d … a": false, "b  c": true, "e": false, "…": true,
	} {
		if got := readme.Holds("a   b\nc d", expected); got != want {
			t.Errorf("%q: %t, want %t", expected, got, want)
		}
	}
}
