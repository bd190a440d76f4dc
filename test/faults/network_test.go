package faults_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/outrider-dev/outrider/test/relay"
)

const webhookPort = 10250

// addresses are the replicas', as a set of the packet filter's.
func (e *env) addresses(t *testing.T) (set string, all []string) {
	t.Helper()
	pods, err := e.replicas(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, pod := range pods {
		all = append(all, pod.Status.PodIP)
	}
	return "{ " + strings.Join(all, ", ") + " }", all
}

// filter puts rules into the packet filter until the test ends.
func (e *env) filter(t *testing.T, chains string) {
	t.Helper()
	if err := e.cluster.Filter(t.Context(), chains); err != nil {
		t.Error(err)
	}
}

// testNetworkLoss drops packets between the API server and the replicas' webhooks, both ways, at random: TCP
// sends them again, which takes the longer the more are lost.
func testNetworkLoss(t *testing.T, e *env) {
	l := e.startLoad(t, false)
	l.more(t, 20)
	replicas, _ := e.addresses(t)
	t.Cleanup(func() { e.heal(t) })
	var said []string
	for _, step := range []struct {
		percent int
		pods    int64
	}{{5, 100}, {30, 60}, {100, 12}} {
		c := l.phase(t, step.pods, func() {
			chance := fmt.Sprintf("numgen random mod 100 < %d", step.percent)
			if step.percent == 100 {
				chance = "" // no number is that large
			}
			e.filter(t, fmt.Sprintf(`
chain output { type filter hook output priority 0; ip daddr %[1]s tcp dport %[2]d %[3]s drop; }
chain input { type filter hook input priority 0; ip saddr %[1]s tcp sport %[2]d %[3]s drop; }`,
				replicas, webhookPort, chance))
			if step.percent == 100 {
				l.rollOut(t)
			}
		})
		said = append(said, fmt.Sprintf("%d%% lost: %d of %d missed", step.percent, c.missed, c.pods))
		if step.percent == 100 && c.missed != c.pods && *mode == "webhook" {
			t.Errorf("%+v with no packet getting through, want all missed", c)
		}
	}
	l.phase(t, 8, func() { e.filter(t, "") })
	e.injects(t, l)
	l.end(t)
	say(t, "packets between API server and webhook lost at random, both ways: %s", strings.Join(said, "; "))
}

// testNetworkDelay leads the API server's calls through a relay that holds back what passes. Up to the
// webhook's timeout no pod is missed; beyond it every one is, and none is lost.
func testNetworkDelay(t *testing.T, e *env) {
	l := e.startLoad(t, false)
	l.more(t, 20)
	replicas, all := e.addresses(t)
	r := e.relay(t, webhookPort, all...)
	t.Cleanup(func() { e.heal(t) })
	steer := fmt.Sprintf(`
chain steer { type nat hook output priority -150; meta mark != %[1]d ip daddr %[2]s tcp dport %[3]d dnat to %[4]s; }
chain before { type filter hook output priority 0; meta mark != %[1]d ip daddr %[2]s tcp dport %[3]d reject with tcp reset; }`,
		relayMark, replicas, webhookPort, r.Address())
	var said []string
	l.phase(t, 40, func() { e.filter(t, steer) }) // what breaks here is the connections from before
	for _, step := range []struct {
		delay  time.Duration
		pods   int64
		missed bool
	}{{0, 40, false}, {200 * time.Millisecond, 40, false}, {time.Second, 16, false}, {3 * time.Second, 12, true}} {
		c := l.phase(t, step.pods, func() { r.Delay.Store(int64(step.delay)) })
		said = append(said, fmt.Sprintf("%s each way: %d of %d missed", step.delay, c.missed, c.pods))
		if step.missed && c.missed != c.pods && *mode == "webhook" || !step.missed && c.missed > 0 {
			t.Errorf("%+v at a delay of %s each way", c, step.delay)
		}
	}
	if r.Served.Load() == 0 && *mode == "webhook" {
		t.Error("no call came through the relay")
	}
	l.rollOut(t)
	l.phase(t, 8, func() { e.filter(t, ""); r.HangUp() })
	e.injects(t, l)
	l.end(t)
	say(t, "calls of the webhook delayed, timeout 5s: %s; over %d connections", strings.Join(said, "; "), r.Served.Load())
}

// relayMark is on a relay's own packets, which the packet filter must not lead back to it.
const relayMark = 20309

// relay passes connections on to a port of hosts, one after the other.
func (e *env) relay(t *testing.T, port int, hosts ...string) *relay.Relay {
	t.Helper()
	var to []string
	for _, host := range hosts {
		to = append(to, fmt.Sprintf("%s:%d", host, port))
	}
	r, err := relay.Start(e.cluster.ControlPlane(), relayMark, to...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); r.HangUp() })
	return r
}
