package certs

import (
	"crypto/tls"
	"crypto/x509"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/cert-manager/cert-manager/pkg/util/pki"
)

const testName = "outrider-webhook.outrider.svc"

var (
	start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	rules = rotation{caLife: 90 * 24 * time.Hour, servingLife: 24 * time.Hour, settle: 5 * time.Minute, patience: 5 * time.Second}
)

// step takes one, and hands the state on as the next leader would read it.
func step(t *testing.T, s state, seen observedTrust, now time.Time) state {
	t.Helper()
	s, again, err := rules.step(s, seen, now)
	if err != nil {
		t.Fatal(err)
	}
	if !again.After(now) {
		t.Fatalf("look again at %v, which is not after %v", again, now)
	}
	data, err := s.encode()
	if err != nil {
		t.Fatal(err)
	}
	read, err := readState(data)
	if err != nil {
		t.Fatalf("what was written cannot be read: %v", err)
	}
	return read
}

// first is the state of a new installation, and spreading the one in which its CA is due.
func first(t *testing.T) state { return step(t, state{}, observedTrust{}, start) }

func spreadingState(t *testing.T) (state, time.Time) {
	t.Helper()
	s := first(t)
	due := renewal(s.signing.cert)
	return step(t, s, observedTrust{present: s.trusted(), used: s.signing}, due), due
}

// of is what a leader sees for whom everything is as the state says.
func of(s state, spread, proven time.Time) observedTrust {
	seen := observedTrust{present: s.trusted(), used: s.signing, spreadSince: spread, provenSince: proven, proven: !proven.IsZero()}
	if s.next != nil {
		seen.next = s.next.cert
	}
	return seen
}

func leafOf(t *testing.T, a *authority, now time.Time) *tls.Certificate {
	t.Helper()
	key, err := pki.GenerateECPrivateKey(pki.ECCurve256)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := a.sign(&x509.Certificate{
		PublicKeyAlgorithm: x509.ECDSA, PublicKey: key.Public(), DNSNames: []string{testName},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, now, rules.servingLife)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: key, Leaf: leaf}
}

func TestFirstAuthoritySignsAtOnce(t *testing.T) {
	s := first(t)
	if s.phase() != steady || s.signing == nil || len(s.trusted()) != 1 {
		t.Fatalf("phase %s, %d trusted", s.phase(), len(s.trusted()))
	}
	later := step(t, s, of(s, time.Time{}, time.Time{}), renewal(s.signing.cert).Add(-time.Second))
	if later.phase() != steady || !later.signing.is(s.signing) {
		t.Error("a good authority was replaced")
	}
}

func TestSpreadingTrustsAndDoesNotSign(t *testing.T) {
	s, due := spreadingState(t)
	if s.phase() != spreading || len(s.trusted()) != 2 {
		t.Fatalf("phase %s, %d trusted", s.phase(), len(s.trusted()))
	}
	for name, seen := range map[string]observedTrust{
		"not spread":           of(s, time.Time{}, time.Time{}),
		"spread and unproven":  of(s, due, time.Time{}),
		"proven a moment ago":  of(s, due, due.Add(2*time.Minute)),
		"another one's proofs": {present: s.trusted(), used: s.signing, next: s.signing.cert, spreadSince: due, provenSince: due, proven: true},
		"not proven any more":  {present: s.trusted(), used: s.signing, next: s.next.cert, spreadSince: due, provenSince: due},
	} {
		got := step(t, s, seen, due.Add(6*time.Minute))
		if !got.signing.is(s.signing) || !got.next.is(s.next) {
			t.Errorf("%s: it signs", name)
		}
	}
}

func TestSettledAuthoritySigns(t *testing.T) {
	s, due := spreadingState(t)
	got := step(t, s, of(s, due, due), due.Add(rules.settle))
	if !got.signing.is(s.next) || got.next != nil || got.phase() != retiring {
		t.Fatalf("phase %s", got.phase())
	}
	if !slices.ContainsFunc(got.trusted(), s.signing.cert.Equal) {
		t.Error("the old authority is not trusted while what it signed is served")
	}
}

