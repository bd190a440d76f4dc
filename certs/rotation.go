package certs

import (
	"crypto/x509"
	"fmt"
	"slices"
	"time"
)

// phase says where a rotation stands.
type phase string

const (
	// steady: one CA signs, and it alone is trusted.
	steady phase = "steady"
	// spreading: a new CA is trusted, or about to be, and signs nothing.
	spreading phase = "spreading"
	// retiring: the new CA signs; the old one is still trusted, because
	// what it signed may still be served.
	retiring phase = "retiring"
)

// phase of the state.
func (s state) phase() phase {
	switch {
	case s.signing == nil || s.next != nil:
		return spreading
	case len(s.retired) > 0:
		return retiring
	default:
		return steady
	}
}

// rotation holds how long things last.
type rotation struct {
	caLife, servingLife time.Duration
	settle              time.Duration // from the first proof that the next CA is trusted until it signs
	patience            time.Duration // how long a proof is waited for where nothing can be served meanwhile
}

// observedTrust is what the leader saw, beside the Secret, of who trusts whom.
type observedTrust struct {
	// present are the CAs in the caBundles.
	present []*x509.Certificate
	// used is the CA by which this replica serves, if it does.
	used *authority
	// next is the CA that the times are about, nil for none.
	next *x509.Certificate
	// spreadSince is since when every caBundle has been read back with the next
	// authority in it, and provenSince when the API server was first seen to
	// trust it since. Zero: it has not.
	spreadSince, provenSince time.Time
	// proven says whether the last proof succeeded, too.
	proven bool
}

// step returns what the Secret should hold, given what it does, and when to look
// again at the latest. It is a pure function but for the keys that it draws.
func (r rotation) step(s state, seen observedTrust, now time.Time) (state, time.Time, error) {
	s, lost := loadState(s, seen, now)
	for _, c := range seen.present {
		if c.IsCA && now.Before(c.NotAfter) && len(s.retired) < mostForeignCAs {
			s.retire(c, r.unused(now))
		}
	}
	s = r.dropRetired(s, now)
	switch {
	case s.next == nil && (lost || s.signing == nil || !now.Before(renewal(s.signing.cert))):
		next, err := newAuthority(now, r.caLife)
		if err != nil {
			return state{}, time.Time{}, fmt.Errorf("begin a rotation: %w", err)
		}
		if s.next = next; len(s.trusted()) == 1 { // no replica can be serving
			s.signing, s.next = next, nil
		}
	case s.next != nil && r.maySign(s, seen, now):
		old := s.signing
		s.signing, s.next = s.next, nil
		if old != nil {
			s.retire(old.cert, r.unused(now))
		}
	}
	return s, r.again(s, now), nil
}

// loadState drops what cannot be used and puts back what the Secret has lost: the
// authority by which this replica serves goes on signing until another is
// trusted. One that someone has put into the Secret, and that no entry trusts, is
// the next one. lost asks for a rotation: what one has lost another may have.
func loadState(s state, seen observedTrust, now time.Time) (_ state, lost bool) {
	if s.signing.usable(now) != nil {
		s.signing = nil
	}
	if s.next.usable(now) != nil || !now.Before(renewal(s.next.cert)) {
		s.next = nil
	}
	used := seen.used
	if used.usable(now) != nil || s.signing.is(used) {
		return s, false
	}
	switch {
	case s.signing == nil:
		lost = true
	case slices.ContainsFunc(seen.present, s.signing.cert.Equal):
		return s, false
	default:
		s.next = s.signing
	}
	if s.signing = used; s.next.is(used) {
		s.next = nil
	}
	s.unretire(used.cert)
	return s, lost
}

// maySign reports whether the next CA may sign.
func (r rotation) maySign(s state, seen observedTrust, now time.Time) bool {
	if seen.next == nil || !seen.next.Equal(s.next.cert) {
		return false
	}
	waited := func(since time.Time, d time.Duration) bool { return !since.IsZero() && now.Sub(since) >= d }
	if s.signing == nil {
		// Calls are being lost, or are answered by replicas with another Source:
		// those that start here are ready no sooner than their trust is.
		return seen.proven || waited(seen.spreadSince, r.patience)
	}
	if seen.proven && waited(seen.provenSince, r.settle) {
		return true
	}
	// A proof that cannot be had must not end in a CA that expires.
	return s.signing.cert.NotAfter.Sub(now) < r.servingLife && waited(seen.spreadSince, r.settle)
}

// unused is when nothing can be served any more that was signed until now.
func (r rotation) unused(now time.Time) time.Time {
	return now.Add(r.servingLife + tolerance(r.servingLife))
}

// dropRetired lets those go whose time has come. A time that is missing, or later
// than this clock can explain, is set again.
func (r rotation) dropRetired(s state, now time.Time) state {
	var kept []retired
	for _, c := range s.retired {
		if c.at.IsZero() || c.at.After(r.unused(now)) {
			c.at = r.unused(now)
		}
		if now.Before(c.at) && now.Before(c.cert.NotAfter) {
			kept = append(kept, c)
		}
	}
	s.retired = kept
	return s
}

// again is when time alone will change something.
func (r rotation) again(s state, now time.Time) time.Time {
	if s.next != nil {
		return now.Add(r.pulse())
	}
	at := renewal(s.signing.cert)
	for _, c := range s.retired {
		if c.at.Before(at) {
			at = c.at
		}
	}
	return at
}

// pulse is how often the next CA's trust is proven while it settles.
func (r rotation) pulse() time.Duration {
	return min(max(r.settle/10, 100*time.Millisecond), 5*time.Second)
}
