package faults_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/outrider-dev/outrider/test/promql"
)

// testAPIServerPartitioned cuts one API server off from the webhook: pods through the other one are not missed.
func testAPIServerPartitioned(t *testing.T, e *env) {
	l := e.startLoad(t, false)
	l.more(t, 20)
	replicas, _ := e.addresses(t)
	t.Cleanup(func() { e.heal(t) })
	of := func() (missed [2]int) { // of each creator, which has an API server
		for _, ns := range []string{l.annotated, l.optedIn} {
			pods, err := e.client.CoreV1().Pods(ns).List(t.Context(), metav1.ListOptions{})
			if err != nil {
				t.Fatal(err)
			}
			for i := range pods.Items {
				var creator, number int
				if n, _ := fmt.Sscanf(pods.Items[i].Name, "pod-%d-%d", &creator, &number); n == 2 && !instrumented(&pods.Items[i]) {
					missed[creator%2]++
				}
			}
		}
		return missed
	}
	second := e.server()
	l.phase(t, 40, func() {
		e.filter(t, fmt.Sprintf("chain forward { type filter hook forward priority 0; ip saddr %s ip daddr %s tcp dport %d drop; }\n"+
			"chain back { type filter hook forward priority 0; ip daddr %[1]s ip saddr %[2]s tcp sport %[3]d drop; }", second, replicas, webhookPort))
	})
	l.phase(t, 8, func() { e.heal(t) })
	e.injects(t, l)
	eventually(t, func() string { // through the second one, too
		pod := l.createBy(e.servers[1], l.annotated, fmt.Sprintf("healed-%d", time.Now().UnixNano()), map[string]string{"outrider.dev/inject": "redis"})
		if pod == nil || !instrumented(pod) {
			return "pods through the second API server get no exporter"
		}
		return ""
	})
	missed := of()
	c := l.end(t)
	say(t, "one API server of two cut off from the webhook: %d pods through it came without their exporter, %d through the other one, of %d", missed[1], missed[0], c.pods)
	if missed[0] > 0 || missed[1] == 0 && *mode == "webhook" {
		t.Errorf("%v pods missed through the two API servers, want some through the second one only", missed)
	}
}

// server is the address of the second API server.
func (e *env) server() string {
	return strings.TrimSuffix(strings.TrimPrefix(e.cluster.RESTConfigs()[1].Host, "https://"), ":6443")
}

// testCertificatesLagging replaces the authority that signs the webhook's certificate again and again, while what one API
// server reads and watches reaches it late.
func testCertificatesLagging(t *testing.T, e *env) {
	const lag, rotations = 500 * time.Millisecond, 3
	l := e.startLoad(t, true) // its connections to etcd break twice
	l.more(t, 20)
	r := e.relay(t, 2379, e.cluster.ControlPlane())
	r.Delay.Store(int64(lag))
	t.Cleanup(func() { e.heal(t) })
	e.filter(t, fmt.Sprintf(`
chain steer { type nat hook prerouting priority -150; ip saddr %[1]s tcp dport 2379 dnat to %[2]s; }
chain before { type filter hook input priority -10; ip saddr %[1]s tcp dport 2379 reject with tcp reset; }`, e.server(), r.Address()))
	for range rotations {
		e.rotate(t)
		l.more(t, 20)
	}
	if r.Served.Load() == 0 {
		t.Error("the API server does not read through the relay")
	}
	e.heal(t)
	r.HangUp()
	eventually(t, func() string {
		_, err := e.servers[1].CoreV1().Namespaces().Get(t.Context(), "outrider", metav1.GetOptions{})
		if err != nil {
			return err.Error()
		}
		return ""
	})
	c := l.end(t)
	say(t, "%d authorities replaced while one of two API servers reads and watches %s late, each way: %d of %d pods came without their exporter", rotations, lag, c.missed, c.pods)
	if c.missed > 0 {
		t.Errorf("%d pods were missed, first %s", c.missed, l.firstMissed)
	}
}

// testNodesPartitioned cuts two nodes off from each other: both API servers still reach every replica, and every node is
// reached by one copy of Prometheus or the other.
func testNodesPartitioned(t *testing.T, e *env) {
	l := e.startLoad(t, false)
	l.more(t, 20)
	var copies []*promql.Client
	for _, pods := range e.on(t, "prometheus") {
		client, err := promql.NewPod(e.cluster.RESTConfig(), "outrider", pods[0].Name+":9090")
		if err != nil {
			t.Fatal(err)
		}
		copies = append(copies, client)
	}
	t.Cleanup(func() { e.heal(t) })
	began := time.Now()
	e.filter(t, `
chain forward {
	type filter hook forward priority 0;
	ip saddr { 10.240.0.2, 10.244.1.0/24 } ip daddr { 10.240.0.3, 10.244.2.0/24 } drop;
	ip saddr { 10.240.0.3, 10.244.2.0/24 } ip daddr { 10.240.0.2, 10.244.1.0/24 } drop;
}`)
	l.rollOut(t)
	during(40*time.Second, func() {})
	var worst time.Duration
	for _, node := range e.cluster.Nodes() {
		best := time.Hour
		for _, c := range copies {
			best = min(best, e.longest(t, c, node, began))
		}
		worst = max(worst, best)
	}
	e.heal(t)
	c := l.end(t)
	say(t, "two nodes of three cut off from each other for 40s: %d of %d pods came without their exporter; longest time for which neither copy of Prometheus reached a node: %s at an interval of 5s",
		c.missed, c.pods, worst.Round(100*time.Millisecond))
	if c.missed > 0 {
		t.Errorf("%d pods were missed, first %s", c.missed, l.firstMissed)
	}
	if worst > 15*time.Second && len(copies) == 2 {
		t.Errorf("neither copy of Prometheus reached a node for %s", worst)
	}
}
