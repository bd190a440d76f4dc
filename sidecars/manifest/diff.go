package manifest

import (
	"bytes"
	"fmt"
	"strings"
)

// context is how many lines are shown around what changes.
const context = 3

// change is lines that are replaced by others. Lines are counted from 0.
type change struct {
	at       int // the first line that goes, or before which lines come
	old, new []string
}

// Diff is what is added and removed, as a unified diff to a name that says what
// was done; empty where nothing is.
func (s *Stream) Diff(done string) string {
	changes := s.changes()
	if len(changes) == 0 {
		return ""
	}
	lines := split(s.text)
	var b strings.Builder
	fmt.Fprintf(&b, "--- %s\n+++ %s (%s)\n", s.Source, s.Source, done)
	shift := 0
	for first := 0; first < len(changes); {
		last := first
		for last+1 < len(changes) && changes[last+1].at-changes[last].end() <= 2*context {
			last++
		}
		shift += hunk(&b, lines, changes[first:last+1], shift)
		first = last + 1
	}
	return b.String()
}

func (c change) end() int { return c.at + len(c.old) }

// hunk writes changes that are close together, and returns how many lines more
// there are behind them. shift is how many there are before.
func hunk(b *strings.Builder, lines []string, changes []change, shift int) int {
	from := max(changes[0].at-context, 0)
	to := min(changes[len(changes)-1].end()+context, len(lines))
	more := 0
	for _, c := range changes {
		more += len(c.new) - len(c.old)
	}
	fmt.Fprintf(b, "@@ -%s +%s @@\n", span(from, to-from), span(from+shift, to-from+more))
	at := from
	for _, c := range changes {
		mark(b, ' ', lines[at:c.at])
		mark(b, '-', c.old)
		mark(b, '+', c.new)
		at = c.end()
	}
	mark(b, ' ', lines[at:to])
	return more
}

// span is where lines are and how many: an empty span is named by the line before.
func span(from, count int) string {
	if count == 0 {
		return fmt.Sprintf("%d,0", from)
	}
	return fmt.Sprintf("%d,%d", from+1, count)
}

func mark(b *strings.Builder, sign byte, lines []string) {
	for _, line := range lines {
		b.WriteByte(sign)
		b.WriteString(line)
		if !strings.HasSuffix(line, "\n") {
			b.WriteString("\n\\ No newline at end of file\n")
		}
	}
}

// changes are the stream's edits as whole lines.
func (s *Stream) changes() []change {
	var all []change
	edits := sorted(s.edits())
	for first := 0; first < len(edits); {
		from := lineStart(s.text, edits[first].start)
		to := s.upTo(edits[first])
		last := first
		for last+1 < len(edits) && edits[last+1].start <= to {
			last++
			to = max(to, s.upTo(edits[last]))
		}
		c := change{at: s.line(from) - 1, old: split(s.text[from:to]), new: split(apply(s.text, from, to, edits[first:last+1]))}
		if from == len(s.text) {
			c.at = len(split(s.text))
		}
		if c = c.trimmed(); len(c.old)+len(c.new) > 0 {
			all = append(all, c)
		}
		first = last + 1
	}
	return all
}

// upTo is the end of the lines that an edit touches.
func (s *Stream) upTo(e edit) int {
	whole := e.start == lineStart(s.text, e.start) && e.end == lineStart(s.text, e.end)
	if whole && (e.text == "" || strings.HasSuffix(e.text, "\n")) {
		return e.end
	}
	return lineEnd(s.text, e.end)
}

// trimmed is a change without the lines that stay.
func (c change) trimmed() change {
	for len(c.old) > 0 && len(c.new) > 0 && c.old[0] == c.new[0] {
		c.at, c.old, c.new = c.at+1, c.old[1:], c.new[1:]
	}
	for len(c.old) > 0 && len(c.new) > 0 && c.old[len(c.old)-1] == c.new[len(c.new)-1] {
		c.old, c.new = c.old[:len(c.old)-1], c.new[:len(c.new)-1]
	}
	return c
}

func split(text []byte) []string {
	var lines []string
	for line := range bytes.Lines(text) {
		lines = append(lines, string(line))
	}
	return lines
}
