package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
)

// inserter collects the edits that make growths of a document's text. All that
// it does is to insert, except for an explicit null and for aliases.
type inserter struct {
	*measured
	manner  manner
	edits   []edit
	touched map[*node]bool // what is edited, with all around it
	grown   map[*node]*growth
}

var errLost = errors.New("its text is laid out in a way that is not understood; write it in the usual style, as kubectl get -o yaml does")

func (in *inserter) insert(at int, text string) { in.edits = append(in.edits, edit{at, at, text}) }

// grow makes additions to a node. Of insertions at one place the inner ones
// come first.
func (in *inserter) grow(n *node, g *growth) {
	in.touched[n] = true
	in.grown[n] = g
	switch {
	case n.kind == aliasKind && reflect.DeepEqual(in.grown[n.real()], g): // it stands for both
	case n.kind == aliasKind:
		in.growAlias(n, g)
	case g.value != nil && n.kind == scalarKind:
		in.lengthen(n, g.value.text)
	case g.item != nil && n.kind == listKind:
		in.grow(n.items[g.index], g.item)
	case g.items != nil:
		in.append(n, g)
	default:
		in.add(n, g)
	}
}

// add adds entries to a map.
func (in *inserter) add(n *node, g *growth) {
	var missing []*growth
	for _, e := range g.entries {
		i := n.own(e.key)
		switch {
		case i < 0 && n.get(e.key) != nil: // merged into the map
			missing = append(missing, mergedGrowth(n.get(e.key), e))
		case i < 0:
			missing = append(missing, e)
		case n.items[i].isNull() && n.items[i].kind == scalarKind:
			in.replaceNull(n, n.keys[i], n.items[i], e)
		default:
			in.grow(n.items[i], e)
		}
	}
	if len(missing) == 0 {
		return
	}
	part := (&growth{entries: missing}).node()
	switch {
	case n.kind != mapKind:
		in.lost = true
	case !n.flow:
		pad := in.column(in.content(n))
		var b strings.Builder
		in.manner.block(&b, part, pad, false)
		in.lineBehind(n.end, strings.Repeat(" ", pad)+b.String())
	default:
		in.flow(n, part)
	}
}

// mergedGrowth is an entry in place of one that is merged in: the old value and
// what is added.
func mergedGrowth(old *node, e *growth) *growth {
	grown := &growth{key: e.key}
	raw, err := old.json()
	if err == nil {
		var value *node
		if value, err = scanJSON(raw, 0); err == nil {
			grown.take(value)
		}
	}
	grown.items = append(grown.items, e.items...)
	for _, sub := range e.entries {
		grown.entry(sub.key).take(sub.node())
	}
	return grown
}

// append adds items to a list.
func (in *inserter) append(n *node, g *growth) {
	part := g.node()
	switch {
	case n.kind != listKind:
		in.lost = true
	case !n.flow:
		dash := in.content(n)
		w := in.manner
		if last := n.items[len(n.items)-1]; !last.isNull() {
			w.gap = in.gap(last, w.gap)
		}
		var b strings.Builder
		w.block(&b, part, in.column(dash), false)
		in.lineBehind(n.end, strings.Repeat(" ", in.column(dash))+b.String())
	default:
		in.flow(n, part)
	}
}

// gap is how far an item is from its dash.
func (in *inserter) gap(item *node, usual int) int {
	dash := item.start - 1
	for dash >= 0 && in.text[dash] == ' ' {
		dash--
	}
	if dash < 0 || in.text[dash] != '-' {
		return usual
	}
	return item.start - dash
}

// lineBehind inserts lines behind the line that an offset is in.
func (in *inserter) lineBehind(at int, lines string) {
	next := min(lineEnd(in.text, at), in.doc.end)
	ending := "\n"
	if bytes.HasSuffix(in.text[:next], []byte("\r\n")) || next == len(in.text) && bytes.Contains(in.text[in.doc.start:next], []byte("\r\n")) {
		ending = "\r\n"
	}
	lines = strings.ReplaceAll(lines, "\n", ending)
	if bytes.HasSuffix(in.text[:next], []byte("\n")) {
		in.insert(next, lines+ending)
		return
	}
	in.insert(next, ending+lines) // the last line stays one without an end
}

// replaceNull puts a value in the place of null. One that is not written gets
// the flow style, by which Become knows it; a written one becomes a comment.
func (in *inserter) replaceNull(parent, key, null *node, e *growth) {
	in.touched[null] = true
	part := e.node()
	var b strings.Builder
	at := null.end
	switch {
	case null.text == "":
		in.manner.flow(&b, part, -1, "")
		in.insert(at, " "+b.String())
	case parent.flow:
		in.manner.flow(&b, part, -1, "")
		in.edits = append(in.edits, edit{at - len(null.text), at, b.String()})
	default:
		in.insert(at-len(null.text), nullComment)
		pad := in.column(key.start)
		in.manner.block(&b, part, pad, true)
		in.lineBehind(at, strings.TrimPrefix(b.String(), "\n"))
	}
}

// nullComment stands before a null that has become a comment.
const nullComment = "# "

// growAlias wraps an alias of a map in a map that it is merged into, and writes
// out an alias of a list.
func (in *inserter) growAlias(n *node, g *growth) {
	target := n.real()
	var b strings.Builder
	if g.item != nil {
		in.lost = true // a template in a list that is an alias
		return
	}
	if target.kind != mapKind {
		b.WriteString(aliasAnchor + n.text + " ")
		in.manner.flow(&b, mergedGrowth(target, g).node(), -1, "")
		in.edits = append(in.edits, edit{n.start, n.end, b.String()})
		return
	}
	var entries []*growth
	anchor := ""
	for _, e := range g.entries {
		if old := target.get(e.key); old != nil && !old.isNull() {
			e = mergedGrowth(old, e)
			anchor = aliasAnchor + n.text + " "
		}
		entries = append(entries, e)
	}
	in.manner.flow(&b, (&growth{entries: entries}).node(), -1, "")
	in.insert(n.start, anchor+"{"+mergeKey+": ")
	in.insert(n.end, ", "+b.String()[1:])
}

// The alias that something is written out for is kept in a comment behind it, or
// in an anchor where more follows on the line.
const (
	aliasComment = " # outrider: *"
	aliasAnchor  = "&outrider-"
)

// unshare writes out every alias of something that is edited: what it stands for
// elsewhere stays what it was.
func (in *inserter) unshare(n *node, flow bool) error {
	flow = flow || n.flow
	if n.kind == aliasKind {
		if !in.touched[n.target] || in.touched[n] {
			return nil
		}
		raw, err := n.json()
		if err != nil {
			return err
		}
		value, err := scanJSON(raw, 0)
		if err != nil {
			return fmt.Errorf("write out *%s: %w", n.text, err)
		}
		var b strings.Builder
		in.manner.flow(&b, value, -1, "")
		text := b.String()
		if rest := bytes.TrimSpace(in.text[n.end:lineEnd(in.text, n.end)]); !flow && (len(rest) == 0 || rest[0] == '#') {
			text += aliasComment + n.text
		} else {
			text = aliasAnchor + n.text + " " + text
		}
		in.edits = append(in.edits, edit{n.start, n.end, text})
		return nil
	}
	for _, item := range n.items {
		if err := in.unshare(item, flow); err != nil {
			return err
		}
	}
	return nil
}
