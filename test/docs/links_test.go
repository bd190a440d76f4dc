package docs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// pages are all Markdown files of the repository, but those that are fixtures of tests.
func pages(t *testing.T) []string {
	t.Helper()
	list := exec.CommandContext(t.Context(), "git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md")
	list.Dir = root
	out, err := list.Output()
	if err != nil {
		t.Skipf("this is no git checkout: %v", err)
	}
	all := slices.DeleteFunc(strings.Fields(string(out)), func(p string) bool { return strings.Contains(p, "testdata/") })
	if len(all) < 8 || !slices.Contains(all, "README.md") {
		t.Fatalf("the pages are %v", all)
	}
	return all
}

var (
	links   = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.+)$`)
	dropped = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// anchors are the names by which GitHub links to a page's headings.
func anchors(text string) []string {
	var all []string
	for _, m := range heading.FindAllStringSubmatch(text, -1) {
		all = append(all, strings.ReplaceAll(dropped.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-"))
	}
	return all
}

// TestLinksLeadSomewhere checks the links to files of this repository, and to headings in them.
func TestLinksLeadSomewhere(t *testing.T) {
	checked := 0
	for _, page := range pages(t) {
		for _, m := range links.FindAllStringSubmatch(read(t, page), -1) {
			target, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(target, ":") {
				continue // another site
			}
			checked++
			path := page
			if target != "" {
				path = filepath.Join(filepath.Dir(page), target)
			}
			if _, err := os.Stat(filepath.Join(root, path)); err != nil {
				t.Errorf("%s: link to %s: %v", page, m[1], err)
			} else if anchor != "" && strings.HasSuffix(path, ".md") && !slices.Contains(anchors(read(t, path)), anchor) {
				t.Errorf("%s: link to %s: %s has no such heading", page, m[1], path)
			}
		}
	}
	if checked < 50 {
		t.Errorf("%d links were found", checked)
	}
}

// TestEveryPageIsFound holds that the README, or a page it links to, leads to each page.
func TestEveryPageIsFound(t *testing.T) {
	seen, todo := map[string]bool{}, []string{"README.md"}
	for len(todo) > 0 {
		page := todo[0]
		todo = todo[1:]
		if seen[page] {
			continue
		}
		seen[page] = true
		for _, m := range links.FindAllStringSubmatch(read(t, page), -1) {
			target, _, _ := strings.Cut(m[1], "#")
			if strings.HasSuffix(target, ".md") && !strings.Contains(target, ":") {
				todo = append(todo, filepath.Join(filepath.Dir(page), target))
			}
		}
	}
	for _, page := range pages(t) {
		if !seen[page] && strings.HasSuffix(page, "README.md") {
			t.Errorf("no link leads from README.md to %s", page)
		}
	}
}

// TestMakeTargetsExist checks every `make x` that a page names.
func TestMakeTargetsExist(t *testing.T) {
	makefile := read(t, "Makefile")
	for _, page := range pages(t) {
		for _, m := range regexp.MustCompile("(?m)(?:`|^)make ([a-z][a-z-]*)").FindAllStringSubmatch(read(t, page), -1) {
			if !strings.Contains(makefile, "\n"+m[1]+":") {
				t.Errorf("%s names make %s, and the Makefile has no such target", page, m[1])
			}
		}
	}
}

var goFile = regexp.MustCompile(`\b[a-z0-9_]+\.go\b`)

// TestFileByFile holds that a package's comment that goes through its files names each of them, and no other.
func TestFileByFile(t *testing.T) {
	all := files(t)
	checked := 0
	for path, raw := range all {
		if filepath.Base(path) != "doc.go" || !strings.Contains(string(raw), "file by file") {
			continue
		}
		checked++
		want := []string{}
		for other := range all {
			if name := filepath.Base(other); filepath.Dir(other) == filepath.Dir(path) && strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") && name != "doc.go" {
				want = append(want, name)
			}
		}
		slices.Sort(want)
		got := goFile.FindAllString(string(raw), -1)
		slices.Sort(got)
		if diff := cmp.Diff(want, slices.Compact(got)); diff != "" {
			t.Errorf("%s (-files +named):\n%s", path, diff)
		}
	}
	if checked == 0 {
		t.Error("no package goes through its files")
	}
}
