package kube

import (
	"strings"
	"testing"
)

func TestEveryAddressIsOwn(t *testing.T) {
	s := shape{Nodes: maxNodes, APIServers: maxAPIServers}
	seen := map[string]bool{}
	own := func(what ...string) {
		for _, w := range what {
			if seen[w] {
				t.Errorf("%s is given twice", w)
			}
			seen[w] = true
		}
	}
	for _, n := range s.nodes() {
		own(n.name(), n.address(), n.podRange())
	}
	for _, a := range s.apiServers()[1:] {
		own(a.name(), a.address())
	}
	for _, c := range s.cables() {
		own(c.link)
		if len(c.link) > 15 {
			t.Errorf("the kernel takes no interface name as long as %s", c.link)
		}
	}
}

func TestOptionsShape(t *testing.T) {
	for _, tc := range []struct {
		options Options
		want    shape
	}{
		{Options{}, shape{1, 1}},
		{Options{Nodes: 3, APIServers: 2}, shape{3, 2}},
	} {
		if got, err := tc.options.shape(); err != nil || got != tc.want {
			t.Errorf("%+v.shape() = %+v, %v; want %+v", tc.options, got, err, tc.want)
		}
	}
	for _, o := range []Options{{Nodes: maxNodes + 1}, {APIServers: maxAPIServers + 1}} {
		if s, err := o.shape(); err == nil {
			t.Errorf("%+v.shape() = %+v, want an error", o, s)
		}
	}
}

func TestParseNode(t *testing.T) {
	for _, number := range []string{"", "0", "10", "-1", "two"} {
		if n, err := parseNode(number); err == nil {
			t.Errorf("parseNode(%q) = %d, want an error", number, n)
		}
	}
	if n, err := parseNode("3"); err != nil || n.name() != "node3" {
		t.Errorf("parseNode(3) = %s, %v", n.name(), err)
	}
}

// One node and one API server have the names, addresses and flags that every cluster had before there could be more.
func TestTheFirstNodeIsTheMachine(t *testing.T) {
	l := testLayout(t)
	all, base := l.processes(shape{1, 1}, map[string]string{})
	var names []string
	for _, p := range all {
		names = append(names, p.name)
		if p.joined != nil {
			t.Errorf("%s has a network of its own", p.name)
		}
	}
	if got, want := strings.Join(names, " "), "etcd kube-apiserver node1 kube-controller-manager kube-scheduler kube-proxy"; got != want || base != 3 {
		t.Errorf("processes = %s, %d of them first; want %s", got, base, want)
	}
	if n := node(1); n.layout(l) != l || n.cgroup() != "" || n.address() != nodeAddress {
		t.Errorf("node 1 is at %s, with the files %v and the cgroup %q", n.address(), n.layout(l), n.cgroup())
	}
}
