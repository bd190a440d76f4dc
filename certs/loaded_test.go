package certs

import (
	"crypto/x509"
	"strings"
	"testing"
	"time"

	"github.com/cert-manager/cert-manager/pkg/util/pki"
	corev1 "k8s.io/api/core/v1"
)

// pair is what a Secret holds of a certificate that this CA signed.
func pair(t *testing.T, a *authority, now time.Time) map[string][]byte {
	t.Helper()
	leaf := leafOf(t, a, now)
	cert, err := pki.EncodeX509(leaf.Leaf)
	if err != nil {
		t.Fatal(err)
	}
	key, err := pki.EncodePKCS8PrivateKey(leaf.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{corev1.TLSCertKey: cert, corev1.TLSPrivateKeyKey: key}
}

func TestReadServingSaysWhatIsWrong(t *testing.T) {
	a := mustAuthority(t)
	good, other := pair(t, a, start), pair(t, a, start)
	crossed := map[string][]byte{corev1.TLSCertKey: good[corev1.TLSCertKey], corev1.TLSPrivateKeyKey: other[corev1.TLSPrivateKeyKey]}
	for name, c := range map[string]struct {
		data map[string][]byte
		dns  string
		at   time.Time
		want string
	}{
		"good":            {good, testName, start, ""},
		"empty":           {nil, testName, start, "it has no tls.crt"},
		"no key":          {map[string][]byte{corev1.TLSCertKey: {1}}, testName, start, "it has no tls.key"},
		"another's key":   {crossed, testName, start, "are not a certificate and its key"},
		"another name":    {good, "x.y.svc", start, "the API server asks for x.y.svc"},
		"not yet":         {good, testName, start.Add(-2 * time.Hour), "is not valid before 2025-12-31T23:00:00Z"},
		"expired":         {good, testName, start.Add(24 * time.Hour), "expired at 2026-01-02T00:00:00Z: renew it"},
		"almost, is good": {good, testName, start.Add(23 * time.Hour), ""},
	} {
		_, err := readServing(c.data, c.dns, c.at)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	leaf := leafOf(t, a, start).Leaf
	if err := expiring(leaf, start.Add(19*time.Hour)); err != nil {
		t.Errorf("with five hours left of a day: %v", err)
	}
	if err := expiring(leaf, start.Add(20*time.Hour)); err == nil || !strings.Contains(err.Error(), "about to expire, at 2026-01-02T00:00:00Z: renew it") {
		t.Errorf("with four hours left of a day: %v", err)
	}
}

// A certificate is served as soon as every API server trusts it, and no sooner, as long as there is another.
func TestAdopt(t *testing.T) {
	old, next := mustAuthority(t), mustAuthority(t)
	now := start.Add(time.Hour)
	for name, c := range map[string]struct {
		serving *authority
		found   *authority
		bundles []map[*authority]time.Duration // how long ago
		want    time.Duration
	}{
		"the first":                   {nil, next, nil, 0},
		"by the same authority":       {old, old, []map[*authority]time.Duration{{old: time.Hour}}, 0},
		"not trusted":                 {old, next, []map[*authority]time.Duration{{old: time.Hour}}, recheck},
		"trusted a minute ago":        {old, next, []map[*authority]time.Duration{{old: time.Hour, next: time.Minute}}, 4 * time.Minute},
		"trusted by one since lately": {old, next, []map[*authority]time.Duration{{old: time.Hour, next: time.Hour}, {old: time.Hour, next: time.Minute}}, 4 * time.Minute},
		"settled":                     {old, next, []map[*authority]time.Duration{{old: time.Hour, next: 5 * time.Minute}}, 0},
		"the old one is not trusted":  {old, next, []map[*authority]time.Duration{{next: 0}}, 0},
		"neither is: nothing to gain": {old, next, []map[*authority]time.Duration{{}}, recheck},
	} {
		l := newLoaded(Options{Namespace: "outrider", Service: "outrider-webhook", Settle: 5 * time.Minute}, nil)
		for _, ago := range []time.Duration{time.Hour, 5 * time.Minute, time.Minute, 0} {
			var bundles [][]*x509.Certificate
			for _, b := range c.bundles {
				var certs []*x509.Certificate
				for a, since := range b {
					if since >= ago {
						certs = append(certs, a.cert)
					}
				}
				bundles = append(bundles, certs)
			}
			l.trust.see(configuration(t, bundles...), testService, now.Add(-ago))
		}
		if c.serving != nil {
			l.serving.Store(leafOf(t, c.serving, start))
		}
		if got := l.adopt(leafOf(t, c.found, start), now); got != c.want {
			t.Errorf("%s: wait %s, want %s", name, got, c.want)
		}
	}
}

// What a caBundle holds beside the Secret's ca.crt stays for the life of a certificate after it was first seen.
func TestTrusteeKeepsOthersForAWhile(t *testing.T) {
	own, other := mustAuthority(t).cert, mustAuthority(t)
	now := start
	k := &caBundleSyncer{Options: Options{ServingLife: 24 * time.Hour}, now: func() time.Time { return now }}
	present := []*x509.Certificate{own, other.cert, leafOf(t, other, start).Leaf}
	for _, c := range []struct {
		after time.Duration
		want  int
		again time.Duration
	}{{0, 2, 24 * time.Hour}, {23 * time.Hour, 2, time.Hour}, {24 * time.Hour, 1, 0}} {
		now = start.Add(c.after)
		trusted, again := k.keepOthers([]*x509.Certificate{own}, present)
		if len(trusted) != c.want || again != c.again || !trusted[0].Equal(own) {
			t.Errorf("after %s: %d trusted, look again in %s; want %d, %s", c.after, len(trusted), again, c.want, c.again)
		}
	}
}
