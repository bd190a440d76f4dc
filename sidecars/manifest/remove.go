package manifest

import (
	"bytes"
	"slices"
	"strings"
)

// loss is what is taken out of one place of an object: entries of a map by their
// keys, or items of a list by their names.
type loss struct {
	path  []string
	names []string
	// shorter are entries whose text loses its end, with what is left.
	shorter map[string]string
}

// remover collects the edits that take values out of a document's text.
type remover struct {
	*measured
	edits []edit
	gone  map[*node]bool
}

// takes reports whether an item of the collection goes.
func (l loss) takes(n *node, i int) bool {
	name := ""
	if n.kind == mapKind {
		name = n.keys[i].keyText()
	} else {
		name = n.items[i].get("name").string()
	}
	return slices.Contains(l.names, name)
}

// mark notes what goes; a collection that the entries leave empty goes as well,
// with those around it, where it was made for them.
func (r *remover) mark(fields *node, l loss) {
	chain := []*node{fields}
	for _, key := range l.path {
		i := chain[len(chain)-1].own(key)
		if i < 0 {
			return
		}
		chain = append(chain, chain[len(chain)-1].items[i])
	}
	n := chain[len(chain)-1]
	for i, item := range n.items {
		if l.takes(n, i) {
			r.gone[item] = true
		}
	}
	for i := len(chain) - 1; i > 0 && r.empty(chain[i]) && !r.stays(chain[i-1], chain[i]); i-- {
		r.gone[chain[i]] = true
	}
}

func (r *remover) empty(n *node) bool {
	return len(n.items) > 0 && !slices.ContainsFunc(n.items, func(item *node) bool { return !r.gone[item] })
}

// stays reports whether a collection was there before what was added to it: an
// empty one in brackets, which has blanks inside since; or a key without a
// value, which has one in brackets since; or a null, which has become a comment.
func (r *remover) stays(parent, n *node) bool {
	if !n.flow {
		return r.null(parent, n) >= 0
	}
	return r.padded(n) || !parent.flow
}

// padded reports whether a collection has blanks inside its brackets.
func (r *remover) padded(n *node) bool {
	at := r.content(n)
	return n.end-at > 3 && r.text[at+1] == ' ' && r.text[n.end-2] == ' '
}

// null is where a null has become a comment, or -1.
func (r *remover) null(parent, n *node) int {
	if r.doc.json || n.flow {
		return -1
	}
	i := slices.Index(parent.items, n)
	if i < 0 || parent.kind != mapKind {
		return -1
	}
	line := r.text[parent.keys[i].end:lineEnd(r.text, parent.keys[i].end)]
	comment := bytes.Index(line, []byte(": "+nullComment))
	if comment < 0 {
		return -1
	}
	word, _, _ := strings.Cut(strings.TrimSpace(string(line[comment+len(": "+nullComment):])), " ")
	if value, known := words[word]; !known || value != nil || word == "" {
		return -1
	}
	return parent.keys[i].end + comment + len(": ")
}

// cut makes the edits for all that is marked.
func (r *remover) cut(n *node) {
	all := r.empty(n)
	for i, item := range n.items {
		switch {
		case r.gone[item] && n.flow:
			if !all {
				r.cutFlow(n, i)
			}
		case r.gone[item]:
			r.cutLines(n, i)
		case item.kind != aliasKind:
			if r.empty(item) && item.flow {
				r.clear(item)
				continue
			}
			if r.empty(item) {
				if at := r.null(n, item); at >= 0 {
					r.edits = append(r.edits, edit{at, at + len(nullComment), ""})
				}
			}
			r.cut(item)
			r.unwrap(item)
		}
	}
}

// clear takes all that is in brackets out of them, or the brackets too.
func (r *remover) clear(n *node) {
	at := r.content(n)
	if !r.padded(n) {
		if r.text[at-1] == ' ' {
			at--
		}
		r.edits = append(r.edits, edit{at, n.end, ""})
		return
	}
	start := n.items[0].start
	if n.kind == mapKind {
		start = n.keys[0].start
	}
	r.edits = append(r.edits, edit{start - 1, n.items[len(n.items)-1].end + 1, ""})
}

