package certs

import (
	"bytes"
	"crypto/x509"
	"maps"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
)

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func testAuthority() authority {
	return authority{dnsName: "outrider-webhook.outrider.svc", caLife: 90 * 24 * time.Hour, servingLife: 9 * 24 * time.Hour}
}

// parsed reads everything that the Secret holds.
func parsed(data map[string][]byte) (material, error) {
	m, err := parseMaterial(data)
	if err != nil {
		return m, err
	}
	m.serving, err = parseServing(data)
	return m, err
}

func next(t *testing.T, a authority, data map[string][]byte, now time.Time) (map[string][]byte, time.Time) {
	t.Helper()
	data, again, err := a.next(data, now)
	if err != nil {
		t.Fatal(err)
	}
	m, err := parsed(data)
	if err != nil {
		t.Fatalf("what was made cannot be read: %v", err)
	}
	if err := verify(m.serving.Leaf, m.trusted[:1], a.dnsName, now); err != nil {
		t.Fatalf("the serving certificate is not trusted: %v", err)
	}
	if !again.After(now) {
		t.Fatalf("look again at %v, which is not after %v", again, now)
	}
	return data, again
}

func TestNextKeepsWhatIsGood(t *testing.T) {
	a := testAuthority()
	data, again := next(t, a, nil, start)
	later, _ := next(t, a, data, again.Add(-time.Second))
	if !maps.EqualFunc(data, later, bytes.Equal) {
		t.Error("good certificates were replaced")
	}
}

func TestNextMakesBrokenContentAnew(t *testing.T) {
	a := testAuthority()
	good, _ := next(t, a, nil, start)
	other, _ := next(t, a, nil, start)
	for name, breakIt := range map[string]func(map[string][]byte){
		"no serving certificate": func(d map[string][]byte) { delete(d, servingCert) },
		"not PEM":                func(d map[string][]byte) { d[servingKey] = []byte("x") },
		"no authority":           func(d map[string][]byte) { d[authorityCert] = nil },
		"another authority":      func(d map[string][]byte) { d[authorityCert] = other[authorityCert] },
		"another serving pair": func(d map[string][]byte) {
			d[servingCert], d[servingKey] = other[servingCert], other[servingKey]
		},
		"another key": func(d map[string][]byte) { d[servingKey] = other[servingKey] },
	} {
		t.Run(name, func(t *testing.T) {
			broken := maps.Clone(good)
			breakIt(broken)
			healed, _ := next(t, a, broken, start)
			if maps.EqualFunc(broken, healed, bytes.Equal) {
				t.Error("broken content was kept")
			}
		})
	}
}

func TestNextRenewsAndKeepsTheOldAuthorityTrusted(t *testing.T) {
	a := testAuthority()
	data, now := next(t, a, nil, start)
	authorities := map[string]bool{}
	for range 60 {
		before, err := parsed(data)
		if err != nil {
			t.Fatal(err)
		}
		authorities[before.trusted[0].SerialNumber.String()] = true
		data, now = next(t, a, data, now.Add(time.Second))
		after, err := parsed(data)
		if err != nil {
			t.Fatal(err)
		}
		if err := verify(before.serving.Leaf, after.trusted, a.dnsName, now.Add(-time.Hour)); err != nil && before.serving.Leaf.NotAfter.After(now) {
			t.Fatalf("a replica that still serves the last certificate is not trusted: %v", err)
		}
		if len(after.trusted) > 2 {
			t.Fatalf("%d authorities are trusted; expired ones must go", len(after.trusted))
		}
	}
	if len(authorities) < 3 {
		t.Errorf("%d authorities in %v, want some renewals", len(authorities), now.Sub(start))
	}
}

func TestNextFollowsTheServiceName(t *testing.T) {
	a := testAuthority()
	data, _ := next(t, a, nil, start)
	a.dnsName = "renamed.outrider.svc"
	next(t, a, data, start)
}

