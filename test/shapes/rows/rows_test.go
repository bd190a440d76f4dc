package rows

import (
	"strings"
	"testing"
)

// TestRows holds that what is wrong in the table is found when it is read.
func TestRows(t *testing.T) {
	for line, want := range map[string]string{
		"a | redis redis:7 | - | - | - | none":                   "6 columns",
		"a | redis | - | - | - | - | none":                       "no container's name and image",
		"a | redis redis:7 | 'x | - | - | - | none":              "a quote is not closed",
		"a | redis redis:7 | - | - | x | - | none":               "invalid syntax",
		"a | redis redis:7 | - | - | - | odd | none":             "no such word",
		"a | redis redis:7 | - | - | - | vol:/x=tape | none":     "no such volume",
		"a | redis redis:7 | - | - | - | - | redis":              "want EXPORTER PORT",
		"a | redis redis:7 | - | - | - | - | redis 6379 color=x": "no part of a target",
	} {
		if _, err := parseRow("test", line); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error is %v, want %q", line, err, want)
		}
	}
}

// TestJudge holds that wrong answers are distinguished from right ones.
func TestJudge(t *testing.T) {
	for line, want := range map[string]Result{
		"a | db postgres:17 | - | POSTGRES_USER=app POSTGRES_PASSWORD@s/pw | 5432 | - | postgres 5432 as=app pw=s/pw":      {Right: true},
		"a | db postgres:17 | - | POSTGRES_USER=app POSTGRES_PASSWORD@s/pw | 5432 | - | postgres 5432 as=postgres pw=s/pw": {WrongAccount: true},
		"a | db postgres:17 | - | POSTGRES_PASSWORD@s/pw | 5433 | - | postgres 5432 as=postgres pw=s/pw":                   {},
		"a | db postgres:17 | - | POSTGRES_PASSWORD=canary | 5432 | - | refused":                                           {Right: true},
		"a | db postgres:17 | - | POSTGRES_PASSWORD@canary/pw | 5432 | - | none":                                           {WrongAccount: true, Copied: true},
	} {
		row, err := parseRow("test", line)
		if err != nil {
			t.Fatal(err)
		}
		r, err := Judge(row)
		if err != nil {
			t.Fatal(err)
		}
		if r.Right != want.Right || r.WrongAccount != want.WrongAccount || r.Copied != want.Copied || !r.Mirror {
			t.Errorf("%s: right %t, wrong account %t, copied %t, mirror %t; got %v", line, r.Right, r.WrongAccount, r.Copied, r.Mirror, r.Got)
		}
	}
}