// unwrap leaves an alias alone that was merged into a map for what was added.
func (r *remover) unwrap(n *node) {
	if !n.flow || n.kind != mapKind || r.doc.json {
		return
	}
	i := n.own(mergeKey)
	if i != 0 || n.items[0].kind != aliasKind || len(n.items) < 2 || !r.empty(&node{items: n.items[1:]}) {
		return
	}
	r.edits = append(r.edits, edit{r.content(n), n.items[0].start, ""}, edit{n.end - 1, n.end, ""})
}

// share puts aliases in the place of what was written out for them, and reports
// whether there are any.
func (r *remover) share(n *node) (found bool) {
	if n.kind == aliasKind || r.gone[n] || r.doc.json {
		return false
	}
	if name, ok := strings.CutPrefix(string(r.text[n.start:r.content(n)]), aliasAnchor); ok {
		r.edits = append(r.edits, edit{n.start, n.end, "*" + strings.TrimSpace(name)})
		return true
	}
	name, ok := "", false
	if n.flow || n.kind == scalarKind {
		name, ok = strings.CutPrefix(string(r.text[n.end:lineEnd(r.text, n.end)]), aliasComment)
	}
	if ok {
		name, _, _ = strings.Cut(strings.TrimRight(name, "\r\n"), " ")
		r.edits = append(r.edits, edit{r.content(n), n.end + len(aliasComment) + len(name), "*" + name})
		return true
	}
	for _, item := range n.items {
		found = r.share(item) || found
	}
	return found
}

// cutFlow takes an entry out of brackets in which others stay.
func (r *remover) cutFlow(n *node, i int) {
	start := func(i int) int {
		if n.kind == mapKind {
			return n.keys[i].start
		}
		return n.items[i].start
	}
	from, to := start(i), n.items[i].end
	last := i == len(n.items)-1
	comma := r.skip(to)
	followed := comma < r.doc.end && r.text[comma] == ','
	line := lineStart(r.text, from)
	alone := len(bytes.TrimSpace(r.text[line:from])) == 0
	switch {
	case alone && followed && r.blank(comma+1) && line > n.start: // lines of its own
		r.edits = append(r.edits, edit{line, lineEnd(r.text, comma), ""})
	case alone && !followed && last && r.blank(to) && line > n.start:
		r.edits = append(r.edits, edit{line, lineEnd(r.text, to), ""})
		kept := i - 1
		for kept >= 0 && r.gone[n.items[kept]] {
			kept--
		}
		if kept >= 0 { // nothing follows its comma any more
			at := r.skip(n.items[kept].end)
			r.edits = append(r.edits, edit{at, at + 1, ""})
		}
	case i > 0:
		r.edits = append(r.edits, edit{n.items[i-1].end, to, ""})
	default:
		r.edits = append(r.edits, edit{from, start(1), ""})
	}
}

// blank reports whether only white space is left of the line.
func (r *remover) blank(at int) bool {
	return len(bytes.TrimSpace(r.text[at:lineEnd(r.text, at)])) == 0
}

// cutLines takes the lines of an entry in block style out.
func (r *remover) cutLines(n *node, i int) {
	at := n.items[i].start
	if n.kind == mapKind {
		at = n.keys[i].start
	}
	from := lineStart(r.text, at)
	before := strings.TrimSpace(string(r.text[from:at]))
	if n.kind == mapKind && before != "" || n.kind == listKind && before != "-" {
		r.lost = true
		return
	}
	r.edits = append(r.edits, edit{from, min(lineEnd(r.text, n.items[i].end), r.doc.end), ""})
}

// joined are edits with those that touch made one. Where the last of them
// reaches a text's end that has no line break, the line before becomes the last
// one and loses its own.
func (r *remover) joined() []edit {
	var out []edit
	for _, e := range sorted(r.edits) {
		if last := len(out) - 1; last >= 0 && e.start <= out[last].end {
			out[last].end = max(out[last].end, e.end)
			continue
		}
		out = append(out, e)
	}
	last := len(out) - 1
	if last < 0 || out[last].end < len(r.text) || bytes.HasSuffix(r.text, []byte("\n")) {
		return out
	}
	if at := out[last].start; at > 0 && r.text[at-1] == '\n' {
		out[last].start = len(bytes.TrimSuffix(r.text[:at-1], []byte("\r")))
	}
	return out
}
