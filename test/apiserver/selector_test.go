package apiserver_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/test/corpus"
	"github.com/outrider-dev/outrider/test/endpoint"
)

// matchConditions is the first version of Kubernetes for which the chart writes them.
const matchConditions = "1.30"

// TestWithoutMatchConditions has the webhook configuration that the chart writes for the version before them: pods are
// sent wherever the selectors let them, and the corpus' come out as their goldens, which for those that did not ask is as
// they were.
func TestWithoutMatchConditions(t *testing.T) {
	server, c := ownServer(t)
	address := endpoint.FreeFor(t)
	installWebhookFor(t, c, address, "1.29.0")
	ctl := launch(t, "--kubeconfig="+server.Kubeconfig(), "--webhook-bind-address="+address)
	t.Cleanup(ctl.stop)
	cases, err := corpus.Load()
	if err != nil {
		t.Fatal(err)
	}
	sent, unasked, asked := 0.0, 0, 0
	for _, tc := range cases {
		if first := since[tc.Name]; first != "" && server.Before(first) {
			continue
		}
		templates, err := tc.Templates()
		if err != nil {
			t.Fatal(err)
		}
		ns := namespaceLike(t, c, tc.Namespace)
		goldens := goldenPods(t, tc.Name, tc.Injected)
		for i, tmpl := range templates {
			before := ctl.calls(t)
			_, want := dryRunIn(t, server, metav1.NamespaceSystem, goldens[i])
			dryRunIn(t, server, metav1.NamespaceSystem, tmpl.Pod)
			dryRunIn(t, server, releaseNamespace, tmpl.Pod)
			if got := ctl.calls(t) - before; got != 0 {
				t.Errorf("%s: %v calls for pods of excluded namespaces", tc.Name, got)
			}
			warned, got := dryRunIn(t, server, ns, tmpl.Pod)
			want.Namespace = ns
			if diff := cmp.Diff(text(t, want), text(t, got)); diff != "" {
				t.Errorf("%s: the stored pod differs from the golden (-golden +stored):\n%s", tc.Name, diff)
			}
			sent += ctl.calls(t) - before
			if len(sidecars.NewPlan(sidecars.Input{Pod: tmpl.Pod, Namespace: tc.Namespace, NativeSidecars: true}, sidecars.Builtin()).Decisions) > 0 {
				asked++
				continue
			}
			unasked++
			if len(warned) > 0 {
				t.Errorf("%s: whoever did not ask is warned: %q", tc.Name, warned)
			}
		}
	}
	if unasked == 0 || asked == 0 || sent < float64(asked+unasked) {
		t.Errorf("%v calls for %d pods that asked and %d that did not, want one each", sent, asked, unasked)
	}
}