func TestOldAuthorityLeavesAfterTheLastThatItSigned(t *testing.T) {
	s, due := spreadingState(t)
	at := due.Add(rules.settle)
	last := leafOf(t, s.signing, at.Add(tolerance(rules.servingLife))) // by a replica whose clock is ahead
	s = step(t, s, of(s, due, due), at)
	old := s.retired[0]
	if old.at.Before(last.Leaf.NotAfter) {
		t.Fatalf("it leaves at %v, before what it signed expires at %v", old.at, last.Leaf.NotAfter)
	}
	s = step(t, s, of(s, time.Time{}, time.Time{}), old.at.Add(-time.Second))
	if len(s.trusted()) != 2 {
		t.Error("it left before its time")
	}
	s = step(t, s, of(s, time.Time{}, time.Time{}), old.at)
	if s.phase() != steady || len(s.trusted()) != 1 {
		t.Errorf("phase %s, %d trusted", s.phase(), len(s.trusted()))
	}
}

// A proof that cannot be had, because the entry for it was taken away, must not end in an outage.
func TestUnprovenAuthoritySignsBeforeTheOldOneExpires(t *testing.T) {
	s, due := spreadingState(t)
	late := s.signing.cert.NotAfter.Add(-rules.servingLife)
	if got := step(t, s, of(s, due, time.Time{}), late); !got.signing.is(s.signing) {
		t.Error("it signs while there is time")
	}
	if got := step(t, s, of(s, due, time.Time{}), late.Add(time.Second)); !got.signing.is(s.next) {
		t.Error("the old one is left to expire")
	}
	if got := step(t, s, of(s, time.Time{}, time.Time{}), late.Add(time.Second)); !got.signing.is(s.signing) {
		t.Error("one signs that is in no caBundle")
	}
}

func TestLostSecretBeginsARotation(t *testing.T) {
	s := first(t)
	for name, lost := range map[string]state{"deleted": {}, "only the next one left": {next: mustAuthority(t)}} {
		got := step(t, lost, of(s, time.Time{}, time.Time{}), start.Add(time.Hour))
		if !got.signing.is(s.signing) || got.next == nil || got.phase() != spreading {
			t.Errorf("%s: phase %s; the authority that replicas serve by is not the one that signs", name, got.phase())
		}
		if len(got.retired) != 0 {
			t.Errorf("%s: %d retired", name, len(got.retired))
		}
	}
}

// When no process remembers the CA either, others may still serve what it signed.
func TestLostAuthorityIsReplacedOnceTheNewOneIsTrusted(t *testing.T) {
	old := first(t)
	now := start.Add(time.Hour)
	s := step(t, state{}, observedTrust{present: old.trusted()}, now)
	if s.signing != nil || s.next == nil || len(s.trusted()) != 2 {
		t.Fatalf("phase %s, %d trusted", s.phase(), len(s.trusted()))
	}
	if got := step(t, s, of(s, now, time.Time{}), now.Add(time.Second)); got.signing != nil {
		t.Error("it signs unproven")
	}
	if got := step(t, s, of(s, now, now), now.Add(time.Second)); !got.signing.is(s.next) {
		t.Error("it does not sign although it is proven")
	}
	if got := step(t, s, of(s, now, time.Time{}), now.Add(rules.patience)); !got.signing.is(s.next) {
		t.Error("it waits forever for a proof, and no replica serves")
	}
}

func TestAnAuthorityPutIntoTheSecretIsTrustedFirst(t *testing.T) {
	s, backup := first(t), mustAuthority(t)
	got := step(t, state{signing: backup}, of(s, time.Time{}, time.Time{}), start.Add(time.Hour))
	if !got.signing.is(s.signing) || !got.next.is(backup) {
		t.Error("it signs before anybody trusts it")
	}
	// A caBundle that someone took away says nothing about who signs.
	got = step(t, s, observedTrust{used: s.signing}, start.Add(time.Hour))
	if !got.signing.is(s.signing) || got.next != nil {
		t.Error("a wiped caBundle began a rotation")
	}
}

