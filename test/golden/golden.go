// Package golden compares what tests make with files that are checked in. With -update they are rewritten instead.
package golden

import (
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the files that tests compare with")

// Compare holds that a file has the text, and names the command that repairs it; with -update it writes the file, and its
// folder where that is missing.
func Compare(t testing.TB, path, text, repair string) {
	t.Helper()
	if *update {
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		if err == nil {
			err = os.WriteFile(path, []byte(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(text, "\n")); diff != "" {
		t.Errorf("%s is out of date (-file +made); repair with: %s\n%s", path, repair, diff)
	}
}

// Orphan is a file to which nothing belongs any more: an error, or removed with -update.
func Orphan(t testing.TB, path, repair string) {
	t.Helper()
	if !*update {
		t.Errorf("nothing belongs to %s; repair with: %s", path, repair)
		return
	}
	if err := os.Remove(path); err != nil {
		t.Error(err)
	}
}
