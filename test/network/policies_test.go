//go:build linux

package network_test

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	netv1 "k8s.io/api/networking/v1"

	"github.com/outrider-dev/outrider/test/cluster/kube"
	"github.com/outrider-dev/outrider/test/poll"
)

const (
	nodeAddress = "10.244.0.1"
	podRange    = "10.244.0.0/24"
	patience    = 2 * time.Minute
)

var inside = flag.Bool("inside", false, "This process has a network of its own.")

// TestPolicies runs TestInside in a network and a tree of mounts of its own.
func TestPolicies(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: this test starts an API server and network namespaces")
	}
	if err := kube.Available(); err != nil {
		t.Skip(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestInside$", "-test.v", "-inside")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	out, err := cmd.CombinedOutput()
	for line := range strings.Lines(string(out)) {
		if _, figure, ok := strings.Cut(line, "figure: "); ok {
			t.Logf("figure: %s", strings.TrimSpace(figure))
		}
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// port is what a pod serves, and who may reach it. The node always may: the kubelet's probes come from there.
type port struct {
	pod    string
	number int
	from   []string
}

// members are the release's pods; a pod with its labels alone is one. Anybody is these and all others.
var (
	members = []string{"webhook", "controller", "prometheus", "alertmanager-0", "alertmanager-1", "kube-state-metrics", "member"}
	anybody = append([]string{"outsider", "elsewhere", "shop"}, members...)
)

// release are the ports of the release's pods. API servers, whose addresses no selector knows, are elsewhere.
var release = []port{
	{"webhook", 10250, anybody},
	{"webhook", 8080, []string{"prometheus"}},
	{"controller", 8080, []string{"prometheus"}},
	{"prometheus", 9090, members},
	{"alertmanager-0", 9093, members},
	{"alertmanager-0", 9094, []string{"alertmanager-1"}},
	{"kube-state-metrics", 8080, []string{"prometheus"}},
}

// TestInside is the test itself.
func TestInside(t *testing.T) {
	if !*inside {
		t.Skip("run by TestPolicies")
	}
	w := newWorld(t)
	w.enforce(t)
	w.table(t, "the release's own policies", release)

	open := []port{{"shop", 3306, anybody}, {"shop", 9104, anybody}}
	w.table(t, "an application without policies", open)
	page := w.page(t)
	w.policy(t, page)
	w.table(t, "the page's policy for an application", []port{{"shop", 3306, anybody}, {"shop", 9104, []string{"prometheus"}}})
	w.forget(t, page)

	for _, ns := range []string{"shop", "outrider"} {
		deny := netv1.NetworkPolicy{Spec: netv1.NetworkPolicySpec{PolicyTypes: []netv1.PolicyType{netv1.PolicyTypeIngress}}}
		deny.Name, deny.Namespace = "default-deny", ns
		w.policy(t, &deny)
	}
	w.table(t, "namespaces that deny by default: the release", release)
	w.table(t, "namespaces that deny by default: an application", []port{{"shop", 3306, nil}, {"shop", 9104, nil}})
	w.policy(t, page)
	w.table(t, "the same with the page's policy", []port{{"shop", 3306, anybody}, {"shop", 9104, []string{"prometheus"}}})
}

// table tries every port from everywhere until all is as it should be: the policies take a moment to arrive.
func (w *world) table(t *testing.T, what string, ports []port) {
	t.Helper()
	var wrong bytes.Buffer
	let, refused := 0, 0
	poll.Until(t, patience, 200*time.Millisecond, func() string {
		wrong.Reset()
		let, refused = 0, 0
		for _, name := range slices.Sorted(maps.Keys(w.networks)) {
			from := w.networks[name]
			var addresses []string
			for _, p := range ports {
				addresses = append(addresses, fmt.Sprintf("%s:%d", w.networks[p.pod].address, p.number))
			}
			reached, err := from.reaches(t.Context(), addresses)
			if err != nil {
				return err.Error()
			}
			for i, p := range ports {
				want := name == "node" || name == p.pod || slices.Contains(p.from, name)
				if want {
					let++
				} else {
					refused++
				}
				if reached[addresses[i]] != want {
					fmt.Fprintf(&wrong, "%s reaches %s:%d: %t, want %t\n", name, p.pod, p.number, !want, want)
				}
			}
		}
		return wrong.String()
	})
	t.Logf("figure: NetworkPolicies, %s: %d connections let through, %d refused, each as it should be", what, let, refused)
}
