package deps

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/outrider-dev/outrider"

// graph is what each package imports, of everything that the module's packages pull in.
type graph map[string][]string

// packageInfo is the part of go list's answer that is read here.
type packageInfo struct {
	ImportPath   string
	Imports      []string
	TestImports  []string
	XTestImports []string
	Error        *struct{ Err string }
}

// loadGraph asks the go command: code holds the imports of code, and tests those of the module's own test files.
func loadGraph(t *testing.T) (code, tests graph) {
	t.Helper()
	cmd := exec.Command("go", "list", "-e", "-deps", "-json=ImportPath,Imports,TestImports,XTestImports,Error", "./...")
	cmd.Dir = root(t)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, stderr.String())
	}
	code, tests = graph{}, graph{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p packageInfo
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return code, tests
		} else if err != nil {
			t.Fatalf("read go list's answer: %v", err)
		}
		if p.Error != nil && own(p.ImportPath) {
			t.Fatalf("go list %s: %s", p.ImportPath, p.Error.Err)
		}
		code[p.ImportPath] = p.Imports
		tests[p.ImportPath] = slices.Concat(p.TestImports, p.XTestImports)
	}
}

// own tells the module's packages from those of others.
func own(path string) bool { return within(path, module) }

// within tells whether path is the package or folder prefix, or stands below it.
func within(path, prefix string) bool {
	return path == prefix || strings.HasPrefix(path, prefix+"/")
}

// packages returns the module's packages at or below dir, a path inside the module.
func (g graph) packages(dir string) []string {
	var all []string
	for path := range g {
		if within(path, module+"/"+dir) {
			all = append(all, path)
		}
	}
	slices.Sort(all)
	return all
}

// chain returns the shortest way from a package to one that bad selects, both ends included, or nil.
func (g graph) chain(from string, bad func(string) bool) []string {
	cameFrom := map[string]string{from: ""}
	for queue := []string{from}; len(queue) > 0; queue = queue[1:] {
		for _, next := range g[queue[0]] {
			if _, seen := cameFrom[next]; seen {
				continue
			}
			cameFrom[next] = queue[0]
			if bad(next) {
				return way(cameFrom, next)
			}
			queue = append(queue, next)
		}
	}
	return nil
}

func way(cameFrom map[string]string, to string) []string {
	var chain []string
	for p := to; p != ""; p = cameFrom[p] {
		chain = append(chain, p)
	}
	slices.Reverse(chain)
	return chain
}

// root returns the folder of the module.
func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); err != nil {
		t.Fatalf("find the module: %v", err)
	}
	return dir
}

// The checks below are only as good as the search for a chain.
func TestChain(t *testing.T) {
	g := graph{"a": {"b", "c"}, "b": {"d", "a"}, "c": {"e"}, "d": {"bad/sub"}, "e": {"bad"}}
	bad := func(p string) bool { return within(p, "bad") }
	if got, want := fmt.Sprint(g.chain("a", bad)), "[a b d bad/sub]"; got != want {
		t.Errorf("chain %s, want %s", got, want)
	}
	g["d"], g["e"] = nil, []string{"badly"}
	if got := g.chain("a", bad); got != nil {
		t.Errorf("chain %v where there is none", got)
	}
	if got := slices.Sorted(maps.Keys(g)); len(got) != 5 {
		t.Errorf("the search changed the graph: %v", got)
	}
}
