// Package poll waits in tests for what takes a while.
package poll

import (
	"testing"
	"time"
)

// Until polls check at an interval, at once first. It returns when check returns "", and fails the test with what check
// says is still wrong when that lasts longer than patience.
func Until(t testing.TB, patience, interval time.Duration, check func() string) {
	t.Helper()
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); ; <-tick.C {
		wrong := check()
		if wrong == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(wrong)
		}
	}
}
