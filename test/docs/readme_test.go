// Package docs_test keeps the README true: its tables are generated, its links
// and commands exist.
package docs_test

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/test/cluster/build"
)

var update = flag.Bool("update", false, "rewrite the README's generated tables")

const readme = "../../README.md"

func read(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// TestTables compares the tables between <!-- begin NAME --> and <!-- end NAME -->
// with the code.
func TestTables(t *testing.T) {
	text := read(t)
	want := text
	for name, table := range map[string]string{"keys": keys(), "catalog": catalog(), "jobs": jobTable(), "versions": versions(t)} {
		begin, end := "<!-- begin "+name+" -->\n", "<!-- end "+name+" -->"
		head, rest, found := strings.Cut(want, begin)
		_, tail, closed := strings.Cut(rest, end)
		if !found || !closed {
			t.Fatalf("the README has no %q … %q", begin, end)
		}
		want = head + begin + table + end + tail
	}
	if *update {
		if err := os.WriteFile(readme, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := gocmp.Diff(want, text); diff != "" {
		t.Errorf("the README's tables differ (-generated +README); repair with: go test ./test/docs -update\n%s", diff)
	}
}

// versions is what the last whole run of test/versions wrote.
func versions(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile("../versions/passed.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func keys() string {
	var b strings.Builder
	b.WriteString("| where | key | value | meaning |\n|---|---|---|---|\n")
	for _, k := range sidecars.Keys() {
		place := string(k.Place)
		if k.Written {
			place += ", written by Outrider"
		}
		fmt.Fprintf(&b, "| %s | `%s` | %s | %s |\n", place, k.Name, k.Values, k.Doc)
	}
	return b.String()
}

func catalog() string {
	var b strings.Builder
	b.WriteString("| exporter | recognised images | port | parameters | image |\n|---|---|---|---|---|\n")
	c := sidecars.Builtin()
	for _, name := range c.Names() {
		spec, _ := c.Spec(name)
		var parameters []string
		for _, p := range spec.Parameters {
			parameters = append(parameters, fmt.Sprintf("`%s` (%s): %s", p.Name, p.Default, p.Doc))
		}
		fmt.Fprintf(&b, "| `%s` | %s | %d | %s | %s |\n", name, strings.Join(spec.Recognize.Images, ", "), spec.Port, strings.Join(parameters, "<br>"), cmp.Or(spec.Image, "none: it serves metrics itself"))
	}
	return b.String()
}

// TestLinksLeadSomewhere checks the links to files of this repository.
func TestLinksLeadSomewhere(t *testing.T) {
	for _, m := range regexp.MustCompile(`\]\(([^)#:]+)\)`).FindAllStringSubmatch(read(t), -1) {
		if _, err := os.Stat(filepath.Join(filepath.Dir(readme), m[1])); err != nil {
			t.Errorf("link to %s: %v", m[1], err)
		}
	}
}

// TestKubernetesVersions holds the row of versions against the API servers that make versions builds.
func TestKubernetesVersions(t *testing.T) {
	servers, err := build.APIServers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var minors []string
	for _, s := range servers {
		minors = append(minors, s.Minor())
	}
	last := len(minors) - 1
	want := strings.Join(minors[:last], ", ") + " and " + minors[last] + " (`make versions`)"
	if !strings.Contains(read(t), want) {
		t.Errorf("the README does not say that Kubernetes was tested with %s", want)
	}
}

// TestMakeTargetsExist checks every `make x` that the README names.
func TestMakeTargetsExist(t *testing.T) {
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`\bmake ([a-z][a-z-]*)`).FindAllStringSubmatch(read(t), -1) {
		if !strings.Contains(string(makefile), "\n"+m[1]+":") {
			t.Errorf("the README names make %s, and the Makefile has no such target", m[1])
		}
	}
}
