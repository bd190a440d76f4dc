package certs

import (
	"crypto/tls"
	"crypto/x509"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// cluster is a model of everything that a rotation depends on: a Secret, a caBundle, API servers that hear of it late,
// replicas that hear of the Secret late, clocks that differ, and leaders that die between any two writes.
type cluster struct {
	t        *testing.T
	chance   *rand.Rand
	now      time.Time
	secret   state
	bundle   []*x509.Certificate
	history  []bundleAt
	nodes    []*node
	observed observedTrust // of the leader, gone with it
	leader   *node
	signed   map[string]bool // fingerprints of the CAs that have signed
}

type bundleAt struct {
	at     time.Time
	bundle []*x509.Certificate
}

type node struct {
	clock   time.Duration // how far its clock is ahead
	serving *tls.Certificate
	used    *authority
}

// The model of a year, five minutes a step while something is under way and two hours otherwise: whatever a replica serves is trusted by every API server, whose view is up to
// the settle time old, at every moment.
func TestNothingIsServedThatAnAPIServerRefuses(t *testing.T) {
	for seed := range uint64(2) {
		chance := rand.New(rand.NewPCG(seed, 7))
		c := &cluster{t: t, chance: chance, now: start, signed: map[string]bool{}}
		for range 3 {
			c.nodes = append(c.nodes, &node{clock: time.Duration(chance.Int64N(int64(skew))) - skew/2})
		}
		c.leader = c.nodes[0]
		for range 3 { // until the first CA is trusted, no replica is ready
			c.lead(false)
			c.now = c.now.Add(rules.settle)
		}
		for c.now.Before(start.AddDate(1, 0, 0)) {
			c.now = c.now.Add(c.pace())
			c.turn()
			c.check(seed)
		}
		if len(c.signed) < 4 {
			t.Errorf("seed %d: %d authorities in a year, want some rotations", seed, len(c.signed))
		}
	}
}

func (c *cluster) pace() time.Duration {
	if c.secret.next != nil || c.now.Sub(c.history[len(c.history)-1].at) < 4*rules.settle {
		return rules.settle
	}
	return 2 * time.Hour
}

func (c *cluster) turn() {
	if c.chance.IntN(2000) == 0 {
		c.secret = state{} // someone deletes it
	}
	if c.chance.IntN(500) == 0 { // the leader dies; another one knows what it serves by
		c.leader, c.observed = c.nodes[c.chance.IntN(len(c.nodes))], observedTrust{}
	}
	if c.chance.IntN(3) > 0 {
		c.lead(c.chance.IntN(20) == 0)
	}
	for _, n := range c.nodes {
		c.sign(n, c.chance.IntN(4) > 0)
	}
}

// lead is what the keeper does; cut short, the leader dies between the two writes.
func (c *cluster) lead(cut bool) {
	now := c.now.Add(c.leader.clock)
	c.observed.present, c.observed.used = c.bundle, c.leader.used
	if next := c.secret.next; next == nil || !slices.ContainsFunc(c.bundle, next.cert.Equal) {
		c.observed = observedTrust{present: c.bundle, used: c.leader.used}
	} else if c.observed.next == nil || !c.observed.next.Equal(next.cert) {
		c.observed.next, c.observed.spreadSince, c.observed.provenSince = next.cert, now, now
	}
	c.observed.proven = c.observed.next != nil && c.chance.IntN(3) > 0
	var err error
	if c.secret, _, err = rules.step(c.secret, c.observed, now); err != nil {
		c.t.Fatal(err)
	}
	if cut {
		c.observed = observedTrust{}
		return
	}
	if !sameSet(c.bundle, c.secret.trusted()) {
		c.bundle = c.secret.trusted()
		c.history = append(c.history, bundleAt{c.now, c.bundle})
	}
}

// sign is what a replica does: it renews when its clock says so, or when it has heard that another CA signs, from
// the Secret and the caBundle themselves.
func (c *cluster) sign(n *node, heard bool) {
	now := c.now.Add(n.clock)
	due := n.serving == nil || !now.Before(renewal(n.serving.Leaf)) || heard && !c.secret.signing.is(n.used)
	if !due {
		return
	}
	for _, a := range []*authority{c.secret.signing, n.used} {
		if a.usable(now) == nil && slices.ContainsFunc(c.bundle, a.cert.Equal) {
			n.serving, n.used = leafOf(c.t, a, now), a
			c.signed[fingerprint(a.cert)] = true
			return
		}
	}
}

func (c *cluster) check(seed uint64) {
	for i, n := range c.nodes {
		if n.serving == nil {
			continue
		}
		for j := len(c.history) - 1; j >= 0; j-- {
			if err := verify(n.serving, c.history[j].bundle, testName, c.now); err != nil {
				c.t.Fatalf("seed %d, %v: replica %d serves what an API server with the caBundle of %v refuses: %v",
					seed, c.now, i, c.history[j].at, err)
			}
			if c.now.Sub(c.history[j].at) >= rules.settle {
				break // every API server has heard of this one
			}
		}
	}
}
