package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const changelog = "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- One,\n  in two lines.\n- Two.\n\n### Fixed\n\n- Three.\n\n" +
	"## [0.2.0] - 2026-11-22\n\nThe first.\n\n[Unreleased]: https://example.org/u\n[0.2.0]: https://example.org/0\n"

func TestNotes(t *testing.T) {
	for version, want := range map[string]struct {
		text  string
		dated bool
	}{
		"0.2.0": {"The first.", true},
		"0.3.0": {"### Added\n\n- One,\n  in two lines.\n- Two.\n\n### Fixed\n\n- Three.", false},
	} {
		if text, dated, err := notesOf(changelog, version); text != want.text || dated != want.dated || err != nil {
			t.Errorf("%s: %q, %t, %v", version, text, dated, err)
		}
	}
	const fresh = "# Changelog\n\n## [Unreleased]\n\n## [0.2.0] - 2026-11-22\n\nx\n"
	if text, dated, err := notesOf(fresh, "0.3.0"); text != "Nothing has changed since the last release." || dated || err != nil {
		t.Errorf("right after a release: %q, %t, %v", text, dated, err)
	}
	if text, _, err := notesOf("# Changelog\n\n## [0.2.0] - 2026-11-22\n\nx\n", "0.3.0"); err == nil {
		t.Errorf("a changelog that says nothing of 0.3.0 gives %q", text)
	}
}

func TestChanges(t *testing.T) {
	text, _, err := notesOf(changelog, "0.3.0")
	want := []change{{"added", "One, in two lines."}, {"added", "Two."}, {"fixed", "Three."}}
	if diff := cmp.Diff(want, changes(text)); diff != "" || err != nil {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
}

// A tag that the chart or the changelog does not have is refused, before anything is built.
func TestTag(t *testing.T) {
	err := run(t.Context(), []string{"-out", t.TempDir(), "-tag", "v77.0.0"})
	if err == nil || !strings.Contains(err.Error(), "set both to 77.0.0") {
		t.Errorf("a tag of another version: %v", err)
	}
}

// A folder with something else in it is not emptied.
func TestEmpty(t *testing.T) {
	r := &release{out: "."}
	if err := r.empty(); err == nil {
		t.Fatal("the folder of this test was emptied")
	}
}
