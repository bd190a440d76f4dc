package certs

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"k8s.io/client-go/tools/leaderelection/resourcelock"
	ctrl "sigs.k8s.io/controller-runtime"
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

// Lock returns a lock for leader election that a replica whose clock is wrong can
// neither take nor keep, since it could only hold up others. Releasing it is allowed.
func (o Options) Lock(lock resourcelock.Interface) resourcelock.Interface {
	return clocked{lock, o, &atomic.Bool{}}
}

type clocked struct {
	resourcelock.Interface
	options Options
	said    *atomic.Bool // that the clock is wrong
}

// check returns why this replica may not lead, and logs it once.
func (c clocked) check() error {
	err := c.options.Clock.check(c.options.ServingLife)
	if wrong := err != nil; c.said.Swap(wrong) != wrong && wrong {
		ctrl.Log.WithName("leaderelection").Error(err, "not standing for election")
	}
	return err
}

// Create implements resourcelock.Interface.
func (c clocked) Create(ctx context.Context, r resourcelock.LeaderElectionRecord) error {
	if err := c.check(); err != nil {
		return err
	}
	return c.Interface.Create(ctx, r)
}

// Update implements resourcelock.Interface.
func (c clocked) Update(ctx context.Context, r resourcelock.LeaderElectionRecord) error {
	if err := c.check(); err != nil && r.HolderIdentity != "" {
		return err
	}
	return c.Interface.Update(ctx, r)
}

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
