package deps

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const maxLines = 300

// topLevel is all that may stand in the repository's root, beside files whose names begin with a dot.
var topLevel = []string{
	"cmd", "webhook", "sidecars", "charts", "discovery", "certs", "test",
	"Makefile", "Dockerfile", "go.mod", "go.sum", "README.md", "LICENSE",
}

// generated is Go's own mark of files that nobody edits.
var generated = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)

// machinePath matches absolute paths that mean something on one developer's machine only. The folders are in a
// group, so that this file does not match.
var machinePath = regexp.MustCompile(`(?:^|[^\w./-])/(?:work|root|home)/\w`)

// committed returns the repository's files, also those not yet committed, without those that git ignores.
func committed(t *testing.T) []string {
	t.Helper()
	cmd := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	cmd.Dir = root(t)
	out, err := cmd.Output()
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s: %v", cmd, err)
		}
		t.Skipf("this is no git checkout: %v", err)
	}
	var files []string
	for f := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		if _, err := os.Lstat(filepath.Join(root(t), f)); err == nil {
			files = append(files, f)
		}
	}
	return files
}

// text returns a file's content, or nil when it is not text.
func text(t *testing.T, file string) []byte {
	t.Helper()
	path := filepath.Join(root(t), file)
	if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() {
		return nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.IndexByte(b, 0) >= 0 {
		return nil
	}
	return b
}

func TestTopLevel(t *testing.T) {
	for _, f := range committed(t) {
		top, _, _ := strings.Cut(f, "/")
		if !strings.HasPrefix(top, ".") && !slices.Contains(topLevel, top) {
			t.Errorf("%s: %q has no place in the repository's root; what has: %v", f, top, topLevel)
		}
	}
}

func TestFileLength(t *testing.T) {
	for _, f := range committed(t) {
		if filepath.Ext(f) != ".go" || strings.HasSuffix(f, "_test.go") {
			continue
		}
		b := text(t, f)
		if n := bytes.Count(b, []byte("\n")); n > maxLines && !generated.Match(b) {
			t.Errorf("%s has %d lines, over %d: give its second subject a file of its own", f, n, maxLines)
		}
	}
}

func TestNoPathsOfOneMachine(t *testing.T) {
	for _, f := range committed(t) {
		for i, line := range bytes.Split(text(t, f), []byte("\n")) {
			if m := machinePath.Find(line); m != nil {
				t.Errorf("%s:%d names a folder of one machine: %s", f, i+1, bytes.TrimSpace(line))
			}
		}
	}
}

func TestMachinePath(t *testing.T) {
	home := "/" + "home" + "/"
	for line, want := range map[string]bool{
		"cd " + home + "me":                true,
		`"` + home + `me"`:                 true,
		"=/" + "root" + "/go":              true,
		"https://example.com" + home + "x": false,
		"a" + home + "b":                   false,
		"../work" + "/x":                   false,
	} {
		if got := machinePath.MatchString(line); got != want {
			t.Errorf("%q: %t, want %t", line, got, want)
		}
	}
}
