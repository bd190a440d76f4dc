package enforcement_test

import (
	"fmt"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/outrider-dev/outrider/test/corpus"
	"github.com/outrider-dev/outrider/test/golden"
)

// TestVerdicts creates every object of the corpus, and the pods that are made from it, in three namespaces that
// enforce, and compares what the API server says with a table.
func TestVerdicts(t *testing.T) {
	injecting(t)
	compareVerdicts(t, "testdata/verdicts.golden")
}

// TestVerdictsWithEveryReplicaDown does the same while nobody answers the webhook.
func TestVerdictsWithEveryReplicaDown(t *testing.T) {
	injecting(t)() // the parameters stay
	compareVerdicts(t, "testdata/verdicts-away.golden")
}

// row is one line of the table: an object, and its verdict in each namespace.
type row struct {
	of, object string
	verdicts   []verdict
}

func compareVerdicts(t *testing.T, verdicts string) {
	t.Helper()
	cases, err := corpus.Load()
	if err != nil {
		t.Fatal(err)
	}
	var rows []row
	like := map[string][]string{} // most cases have the same namespaces
	for _, c := range cases {
		key := fmt.Sprint(c.Namespace)
		for _, mode := range modes[len(like[key]):] {
			like[key] = append(like[key], namespace(t, mode, c.Namespace))
		}
		rows = append(rows, caseRows(t, c, like[key])...)
	}
	fromAudit(t, rows)
	got := table(t, rows)
	golden.Compare(t, verdicts, got, "go test ./test/enforcement -update")
}

// caseRows are a case's objects, created in each of the namespaces.
func caseRows(t *testing.T, c corpus.Case, namespaces []string) []row {
	t.Helper()
	templates, err := c.Templates()
	if err != nil {
		t.Fatal(err)
	}
	var rows []row
	for _, object := range c.Objects {
		kind, _ := object["kind"].(string)
		if resources[kind] == "" {
			continue
		}
		tmpl := templates[0]
		templates = templates[1:]
		written, made := row{of: c.Name, object: kind + " " + tmpl.Name}, row{of: c.Name, object: kind + " " + tmpl.Name + ", its pod"}
		for _, ns := range namespaces {
			if kind != "Pod" {
				written.verdicts = append(written.verdicts, create(t, ns, object))
			}
			made.verdicts = append(made.verdicts, create(t, ns, tmpl.Pod))
		}
		if kind == "Pod" {
			made.object = written.object
		} else {
			rows = append(rows, written)
		}
		rows = append(rows, made)
	}
	return rows
}

// fromAudit completes the verdicts with what only the audit log says, and holds against it what the others say: in
// all three namespaces the same objects fail the same.
func fromAudit(t *testing.T, rows []row) {
	t.Helper()
	log := audited(t)
	for _, r := range rows {
		first := &r.verdicts[0]
		for i := range r.verdicts {
			v := &r.verdicts[i]
			said := failures(t, log[v.id])
			if len(said) > 1 {
				t.Errorf("%s %s: it fails both policies: %q", r.of, r.object, said)
			}
			if len(said) > 0 && v.what == "allowed" {
				v.what, v.said = "audited", said[0]
			}
			if strings.Join(said, "") != v.said || v.said != first.said {
				t.Errorf("%s %s in %s: the audit log says %q, the answer %q, and in %s %q", r.of, r.object, modes[i], said, v.said, modes[0], first.said)
			}
		}
	}
}

func table(t *testing.T, rows []row) string {
	t.Helper()
	var out strings.Builder
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "case\tobject\taudit\twarn\tdeny\twhat is said")
	for _, r := range rows {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", r.of, r.object, r.verdicts[0].what, r.verdicts[1].what, r.verdicts[2].what, r.verdicts[0].said)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(out.String(), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}
