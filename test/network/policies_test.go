//go:build linux

package network_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	netv1 "k8s.io/api/networking/v1"

	"github.com/outrider-dev/outrider/test/cluster/build"
	"github.com/outrider-dev/outrider/test/cluster/kube"
	"github.com/outrider-dev/outrider/test/poll"
)

const (
	nodeAddress = "10.240.0.1"
	podRange    = "10.244.0.0/16"
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
	// A network of its own has no way to the sources.
	if _, err := build.All(t.Context(), "etcd", "kube-apiserver", enforcer); err != nil {
		t.Fatal(err)
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

// port is what pods of a kind serve, and who may reach it. Their own node always may: the kubelet's probes come from there.
type port struct {
	kind   string
	number int
	from   []string
}

// members are the release's pods; a pod with its labels alone is one. Anybody is these and all others, on whichever node.
var (
	members = []string{"webhook", "controller", "prometheus", "alertmanager", "kube-state-metrics", "member"}
	anybody = append([]string{"outsider", "elsewhere", "shop", "node1", "node2", "node3"}, members...)
)

// release are the ports of the release's pods. API servers, whose addresses no selector knows, are elsewhere.
var release = []port{
	{"webhook", 10250, anybody},
	{"webhook", 8080, []string{"prometheus"}},
	{"controller", 8080, []string{"prometheus"}},
	{"prometheus", 9090, members},
	{"alertmanager", 9093, members},
	{"alertmanager", 9094, []string{"alertmanager"}},
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

// table tries every port on every node from everywhere until all is as it should be: the policies take a moment to arrive.
func (w *world) table(t *testing.T, what string, ports []port) {
	t.Helper()
	var let, refused tally
	poll.Until(t, patience, 200*time.Millisecond, func() string {
		let, refused = tally{}, tally{}
		var wrong bytes.Buffer
		for i, reached := range w.everywhere(t, ports) {
			from := w.networks[i]
			for _, p := range ports {
				for _, to := range w.of(p.kind) {
					own := from.kind == to.node || from.address == to.address
					want := own || slices.Contains(p.from, from.kind)
					if want {
						let.add(from, to)
					} else {
						refused.add(from, to)
					}
					if reached[to.port(p.number)] != want {
						fmt.Fprintf(&wrong, "%s on %s reaches port %d of %s on %s: %t, want %t\n", from.kind, from.node, p.number, p.kind, to.node, !want, want)
					}
				}
			}
		}
		return wrong.String()
	})
	t.Logf("figure: NetworkPolicies on %d nodes, %s: %d connections let through (%d from one node to another), %d refused (%d), each as it should be",
		len(w.nodes), what, let.all, let.between, refused.all, refused.between)
}

// tally counts connections, and those from one node to another.
type tally struct{ all, between int }

func (n *tally) add(from, to network) {
	n.all++
	if from.node != to.node {
		n.between++
	}
}

// of are the pods of a kind.
func (w *world) of(kind string) []network {
	return slices.DeleteFunc(slices.Clone(w.networks), func(n network) bool { return n.kind != kind })
}

// everywhere tries the ports from every network, and says what each of them reached.
func (w *world) everywhere(t *testing.T, ports []port) []map[string]bool {
	t.Helper()
	var addresses []string
	for _, p := range ports {
		for _, to := range w.of(p.kind) {
			addresses = append(addresses, to.port(p.number))
		}
	}
	found, errs := make([]map[string]bool, len(w.networks)), make([]error, len(w.networks))
	var all sync.WaitGroup
	few := make(chan struct{}, 8)
	for i, from := range w.networks {
		all.Go(func() {
			few <- struct{}{}
			found[i], errs[i] = from.reaches(t.Context(), addresses)
			<-few
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	return found
}

// port is the address of one of its ports.
func (n network) port(number int) string { return net.JoinHostPort(n.address, strconv.Itoa(number)) }
