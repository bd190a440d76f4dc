package certs

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"time"
)

// Clock knows by how much this machine's clock differs from the API server's,
// whose every answer has a date. The zero value has heard of no difference.
type Clock struct{ ahead atomic.Int64 }

// Watch returns a transport that reads the answers' dates.
func (c *Clock) Watch(next http.RoundTripper) http.RoundTripper { return watched{next, c} }

type watched struct {
	http.RoundTripper
	clock *Clock
}

// RoundTrip implements http.RoundTripper.
func (w watched) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := w.RoundTripper.RoundTrip(req)
	if err != nil {
		return resp, err
	}
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		w.clock.ahead.Store(int64(time.Now().UTC().Round(0).Sub(date)))
	}
	return resp, nil
}

// WrappedRoundTripper lets client-go look through it.
func (w watched) WrappedRoundTripper() http.RoundTripper { return w.RoundTripper }

// check returns why nothing that lives this long can be dated by this clock. One
// that is ahead dates certificates into the API server's future, beyond what
// they are dated back by; by one that is behind they end before they are renewed.
func (c *Clock) check(life time.Duration) error {
	if c == nil {
		return nil
	}
	const sentence = "the clock of this node is %s %s the API server's, so no certificate is signed by it: set the clock"
	switch ahead := time.Duration(c.ahead.Load()).Round(time.Second); {
	case ahead > tolerance(life):
		return fmt.Errorf(sentence, ahead, "ahead of")
	case -ahead > life/3:
		return fmt.Errorf(sentence, -ahead, "behind")
	}
	return nil
}
