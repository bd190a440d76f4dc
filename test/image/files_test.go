package image_test

import (
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// static requires a program without interpreter and libraries, for this machine unless EM_NONE.
func static(t *testing.T, path string, machine elf.Machine) {
	t.Helper()
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if machine != elf.EM_NONE && f.Machine != machine {
		t.Errorf("the program is for %s, want %s", f.Machine, machine)
	}
	if slices.ContainsFunc(f.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP }) {
		t.Error("the program needs an interpreter")
	}
	if libs, err := f.ImportedLibraries(); err == nil && len(libs) > 0 {
		t.Errorf("the program needs libraries: %v", libs)
	}
	if f.Section(".symtab") != nil || f.Section(".debug_info") != nil {
		t.Error("the program still has its symbols")
	}
}

// programs lists the executable files of an image.
func programs(t *testing.T, dir string) (found []string) {
	t.Helper()
	walk(t, dir, func(path string, info fs.FileInfo) {
		if info.Mode().Perm()&0o111 != 0 {
			found = append(found, path)
		}
	})
	return found
}

// listed are the files of an image.
func listed(t *testing.T, dir string) (found []string) {
	t.Helper()
	walk(t, dir, func(path string, _ fs.FileInfo) { found = append(found, path) })
	return found
}

func size(t *testing.T, dir string) (n int64) {
	t.Helper()
	walk(t, dir, func(_ string, info fs.FileInfo) { n += info.Size() })
	return n
}

// walk calls f for each regular file of an image, by its path there.
func walk(t *testing.T, dir string, f func(path string, info fs.FileInfo)) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			f(strings.TrimPrefix(path, dir), info)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func sum(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s := sha256.Sum256(data)
	return hex.EncodeToString(s[:]) + " of " + strconv.Itoa(len(data)) + " bytes"
}

// TestDockerfileNamesVersions: no image that the Dockerfile starts from moves under it without a sign, and Go's is the one
// of go.mod.
func TestDockerfileNamesVersions(t *testing.T) {
	dockerfile, err := os.ReadFile(filepath.Join(root(t), "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	module, err := os.ReadFile(filepath.Join(root(t), "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	_, pinned, _ := strings.Cut(string(module), "\ngo ")
	from := 0
	for line := range strings.Lines(string(dockerfile)) {
		fields := slices.DeleteFunc(strings.Fields(line), func(f string) bool { return strings.HasPrefix(f, "--") })
		if len(fields) < 2 || fields[0] != "FROM" {
			continue
		}
		from++
		at := strings.LastIndex(fields[1], ":")
		if at <= strings.LastIndex(fields[1], "/") || fields[1][at+1:] == "latest" {
			t.Errorf("%s names no version", fields[1])
		}
		if repository, tag, _ := strings.Cut(fields[1], ":"); strings.HasSuffix(repository, "/golang") && !strings.HasPrefix(pinned, tag+".") {
			t.Errorf("%s, and go.mod has %.7s", fields[1], pinned)
		}
	}
	if from != len(bases) {
		t.Errorf("the Dockerfile starts from %d images, want %d", from, len(bases))
	}
}
