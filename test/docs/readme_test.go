// Package docs_test keeps the pages true: their tables are generated, their links
// and commands exist, and the README stays short.
package docs_test

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/test/cluster/build"
	"github.com/outrider-dev/outrider/test/golden"
	"github.com/outrider-dev/outrider/webhook/events"
)

const root = "../.."

func read(t *testing.T, page string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(root, page))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// TestTables compares the tables between <!-- begin NAME --> and <!-- end NAME -->
// with the code.
func TestTables(t *testing.T) {
	for _, table := range []struct{ page, name, text string }{
		{"README.md", "main keys", keys(mainKeys...)},
		{"sidecars/README.md", "keys", keys()},
		{"sidecars/README.md", "catalog", catalog()},
		{"charts/README.md", "jobs", jobTable()},
		{"charts/RUNBOOK.md", "events", eventTable()},
		{"charts/README.md", "versions", versions(t)},
		{"test/README.md", "workloads", read(t, "test/alarms/testdata/workloads.md")},
		{"test/README.md", "maintenance", read(t, "test/alarms/testdata/maintenance.md")},
		{"test/README.md", "outages", read(t, "test/alarms/testdata/outages.md")},
	} {
		text := read(t, table.page)
		begin, end := "<!-- begin "+table.name+" -->\n", "<!-- end "+table.name+" -->"
		head, rest, found := strings.Cut(text, begin)
		_, tail, closed := strings.Cut(rest, end)
		if !found || !closed {
			t.Fatalf("%s has no %q … %q", table.page, begin, end)
		}
		want := head + begin + table.text + end + tail
		golden.Compare(t, filepath.Join(root, table.page), want, "go test ./test/docs -update")
	}
}

// TestReadmeIsShort holds that the README is read in two minutes: what has no place in it has a page.
func TestReadmeIsShort(t *testing.T) {
	if n := len(read(t, "README.md")); n > 10<<10 {
		t.Errorf("README.md has %d bytes, want at most %d: move something to the page where people look for it", n, 10<<10)
	}
}

// versions is what test/versions wrote.
func versions(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile("../versions/passed.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// mainKeys are the eight keys that the README shows, each with where it stands.
var mainKeys = []string{
	"pod annotation outrider.dev/inject", "pod annotation outrider.dev/scrape", "pod annotation <exporter>.outrider.dev/<parameter>",
	"pod annotation <exporter>.outrider.dev/secret", "pod annotation outrider.dev/exempt", "pod annotation outrider.dev/status",
	"namespace label outrider.dev/inject", "namespace label outrider.dev/enforce",
}

// keys is a table of these keys, or of all.
func keys(only ...string) string {
	var b strings.Builder
	b.WriteString("| where | key | value | meaning |\n|---|---|---|---|\n")
	for _, k := range sidecars.Keys() {
		if len(only) > 0 && !slices.Contains(only, string(k.Place)+" "+k.Name) {
			continue
		}
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
	b.WriteString("| exporter | recognized images | port | parameters | image |\n|---|---|---|---|---|\n")
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
	if !strings.Contains(read(t, "charts/README.md"), want) {
		t.Errorf("charts/README.md does not say that Kubernetes was tested with %s", want)
	}
}

// eventTable is the table of the events that Outrider writes.
func eventTable() string {
	var b strings.Builder
	b.WriteString("| reason | type | on | meaning |\n|---|---|---|---|\n")
	for _, e := range events.All() {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", e.Reason, e.Type, e.On, e.Means)
	}
	return b.String()
}

// TestEvents holds that every event is one of the table's, or a refusal's.
func TestEvents(t *testing.T) {
	for _, folder := range []string{"cmd", "certs", "discovery", "sidecars", "webhook"} {
		err := filepath.WalkDir(filepath.Join(root, folder), func(path string, _ os.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "/webhook/events/events.go") {
				return err
			}
			if raw, err := os.ReadFile(path); err != nil {
				return err
			} else if strings.Contains(string(raw), ".Eventf(") {
				t.Errorf("%s writes an event that is not in webhook/events", path)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