func TestTrusts(t *testing.T) {
	a := testAuthority()
	data, _ := next(t, a, nil, start)
	foreign, _ := next(t, a, nil, start)
	m, err := parsed(data)
	if err != nil {
		t.Fatal(err)
	}
	config := func(bundles ...[]byte) *admissionv1.MutatingWebhookConfiguration {
		c := &admissionv1.MutatingWebhookConfiguration{}
		for _, b := range bundles {
			c.Webhooks = append(c.Webhooks, admissionv1.MutatingWebhook{Name: "w", ClientConfig: admissionv1.WebhookClientConfig{CABundle: b}})
		}
		return c
	}
	ours, theirs := data[authorityCert], foreign[authorityCert]
	for name, tc := range map[string]struct {
		config *admissionv1.MutatingWebhookConfiguration
		want   bool
	}{
		"trusted":       {config(ours, ours), true},
		"among others":  {config(append(bytes.Clone(theirs), ours...)), true},
		"after renewal": {patched(config(theirs, theirs), ours), true},
		"no entries":    {config(), false},
		"not yet":       {config(ours, nil), false},
		"foreign":       {config(ours, theirs), false},
		"not a PEM":     {config([]byte("x")), false},
		"after a patch": {patched(config(nil, theirs), ours), true},
	} {
		t.Run(name, func(t *testing.T) {
			if err := trusts(tc.config, m.serving.Leaf, a.dnsName, start); (err == nil) != tc.want {
				t.Errorf("trusts: %v, want trusted: %v", err, tc.want)
			}
		})
	}
	if ops := trustPatch(config(ours, ours), ours, start); len(ops) != 0 {
		t.Errorf("a configuration that trusts us is patched: %v", ops)
	}
}

// TestABrokenServingPairKeepsTheAuthority holds that healing does not take the
// trust away under the replicas that still serve the last good certificate.
func TestABrokenServingPairKeepsTheAuthority(t *testing.T) {
	a := testAuthority()
	data, _ := next(t, a, nil, start)
	broken := maps.Clone(data)
	broken[servingCert] = []byte("x")
	healed, _ := next(t, a, broken, start)
	if !bytes.Equal(data[authorityCert], healed[authorityCert]) {
		t.Error("the authority was replaced")
	}
}

// TestUnionKeepsOurOldAuthorities holds what a caBundle keeps when another
// authority is written: ours that are alive, nothing of others.
func TestUnionKeepsOurOldAuthorities(t *testing.T) {
	a := testAuthority()
	old, _ := next(t, a, nil, start)
	renewed, _ := next(t, a, nil, start)
	both := append(bytes.Clone(renewed[authorityCert]), old[authorityCert]...)
	if got := union(renewed[authorityCert], old[authorityCert], start); !bytes.Equal(got, both) {
		t.Error("the old authority is gone while it is alive")
	}
	if got := union(renewed[authorityCert], both, start); !bytes.Equal(got, both) {
		t.Error("a second time changes something")
	}
	if got := union(renewed[authorityCert], old[authorityCert], start.Add(a.caLife+time.Hour)); !bytes.Equal(got, renewed[authorityCert]) {
		t.Error("an expired authority stays")
	}
	for _, foreign := range [][]byte{nil, []byte("x"), renewed[servingCert]} {
		if got := union(renewed[authorityCert], foreign, start); !bytes.Equal(got, renewed[authorityCert]) {
			t.Errorf("%.20q became trusted", foreign)
		}
	}
}

// patched does to a configuration what trustPatch asks for.
func patched(c *admissionv1.MutatingWebhookConfiguration, bundle []byte) *admissionv1.MutatingWebhookConfiguration {
	for _, op := range trustPatch(c, bundle, start) {
		for i := range c.Webhooks {
			if op.Path == "/webhooks/"+string(rune('0'+i))+"/clientConfig/caBundle" {
				c.Webhooks[i].ClientConfig.CABundle = op.Value.([]byte)
			}
		}
	}
	return c
}

func TestServingCertificateIsAServersOnly(t *testing.T) {
	data, _ := next(t, testAuthority(), nil, start)
	m, err := parsed(data)
	if err != nil {
		t.Fatal(err)
	}
	leaf := m.serving.Leaf
	if leaf.IsCA || len(leaf.ExtKeyUsage) != 1 || leaf.ExtKeyUsage[0] != x509.ExtKeyUsageServerAuth {
		t.Errorf("CA %v, usages %v", leaf.IsCA, leaf.ExtKeyUsage)
	}
}
