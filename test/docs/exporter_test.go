package docs_test

import (
	"bytes"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestANewExporter holds what CONTRIBUTING says: an exporter is a definition and a case of the corpus. In a copy of the
// repository both are written by hand, and everything else is generated or stays as it was.
func TestANewExporter(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: this test compiles a copy of the repository")
	}
	before := files(t)
	name := strings.NewReplacer("memcached", "acmed", "MEMCACHED", "ACMED", "11211", "11777", "9150", "9777")
	byHand := []string{"sidecars/catalog/acmed.yaml", "test/corpus/acmed.yaml"}
	copied := t.TempDir()
	for path, content := range before {
		write(t, copied, path, content)
	}
	for _, path := range byHand {
		like := strings.Replace(path, "acmed", "memcached", 1)
		write(t, copied, path, []byte(name.Replace(string(before[like]))))
	}
	for _, args := range [][]string{
		{"./test/corpus", "-run", "TestGoldens", "-update"},
		{"./test/docs", "-run", "TestTables", "-update"},
		{"./sidecars", "./test/corpus", "./test/values"},
	} {
		run := exec.CommandContext(t.Context(), "go", append([]string{"test", "-count=1"}, args...)...)
		run.Dir = copied
		if out, err := run.CombinedOutput(); err != nil {
			t.Fatalf("go test %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	changed := map[string]bool{}
	err := filepath.WalkDir(copied, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		if path, _ = filepath.Rel(copied, path); !bytes.Equal(raw, before[path]) {
			changed[path] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	want := append(byHand, "sidecars/README.md", "test/corpus/acmed.injected.yaml") // generated
	slices.Sort(want)
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(changed))); diff != "" {
		t.Errorf("files that a new exporter changes (-want +got):\n%s", diff)
	}
}

// files are those of the repository that git knows or would add.
func files(t *testing.T) map[string][]byte {
	t.Helper()
	list := exec.CommandContext(t.Context(), "git", "ls-files", "--cached", "--others", "--exclude-standard")
	list.Dir = root
	out, err := list.Output()
	if err != nil {
		t.Skipf("this is no git checkout: %v", err)
	}
	found := map[string][]byte{}
	for path := range strings.Lines(string(out)) {
		path = strings.TrimSpace(path)
		if raw, err := os.ReadFile(filepath.Join(root, path)); err == nil { // deleted ones are not yet committed
			found[path] = raw
		}
	}
	return found
}

func write(t *testing.T, root, path string, content []byte) {
	t.Helper()
	path = filepath.Join(root, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
}
