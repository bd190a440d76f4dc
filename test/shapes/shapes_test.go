package main

import (
	"strings"
	"testing"

	"github.com/outrider-dev/outrider/test/shapes/rows"
)

// What the table must reach. The share rises with the engine and never falls.
const (
	leastRows    = 2820
	leastPercent = 98.0
	mostAccounts = 0
	mostProxies  = 0
)

func TestScore(t *testing.T) {
	all, err := rows.Load()
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	s, err := report(&out, all)
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case s.Rows < leastRows:
		t.Errorf("%d rows, want at least %d", s.Rows, leastRows)
	case s.Percent() < leastPercent:
		t.Errorf("%.1f %% of the rows are right, want at least %.1f %%", s.Percent(), leastPercent)
	case s.WrongAccounts > mostAccounts:
		t.Errorf("%d rows log in with what is no account, want at most %d", s.WrongAccounts, mostAccounts)
	case s.Proxies > mostProxies:
		t.Errorf("%d proxies are taken for servers, want at most %d", s.Proxies, mostProxies)
	case s.Copied > 0:
		t.Errorf("%d rows show a password in plain text", s.Copied)
	case s.Unremoved > 0:
		t.Errorf("%d rows are not what they were after removal", s.Unremoved)
	}
	if t.Failed() {
		t.Log(out.String())
	}
}
