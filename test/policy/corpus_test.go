package policy

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/test/corpus"
	"github.com/outrider-dev/outrider/test/golden"
)

// atLeast is the share of the corpus' injecting cases that the policies decide.
const atLeast = 0.70

// tally is how much of something the policies decide.
type tally struct{ decided, all int }

func (n *tally) add(decided bool) {
	n.all++
	if decided {
		n.decided++
	}
}

func (n tally) String() string { return fmt.Sprintf("%d of %d", n.decided, n.all) }

// TestCorpus admits the pods of every case where there is no webhook. Each comes out as the webhook's golden, byte for byte, or as it
// was: then it stands in a golden of its own with the reason. Both have the label by which coverage watches, besides.
func TestCorpus(t *testing.T) {
	c := server(t)
	active(t)
	cases, err := corpus.Load()
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	var injecting, discovering, whole tally
	for _, tc := range cases {
		ns := namespaceLike(t, c, tc.Namespace)
		templates, err := tc.Templates()
		if err != nil {
			t.Fatal(err)
		}
		goldens, err := tc.Golden()
		if err != nil {
			t.Fatal(err)
		}
		injects, all := false, true
		for i, tmpl := range templates {
			got, warned := dryRun(t, ns, tmpl.Pod)
			in := sidecars.Input{Pod: tmpl.Pod, Namespace: tc.Namespace}
			if asked := sidecars.Asked(in, sidecars.Builtin()) && tmpl.Pod.Annotations[sidecars.InjectKey] != sidecars.InjectNothing; asked && got.Labels[sidecars.RequestedKey] == "" && tmpl.Pod.Annotations[sidecars.StatusKey] == "" {
				t.Errorf("%s, %s: it asks and has no label by which coverage watches", tc.Name, tmpl.Name)
			}
			word := got.Labels[sidecars.RequestedKey]
			dropRequested(got)
			// Where no policy looks, for the API server's own defaults.
			plain, _ := dryRun(t, metav1.NamespaceSystem, tmpl.Pod)
			want, _ := dryRun(t, metav1.NamespaceSystem, goldens[i].Pod)
			decided := asJSON(t, got) == asJSON(t, want)
			if !decided && asJSON(t, got) != asJSON(t, plain) {
				t.Errorf("%s, %s: it is neither the golden nor as it was (-golden +stored):\n%s", tc.Name, tmpl.Name, cmp.Diff(asJSON(t, want), asJSON(t, got)))
			}
			plan := sidecars.NewPlan(in, sidecars.Builtin())
			switch {
			case plan.Injects():
				injecting.add(decided)
				injects, all = true, all && decided
			case strings.Contains(want.Annotations[sidecars.StatusKey], `"outcome":"discovered"`):
				discovering.add(decided)
			}
			if said := reasonOf(warned); !decided && asJSON(t, want) != asJSON(t, plain) {
				line := fmt.Sprintf("%s, %s: %s", tc.Name, tmpl.Name, word)
				if said == "" {
					line += ", without a warning"
				} else if text := fmt.Sprintf("the pod is left without an exporter (%s): %s", word, sidecars.Left(word, true)); said != text {
					t.Errorf("%s, %s: the warning is %q, want %q", tc.Name, tmpl.Name, said, text)
				}
				left = append(left, line)
			}
			if asked := word != "" && word != sidecars.RequestedByPolicy; decided == asked && word != "" && asJSON(t, want) != asJSON(t, plain) {
				t.Errorf("%s, %s: decided %t, and the label says %q", tc.Name, tmpl.Name, decided, word)
			}
		}
		if injects {
			whole.add(all)
		}
	}
	t.Logf("figure: the policies decide %s cases that inject (%s of their pods), and %s pods that are only discovered", whole, injecting, discovering)
	if float64(whole.decided) < atLeast*float64(whole.all) {
		t.Errorf("the policies decide %s cases that inject, want at least %.0f %%", whole, 100*atLeast)
	}
	golden.Compare(t, "testdata/left.golden", strings.Join(left, "\n")+"\n", "go test ./test/policy -update")
}

// reasonOf is what the warning about a pod that was left says, if there is one.
func reasonOf(warned []string) string {
	for _, w := range warned {
		if rest, ok := strings.CutPrefix(w, "Validation failed for ValidatingAdmissionPolicy 'outrider-left-"); ok {
			_, said, _ := strings.Cut(rest, "outrider: ")
			return said
		}
	}
	return ""
}
