package rows

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/outrider-dev/outrider/sidecars"
)

// Result is one row, judged.
type Result struct {
	Row
	Got Answer
	// Right says that Got is one of the answers that are right.
	Right bool
	// WrongAccount says that an exporter logs in as a user with what is not that
	// account's password, or with another account than every right answer has.
	WrongAccount bool
	// Copied says that a password in plain text came out.
	Copied bool
	// Mirror says that removing what was injected gives the pod back.
	Mirror bool
	// Messages of the decisions.
	Messages []string
}

// Judge decides about a row's pod and compares.
func Judge(row Row) (Result, error) {
	in := sidecars.Input{Pod: row.Pod}
	if row.OptedIn {
		in.Namespace.Labels = map[string]string{sidecars.InjectKey: sidecars.InjectEnabled}
	}
	plan, settings := sidecars.Explain(in, sidecars.Builtin())
	after := plan.Apply(row.Pod)
	r := Result{Row: row, Got: got(plan, row.Pod, after)}
	r.Right = slices.ContainsFunc(row.Want, func(want Answer) bool { return want.fits(r.Got) })
	r.WrongAccount = !r.Right && wrongAccount(row.Want, r.Got)
	for _, d := range plan.Decisions {
		r.Messages = append(r.Messages, fmt.Sprintf("%s %s %s: %s", d.Exporter, d.Outcome, d.Reason, d.Message))
	}
	before, err := json.Marshal(row.Pod)
	if err != nil {
		return r, err
	}
	removed, err := json.Marshal(sidecars.Remove(after))
	if err != nil {
		return r, err
	}
	r.Mirror = bytes.Equal(before, removed)
	out, err := json.Marshal([]any{plan.Patch(), plan.Decisions, plan.Warnings(), settings})
	r.Copied = strings.Contains(string(out), "canary")
	return r, err
}

// wrongAccount reports whether an exporter has a password and no right answer has
// it log in like that.
func wrongAccount(want []Answer, got Answer) bool {
	for _, t := range got.Targets {
		if t.Password == "" {
			continue
		}
		same := func(w Target) bool {
			return w.Exporter == t.Exporter && w.User == t.User && w.Password == t.Password
		}
		if !slices.ContainsFunc(want, func(a Answer) bool { return slices.ContainsFunc(a.Targets, same) }) {
			return true
		}
	}
	return false
}

// Score is the sum of results.
type Score struct {
	Rows, Right, WrongAccounts, Proxies, Copied, Unremoved int
}

// Add counts a result.
func (s *Score) Add(r Result) {
	s.Rows++
	s.Right += count(r.Right)
	s.WrongAccounts += count(r.WrongAccount)
	s.Proxies += count(r.Proxy && len(r.Got.Targets) > 0 && !r.Right)
	s.Copied += count(r.Copied)
	s.Unremoved += count(!r.Mirror)
}

func count(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// Percent of the rows that are right.
func (s Score) Percent() float64 { return 100 * float64(s.Right) / float64(max(s.Rows, 1)) }