// What else a caBundle trusts may be what replicas of another mode serve by.
func TestStrangersStayForTheLifeOfACertificate(t *testing.T) {
	s, foreign := first(t), mustAuthority(t)
	now := start.Add(time.Hour)
	s = step(t, s, observedTrust{present: append(s.trusted(), foreign.cert, leafOf(t, foreign, now).Leaf), used: s.signing}, now)
	if len(s.trusted()) != 2 || !s.retired[0].cert.Equal(foreign.cert) {
		t.Fatalf("%d trusted, want our own and the other authority", len(s.trusted()))
	}
	at := s.retired[0].at
	for clock, want := range map[time.Time]int{at.Add(-time.Second): 2, at: 1, foreign.cert.NotAfter: 1} {
		if got := step(t, s, of(s, time.Time{}, time.Time{}), clock); len(got.retired)+1 != want && clock.Before(renewal(s.signing.cert)) {
			t.Errorf("at %v %d trusted, want %d", clock, len(got.trusted()), want)
		}
	}
	for range 2 * mostForeignCAs {
		s = step(t, s, observedTrust{present: append(s.trusted(), mustAuthority(t).cert), used: s.signing}, now)
	}
	if len(s.retired) != mostForeignCAs {
		t.Errorf("%d foreign CAs are kept, want at most %d", len(s.retired), mostForeignCAs)
	}
}

func TestClocksThatDiffer(t *testing.T) {
	s, due := spreadingState(t)
	s = step(t, s, of(s, due, due), due.Add(rules.settle))
	leaves := s.retired[0].at
	behind := step(t, s, of(s, time.Time{}, time.Time{}), due.Add(-skew))
	if behind.retired[0].at.After(leaves) {
		t.Error("a clock that is behind keeps an authority longer")
	}
	for name, at := range map[string]time.Time{"lost": {}, "from a clock far ahead": leaves.Add(10000 * time.Hour)} {
		broken := s
		broken.retired = []retired{{s.retired[0].cert, at}}
		got := step(t, broken, of(s, time.Time{}, time.Time{}), due.Add(rules.settle))
		if len(got.retired) != 1 || !got.retired[0].at.Equal(leaves) {
			t.Errorf("%s: %v, want it to leave at %v", name, got.retired, leaves)
		}
	}
	if leaf := leafOf(t, s.signing, due.Add(rules.settle)); leaf.Leaf.NotBefore.After(due.Add(rules.settle - skew)) {
		t.Error("an API server whose clock is behind refuses what was just signed")
	}
}

// Nothing outlives its CA, and what is made is due for renewal in the future, however short its life.
func TestLives(t *testing.T) {
	for _, life := range []time.Duration{4 * time.Second, time.Hour, rules.caLife} {
		a, err := newAuthority(start, life)
		if err != nil {
			t.Fatal(err)
		}
		if !renewal(a.cert).After(start) {
			t.Errorf("an authority for %s is due at once", life)
		}
		if leaf := leafOf(t, a, start).Leaf; leaf.NotAfter.After(a.cert.NotAfter) || leaf.IsCA {
			t.Errorf("authority for %s: its certificate ends at %v, CA %t", life, leaf.NotAfter, leaf.IsCA)
		}
	}
}

func TestABrokenSecretKeepsWhatIsGood(t *testing.T) {
	s, due := spreadingState(t)
	s.retire(mustAuthority(t).cert, due.Add(time.Hour))
	good, err := s.encode()
	if err != nil {
		t.Fatal(err)
	}
	for key, lost := range map[string]func(state) bool{
		signingCert: func(s state) bool { return s.signing == nil && s.next != nil },
		signingKey:  func(s state) bool { return s.signing == nil && s.next != nil },
		nextKey:     func(s state) bool { return s.signing != nil && s.next == nil },
		trustedCert: func(s state) bool { return s.signing != nil && s.next != nil && len(s.retired) == 0 },
		retireAtKey: func(s state) bool { return len(s.retired) == 1 && s.retired[0].at.IsZero() },
	} {
		broken := maps.Clone(good)
		broken[key] = []byte("x")
		if got, err := readState(broken); err == nil || !lost(got) {
			t.Errorf("%s: %v, %+v", key, err, got)
		}
	}
	crossed := maps.Clone(good)
	crossed[signingKey] = good[nextKey]
	if got, err := readState(crossed); err == nil || got.signing != nil {
		t.Errorf("another's key: %v", err)
	}
}

func mustAuthority(t *testing.T) *authority {
	t.Helper()
	a, err := newAuthority(start, rules.caLife)
	if err != nil {
		t.Fatal(err)
	}
	return a
}
