package webhook

import (
	"testing"
	"time"
)

// The date is written again when the day ends, and looked at every hour until then.
func TestUntilTomorrow(t *testing.T) {
	for at, want := range map[string]time.Duration{
		"2026-12-31T23:59:30Z":      31 * time.Second,
		"2026-12-31T10:00:00Z":      time.Hour,
		"2027-01-01T01:59:30+02:00": 31 * time.Second,
	} {
		now, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		p := &Policies{Now: func() time.Time { return now }}
		if got := p.untilTomorrow(); got != want {
			t.Errorf("at %s: %s, want %s", at, got, want)
		}
	}
}
