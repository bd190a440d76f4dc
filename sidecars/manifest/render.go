package manifest

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"unicode"
)

// manner is how a document is written, so that what is added looks like it.
type manner struct {
	step  int    // columns by which a map is indented under its key
	list  int    // columns by which the dashes of a list are
	gap   int    // columns from a dash to its item
	space string // behind a colon in the flow style: none in compact JSON
	keys  bool   // keys are quoted, as in JSON
	texts bool   // texts are quoted, as in JSON and KYAML
	comma bool   // the last entry has a comma too, as in KYAML
}

// block writes a value in block style; the lines behind the first are indented
// by pad. after is what stands between the value and its key or dash.
func (w manner) block(b *strings.Builder, n *node, pad int, underKey bool) {
	switch {
	case n.kind == scalarKind || len(n.items) == 0:
		if underKey {
			b.WriteByte(' ')
		}
		w.flow(b, n, -1, "")
	case n.kind == mapKind:
		if underKey {
			pad += w.step
		}
		for i, key := range n.keys {
			if i > 0 || underKey {
				b.WriteString("\n" + strings.Repeat(" ", pad))
			}
			b.WriteString(w.scalar(key, true) + ":")
			w.block(b, n.items[i], pad, true)
		}
	default:
		if underKey {
			pad += w.list
		}
		for i, item := range n.items {
			if i > 0 || underKey {
				b.WriteString("\n" + strings.Repeat(" ", pad))
			}
			b.WriteString("-" + strings.Repeat(" ", w.gap-1))
			w.block(b, item, pad+w.gap, false)
		}
	}
}

// flow writes a value in flow style: on one line where step is negative, or
// else with what is in it indented by step more than pad.
func (w manner) flow(b *strings.Builder, n *node, step int, pad string) {
	if n.kind == scalarKind {
		b.WriteString(w.scalar(n, false))
		return
	}
	brackets := "[]"
	if n.kind == mapKind {
		brackets = "{}"
	}
	b.WriteByte(brackets[0])
	inner := pad + indentation(pad, step)
	for i, item := range n.items {
		switch {
		case step >= 0:
			b.WriteString("\n" + inner)
		case i > 0:
			b.WriteString(w.space)
		}
		if n.kind == mapKind {
			b.WriteString(w.scalar(n.keys[i], true) + ":" + w.space)
		}
		w.flow(b, item, step, inner)
		if i+1 < len(n.items) || step >= 0 && w.comma {
			b.WriteByte(',')
		}
	}
	if step >= 0 && len(n.items) > 0 {
		b.WriteString("\n" + pad)
	}
	b.WriteByte(brackets[1])
}

// indentation is one more step, in tabs where lines are indented by tabs.
func indentation(pad string, step int) string {
	if step <= 0 {
		return ""
	}
	if strings.HasPrefix(pad, "\t") {
		return "\t"
	}
	return strings.Repeat(" ", step)
}

// safe is a text that needs no quotes anywhere.
var safe = regexp.MustCompile(`^[A-Za-z0-9./$_-](?:[A-Za-z0-9./_@%+=()$-]|:[A-Za-z0-9./_-])*$`)

// clock looks like a number of minutes, which YAML 1.1 reads as a number, or
// like a date.
var clock = regexp.MustCompile(`^[-0-9][-0-9:._]*$`)

// scalar writes a key or a single value.
func (w manner) scalar(n *node, key bool) string {
	if n.style == plain { // a number, true, false or null of JSON
		return n.text
	}
	quotes := w.texts && !key || w.keys
	if _, text := plainValue(n.text).(string); text && !quotes && safe.MatchString(n.text) && !clock.MatchString(n.text) && strings.Trim(n.text, "-.=") != "" && n.text[0] != '=' {
		return n.text
	}
	if strings.ContainsAny(n.text, `"\`) && !w.keys && !strings.Contains(n.text, "'") && strings.IndexFunc(n.text, func(r rune) bool { return !unicode.IsPrint(r) }) < 0 {
		return "'" + n.text + "'"
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if encoder.Encode(n.text) != nil {
		return `""` // strings always encode
	}
	return strings.TrimSuffix(b.String(), "\n")
}
