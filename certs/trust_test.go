package certs

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	jsonpatch "github.com/evanphx/json-patch/v5"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/types"
)

var testService = types.NamespacedName{Namespace: "outrider", Name: "outrider-webhook"}

// configuration has an entry for each bundle, named a, b, c.
func configuration(t *testing.T, bundles ...[]*x509.Certificate) *admissionv1.MutatingWebhookConfiguration {
	t.Helper()
	c := &admissionv1.MutatingWebhookConfiguration{}
	c.ResourceVersion = "7"
	for i, certs := range bundles {
		bundle, err := encodeBundle(certs)
		if err != nil {
			t.Fatal(err)
		}
		c.Webhooks = append(c.Webhooks, admissionv1.MutatingWebhook{Name: string(rune('a' + i)), ClientConfig: admissionv1.WebhookClientConfig{
			Service: &admissionv1.ServiceReference{Namespace: testService.Namespace, Name: testService.Name}, CABundle: bundle,
		}})
	}
	return c
}

func TestTrustSince(t *testing.T) {
	ours, theirs := mustAuthority(t), mustAuthority(t)
	leaf := leafOf(t, ours, start)
	our, their := []*x509.Certificate{ours.cert}, []*x509.Certificate{theirs.cert}
	both := append(slices.Clone(their), ours.cert)
	at := func(m int) time.Time { return start.Add(time.Duration(m) * time.Minute) }
	var seen trust
	for _, step := range []struct {
		name    string
		minute  int
		bundles [][]*x509.Certificate
		since   int    // minute
		refused string // the error has this
	}{
		{"no entries", 1, nil, 0, "none of its entries"},
		{"empty", 2, [][]*x509.Certificate{nil, nil}, 0, "webhook a does not trust the certificate"},
		{"one of two", 3, [][]*x509.Certificate{our, their}, 0, "webhook b does not trust the certificate"},
		{"among others", 4, [][]*x509.Certificate{our, both}, 4, ""},
		{"as before", 5, [][]*x509.Certificate{both, our}, 4, ""},
		{"taken away", 6, [][]*x509.Certificate{their, our}, 0, "webhook a"},
		{"put back", 7, [][]*x509.Certificate{our, our}, 7, ""},
	} {
		seen.see(configuration(t, step.bundles...), testService, at(step.minute))
		since, err := seen.since(leaf, testName, start)
		switch {
		case step.refused != "" && (err == nil || !strings.Contains(err.Error(), step.refused)):
			t.Errorf("%s: %v, want %q", step.name, err, step.refused)
		case step.refused == "" && (err != nil || !since.Equal(at(step.since))):
			t.Errorf("%s: since %v, %v; want minute %d", step.name, since, err, step.since)
		}
	}
	seen.see(nil, testService, at(8))
	if _, err := seen.since(leaf, testName, start); err == nil {
		t.Error("a configuration that is gone trusts")
	}
	probe := configuration(t, our, nil)
	probe.Webhooks[1].ClientConfig.Service.Name += "-probe"
	seen.see(probe, testService, at(9))
	if _, err := seen.since(leaf, testName, start); err != nil {
		t.Errorf("an entry that calls another Service decides: %v", err)
	}
	if _, err := seen.since(leaf, "another.outrider.svc", start); err == nil {
		t.Error("it is trusted under another name")
	}
}

// A replica is ready a moment after it has first seen its trust; a rotation later does not make it wait again.
func TestCheckWaitsOnce(t *testing.T) {
	old, next := mustAuthority(t), mustAuthority(t)
	var seen trust
	seen.see(configuration(t, []*x509.Certificate{old.cert}), testService, start)
	for _, c := range []struct {
		by    *authority
		after time.Duration
		ready bool
	}{{old, 0, false}, {old, lag - 1, false}, {old, lag, true}} {
		if err := seen.check(leafOf(t, c.by, start), testName, start.Add(c.after)); (err == nil) != c.ready {
			t.Errorf("after %s: %v", c.after, err)
		}
	}
	seen.see(configuration(t, []*x509.Certificate{old.cert, next.cert}), testService, start.Add(time.Hour))
	if err := seen.check(leafOf(t, next, start), testName, start.Add(time.Hour)); err != nil {
		t.Errorf("after a rotation: %v", err)
	}
}

func TestTrustPatch(t *testing.T) {
	a, b := mustAuthority(t).cert, mustAuthority(t).cert
	want := []*x509.Certificate{a, b}
	for name, c := range map[string]struct {
		config  *admissionv1.MutatingWebhookConfiguration
		changes int
	}{
		"as wanted":           {configuration(t, want, want), 0},
		"in another order":    {configuration(t, want, []*x509.Certificate{b, a}), 0},
		"one is missing":      {configuration(t, want, []*x509.Certificate{a}), 1},
		"one is too many":     {configuration(t, append(want, mustAuthority(t).cert), want), 1},
		"empty":               {configuration(t, nil, nil), 2},
		"no entries, no work": {configuration(t), 0},
	} {
		t.Run(name, func(t *testing.T) {
			raw, err := trustPatch(c.config, want)
			if err != nil {
				t.Fatal(err)
			}
			if c.changes == 0 {
				if raw != nil {
					t.Errorf("it is patched: %s", raw)
				}
				return
			}
			patch, err := jsonpatch.DecodePatch(raw)
			if err != nil || len(patch) != c.changes+1 {
				t.Fatalf("%d operations, want %d and the test of the version: %s", len(patch), c.changes, raw)
			}
			before, err := json.Marshal(c.config)
			if err != nil {
				t.Fatal(err)
			}
			after, err := patch.Apply(before)
			if err != nil {
				t.Fatal(err)
			}
			var got admissionv1.MutatingWebhookConfiguration
			if err := json.Unmarshal(after, &got); err != nil {
				t.Fatal(err)
			}
			if !trustedByAll(&got, a) || !trustedByAll(&got, b) || len(present(&got)) != 2 {
				t.Errorf("%d authorities are trusted, want two in every entry", len(present(&got)))
			}
			c.config.ResourceVersion = "8"
			if newer, err := json.Marshal(c.config); err != nil {
				t.Fatal(err)
			} else if _, err := patch.Apply(newer); err == nil {
				t.Error("it applies to a version that it was not made for")
			}
		})
	}
}

// A chain is served as it is loaded: what is between the certificate and a trusted CA counts.
func TestIntermediates(t *testing.T) {
	root := mustAuthority(t)
	middle := mustAuthority(t)
	cert, err := root.sign(&x509.Certificate{
		PublicKeyAlgorithm: x509.ECDSA, PublicKey: middle.key.Public(), Subject: middle.cert.Subject,
		IsCA: true, KeyUsage: x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	}, start, rules.caLife)
	if err != nil {
		t.Fatal(err)
	}
	leaf := leafOf(t, &authority{cert, middle.key}, start)
	if err := verify(leaf, []*x509.Certificate{root.cert}, testName, start); err == nil {
		t.Error("it is trusted without the certificate in between")
	}
	chain := &tls.Certificate{Certificate: append(leaf.Certificate, cert.Raw), Leaf: leaf.Leaf}
	if err := verify(chain, []*x509.Certificate{root.cert}, testName, start); err != nil {
		t.Errorf("the chain is not trusted: %v", err)
	}
}
