package manifest

import (
	"bytes"
	"cmp"
	"errors"
	"slices"
	"strings"
)

// document is a part of a stream's text, from its separator to the next one.
type document struct {
	start, end int
	number     int   // among the documents that hold anything, from 1
	root       *node // nil where there are only comments, and where it cannot be read
	json       bool
	err        error // why it cannot be read
	hostile    bool  // it would use up memory, and is not passed on
	edits      []edit
}

// byteOrderMark may stand at the start of a file, and so of what is appended to another.
var byteOrderMark = []byte("\uFEFF")

// behindMark is an offset, or the one behind the mark that stands there.
func behindMark(text []byte, at int) int {
	if bytes.HasPrefix(text[at:], byteOrderMark) {
		at += len(byteOrderMark)
	}
	return at
}

// readFrom is where a document of YAML is read from: behind a byte order mark before its content, also where a
// separator or a comment was put in front of the file that has it.
func readFrom(text []byte, start int) int {
	for at := start; at < len(text); at = lineEnd(text, at) {
		line := text[at:lineEnd(text, at)]
		if bytes.HasPrefix(line, byteOrderMark) {
			return at + len(byteOrderMark)
		}
		if marks(line, "---") {
			line = line[3:]
		}
		if line = bytes.TrimSpace(line); len(line) > 0 && line[0] != '#' {
			break
		}
	}
	return start
}

// cut finds the documents in a text. A separator is a line that starts with
// three dashes; a line of three dots ends a document, and so does a value of
// JSON that another one follows.
func cut(text []byte) []*document {
	var all []*document
	number := 0
	for at := 0; at < len(text); {
		d := &document{start: at}
		if d.root, d.end = cutJSON(text, at); d.root != nil {
			d.json = true
		} else {
			d.end = cutYAML(text, at)
		}
		if holdsAnything(text[d.start:d.end]) {
			number++
		}
		d.number = max(number, 1)
		all = append(all, d)
		at = d.end
	}
	return all
}

// holdsAnything reports whether there is more than separators and blanks.
func holdsAnything(text []byte) bool {
	for line := range bytes.Lines(text) {
		line = bytes.TrimPrefix(line, byteOrderMark)
		if marks(line, "---") || marks(line, "...") {
			line = line[3:]
		}
		if len(bytes.TrimSpace(line)) > 0 {
			return true
		}
	}
	return false
}

// cutJSON reads a value of JSON from a document's start and finds the
// document's end; nil where it is no JSON, or something else follows it.
func cutJSON(text []byte, at int) (*node, int) {
	start := skipBlank(text, behindMark(text, at))
	if marks(text[start:], "---") && startsLine(text, start) {
		start = skipBlank(text, start+3)
	}
	if start == len(text) || text[start] != '{' && text[start] != '[' {
		return nil, 0
	}
	root, err := scanJSON(text, start)
	if err != nil {
		return nil, 0
	}
	next := skipBlank(text, root.end)
	switch {
	case next == len(text):
		return root, next
	case text[next] == '{' || text[next] == '[':
		return root, root.end
	case startsLine(text, next) && marks(text[next:], "---"):
		return root, next
	case startsLine(text, next) && marks(text[next:], "..."):
		return root, lineEnd(text, next)
	}
	return nil, 0
}

// cutYAML finds the end of the document of YAML that starts at an offset.
func cutYAML(text []byte, start int) int {
	separated, content, directive := false, false, false
	for at := start; at < len(text); {
		next := lineEnd(text, at)
		line := bytes.TrimPrefix(text[at:next], byteOrderMark)
		switch {
		case marks(line, "..."):
			return next
		case marks(line, "---"):
			if separated || content && !directive {
				return at
			}
			separated, content = true, true
		case !separated && bytes.HasPrefix(line, []byte("%")):
			directive = true
		case len(bytes.TrimSpace(line)) > 0:
			content = true
		}
		at = next
	}
	return len(text)
}

// marks reports whether a line is a mark of three characters, with anything
// after a blank.
func marks(line []byte, mark string) bool {
	return bytes.HasPrefix(line, []byte(mark)) && (len(line) == len(mark) || bytes.IndexByte([]byte(" \t\r\n"), line[len(mark)]) >= 0)
}

func startsLine(text []byte, at int) bool {
	return at == 0 || text[at-1] == '\n' || bytes.HasSuffix(text[:at], byteOrderMark)
}

// lineEnd is behind the end of the line, its line break included.
func lineEnd(text []byte, at int) int {
	if i := bytes.IndexByte(text[at:], '\n'); i >= 0 {
		return at + i + 1
	}
	return len(text)
}

// lineStart is where the line starts.
func lineStart(text []byte, at int) int { return 1 + bytes.LastIndexByte(text[:at], '\n') }

func skipBlank(text []byte, at int) int {
	for at < len(text) && bytes.IndexByte([]byte(" \t\r\n"), text[at]) >= 0 {
		at++
	}
	return at
}

// read parses a document that is no JSON.
func (d *document) read(text []byte) {
	if d.root != nil || !holdsAnything(text[d.start:d.end]) {
		return
	}
	d.root, d.err = parseYAML(text, min(readFrom(text, d.start), d.end), d.end)
	if d.err != nil {
		var hostile hostileError
		d.root, d.hostile = nil, errors.As(d.err, &hostile) || strings.Contains(d.err.Error(), "exceeded max depth")
	}
}

// edit replaces a part of a stream's text.
type edit struct {
	start, end int
	text       string
}

// sorted are edits in the order of their places; those at one place stay in
// theirs.
func sorted(edits []edit) []edit {
	edits = slices.Clone(edits)
	slices.SortStableFunc(edits, func(a, b edit) int { return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.end, b.end)) })
	return edits
}

// apply makes the edits of a part of the text.
func apply(text []byte, start, end int, edits []edit) []byte {
	var out []byte
	at := start
	for _, e := range sorted(edits) {
		out = append(out, text[at:max(e.start, at)]...)
		out = append(out, e.text...)
		at = max(at, e.end)
	}
	return append(out, text[at:end]...)
}
