package certs

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

type answer struct{ date string }

func (a answer) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Date": {a.date}}, Body: io.NopCloser(strings.NewReader(""))}, nil
}

func TestClock(t *testing.T) {
	for name, tc := range map[string]struct {
		apiserver time.Duration // ahead of this machine
		life      time.Duration
		want      string
	}{
		"the same":                              {0, 24 * time.Hour, ""},
		"a little ahead":                        {-50 * time.Minute, 24 * time.Hour, ""},
		"far ahead":                             {-3 * time.Hour, 24 * time.Hour, "3h0m0s ahead of"},
		"behind, and renewed in time":           {7 * time.Hour, 24 * time.Hour, ""},
		"behind, and not renewed in time":       {9 * time.Hour, 24 * time.Hour, "9h0m0s behind"},
		"ahead by more than a short life bears": {-time.Minute, 10 * time.Second, "1m0s ahead of"},
	} {
		t.Run(name, func(t *testing.T) {
			c := &Clock{}
			answer := answer{time.Now().Add(tc.apiserver).UTC().Format(http.TimeFormat)}
			if _, err := c.Watch(answer).RoundTrip(nil); err != nil { //nolint:bodyclose // it is empty
				t.Fatal(err)
			}
			got := ""
			if err := c.check(tc.life); err != nil {
				got = err.Error()
			}
			got = strings.NewReplacer("3h0m1s", "3h0m0s", "8h59m59s", "9h0m0s", "1m1s", "1m0s").Replace(got) // a date has no fractions
			if tc.want == "" && got != "" || !strings.Contains(got, tc.want) {
				t.Errorf("%q, want %q", got, tc.want)
			}
		})
	}
	if err := (*Clock)(nil).check(time.Hour); err != nil {
		t.Error(err)
	}
	c := &Clock{}
	if _, err := c.Watch(answer{"yesterday"}).RoundTrip(nil); err != nil || c.check(time.Hour) != nil { //nolint:bodyclose // it is empty
		t.Error("an answer without a date says something of the clock")
	}
}
