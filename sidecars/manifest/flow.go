package manifest

import (
	"bytes"
	"strings"
)

// flow adds to a map or list in flow style.
func (in *inserter) flow(n, part *node) {
	if len(n.items) == 0 { // with blanks inside, by which Become knows it from one that was made
		var b strings.Builder
		in.manner.flow(&b, part, -1, "")
		inner := b.String()
		in.insert(n.start+in.opening(n)+1, " "+inner[1:len(inner)-1]+" ")
		return
	}
	last := n.items[len(n.items)-1]
	close := n.end - 1
	if !bytes.Contains(in.text[last.end:close], []byte("\n")) { // the bracket is on the last entry's line
		in.insert(last.end, ","+in.manner.space+in.inline(n, part, last))
		return
	}
	// Entries have lines of their own.
	first := last
	if n.kind == mapKind {
		first = n.keys[len(n.keys)-1]
	}
	pad := in.margin(first.start)
	step := max(len(pad)-len(in.margin(close)), 1)
	comma := in.skip(last.end)
	trailing := in.text[comma] == ','
	w := in.manner
	w.comma = trailing
	var lines []string
	for i, item := range part.items {
		var b strings.Builder
		b.WriteString(pad)
		if n.kind == mapKind {
			b.WriteString(w.scalar(part.keys[i], true) + ":" + w.space)
		}
		w.flow(&b, item, step, pad)
		lines = append(lines, b.String())
	}
	text := strings.Join(lines, ",\n")
	if trailing {
		in.lineBehind(comma, text+",")
		return
	}
	in.insert(last.end, ",")
	in.lineBehind(last.end, text)
}

// inline are the entries of part in the style of the last entry: on one line, or
// on several if it is a map or list that is.
func (in *inserter) inline(n, part, last *node) string {
	step, pad := -1, ""
	if last.flow && bytes.Contains(in.text[last.start:last.end], []byte("\n")) && len(last.items) > 0 {
		pad = in.margin(last.end - 1)
		inner := last.items[0]
		if last.kind == mapKind {
			inner = last.keys[0]
		}
		step = max(len(in.margin(inner.start))-len(pad), 1)
	}
	w := in.manner
	w.comma = step >= 0 && in.trailing(last)
	var parts []string
	for i, item := range part.items {
		var b strings.Builder
		if n.kind == mapKind {
			b.WriteString(w.scalar(part.keys[i], true) + ":" + w.space)
		}
		w.flow(&b, item, step, pad)
		parts = append(parts, strings.ReplaceAll(b.String(), "\n", in.ending()))
	}
	return strings.Join(parts, ","+w.space)
}

// trailing reports whether the last entry has a comma.
func (in *inserter) trailing(n *node) bool {
	return len(n.items) > 0 && in.text[in.skip(n.items[len(n.items)-1].end)] == ','
}

func (in *inserter) ending() string {
	if bytes.Contains(in.text[in.doc.start:in.doc.end], []byte("\r\n")) {
		return "\r\n"
	}
	return "\n"
}

// opening is how far behind its start a node's bracket is.
func (in *inserter) opening(n *node) int {
	if in.doc.json {
		return 0
	}
	return in.content(n) - n.start
}

// margin is the white space that the line starts with.
func (in *inserter) margin(at int) string {
	start := lineStart(in.text, at)
	end := start
	for end < at && (in.text[end] == ' ' || in.text[end] == '\t') {
		end++
	}
	return string(in.text[start:end])
}
