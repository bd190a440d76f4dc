package explanation

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/outrider-dev/outrider/sidecars"
)

// Write writes the explanation for people.
func (x Explanation) Write(w io.Writer) error {
	fmt.Fprintln(w, x.Pod)
	if len(x.Exporters) == 0 {
		fmt.Fprintln(w, "  "+x.Unasked)
		x.passed(w)
		return x.advise(w)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, e := range x.Exporters {
		fmt.Fprintf(t, "  %s\t%s\t%s\n", cmp.Or(e.Exporter, e.Key, sidecars.InjectKey), e.Outcome, e.Reason)
		for _, s := range e.Settings {
			fmt.Fprintf(t, "    %s\t%s\tfrom %s\n", s.Name, s.Value, s.From)
		}
	}
	for _, target := range x.Targets {
		fmt.Fprintf(t, "  target\t%s\t%s\n", target.URL, series(target.Labels))
	}
	fmt.Fprintf(t, "  Pod Security\t%s\t\n  QoS\t%s\t\n", x.PodSecurity, x.QoS)
	if len(x.Requests) > 0 {
		var parts []string
		for _, name := range slices.Sorted(maps.Keys(x.Requests)) {
			parts = append(parts, name+" "+x.Requests[name])
		}
		fmt.Fprintf(t, "  requests\t+ %s\t\n", strings.Join(parts, ", "))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	x.decided(w)
	for _, c := range x.Costs { // behind the table, whose columns they would widen
		fmt.Fprintf(w, "  series expected of %s\n", c)
	}
	x.passed(w)
	return x.advise(w)
}

func (x Explanation) decided(w io.Writer) {
	if x.Decided == nil {
		return
	}
	text := map[Decider]string{ByPolicies: "the API server's policies", ByWebhook: "the webhook", ByNobody: "nobody"}[x.Decided.By]
	if x.Decided.Reason != "" {
		text += " (" + x.Decided.Reason + ")"
	}
	if x.Decided.Message != "" {
		text += ": " + x.Decided.Message
	}
	fmt.Fprintln(w, "  decided by "+text)
}

// String says how many series are expected.
func (c Cost) String() string {
	if c.Series == 0 {
		return c.Exporter + ": not known"
	}
	text := fmt.Sprintf("%s: %d", c.Exporter, c.Series)
	for _, per := range c.Per {
		text += fmt.Sprintf(", %d more for each %s", per.Series, per.Of)
	}
	if c.Unmeasured != "" {
		text += fmt.Sprintf(" (%s, not measured)", c.Unmeasured)
	}
	return text
}

func (x Explanation) passed(w io.Writer) {
	for _, p := range x.NotRecognized {
		fmt.Fprintf(w, "  not recognized: %s; if it is one: %s: %s\n", p, sidecars.InjectKey, p.Exporter)
	}
}

func (x Explanation) advise(w io.Writer) error {
	for _, advice := range x.Advice {
		if _, err := fmt.Fprintf(w, "  → %s\n", advice); err != nil {
			return err
		}
	}
	return nil
}

// String is one word where nothing changes.
func (c Change) String() string {
	if c.Before == c.After {
		return c.After
	}
	return c.Before + " → " + c.After
}

func series(labels map[string]string) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		parts = append(parts, fmt.Sprintf("%s=%q", name, labels[name]))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}
