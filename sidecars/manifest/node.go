package manifest

import (
	"encoding/json"
	"fmt"
	"slices"
)

// node is a value in a document's text. It knows where it starts and ends, so
// that what is added or removed can be an edit of the text.
type node struct {
	kind kind
	// start is where the value starts, with its anchor and tag; end is behind it.
	// The end of a node of YAML is known once the document is measured.
	start, end int
	// column of the start in characters, from 0.
	column int
	flow   bool // a map or list in braces or brackets
	style  scalarStyle
	text   string // of a scalar, without quotes and escapes; the name of an alias
	tag    string // written by the author, in its short form
	keys   []*node
	items  []*node // of a list; the values of a map
	target *node   // of an alias
}

type kind int

const (
	scalarKind kind = iota
	mapKind
	listKind
	aliasKind
)

// String is what people call a kind.
func (k kind) String() string {
	switch k {
	case mapKind:
		return "a map"
	case listKind:
		return "a list"
	}
	return "a single value"
}

type scalarStyle int

const (
	plain scalarStyle = iota
	quoted
	block
)

// mergeKey has the entries of another map merged into its own map.
const mergeKey = "<<"

// real is the node that an alias stands for, or the node itself.
func (n *node) real() *node {
	for n != nil && n.kind == aliasKind {
		n = n.target
	}
	return n
}

// own is the index of the last entry with a key that stands in the map itself,
// or -1. Of equal keys the last one wins, as for kubectl.
func (n *node) own(key string) int {
	if n == nil || n.kind != mapKind {
		return -1
	}
	for i := len(n.keys) - 1; i >= 0; i-- {
		if n.keys[i].keyText() == key {
			return i
		}
	}
	return -1
}

// get is the value under a key, or nil. Aliases are followed, and maps that are
// merged into this one.
func (n *node) get(key string) *node {
	n = n.real()
	if i := n.own(key); i >= 0 {
		return n.items[i].real()
	}
	i := n.own(mergeKey)
	if i < 0 {
		return nil
	}
	merged := n.items[i].real()
	if merged.kind != listKind {
		return merged.get(key)
	}
	for _, one := range merged.items {
		if found := one.get(key); found != nil {
			return found
		}
	}
	return nil
}

// at is the value under a path of keys, or nil.
func (n *node) at(path ...string) *node {
	for _, key := range path {
		n = n.get(key)
	}
	return n
}

// texts are the entries of a map whose values are single ones.
func (n *node) texts() map[string]string {
	value, ok := n.real().value().(map[string]any)
	if !ok {
		return nil
	}
	all := make(map[string]string, len(value))
	for key, v := range value {
		switch v := v.(type) {
		case map[string]any, []any:
		case nil:
			all[key] = ""
		default:
			all[key] = fmt.Sprint(v)
		}
	}
	return all
}

// isString reports whether a scalar is text for Kubernetes, and not a number,
// true, false or null.
func (n *node) isString() bool {
	_, ok := n.scalar().(string)
	return n != nil && n.kind == scalarKind && ok
}

// string is the text of a scalar, or "": of a name that reads as true, too.
func (n *node) string() string {
	if n = n.real(); n == nil || n.kind != scalarKind || n.isNull() {
		return ""
	}
	return n.text
}

// isNull reports whether a value is null or missing.
func (n *node) isNull() bool {
	n = n.real()
	return n == nil || n.kind == scalarKind && n.scalar() == nil
}

// value is a node as encoding/json has values, numbers as json.Number.
func (n *node) value() any {
	n = n.real()
	if n == nil {
		return nil
	}
	switch n.kind {
	case mapKind:
		out := make(map[string]any, len(n.keys))
		n.fill(out)
		return out
	case listKind:
		out := make([]any, len(n.items))
		for i, item := range n.items {
			out[i] = item.value()
		}
		return out
	}
	return n.scalar()
}

// fill puts the entries of a map into out, those that are merged under its own.
func (n *node) fill(out map[string]any) {
	if i := n.own(mergeKey); i >= 0 {
		merged := n.items[i].real()
		parts := []*node{merged}
		if merged.kind == listKind {
			parts = merged.items
		}
		for _, part := range slices.Backward(parts) {
			if part = part.real(); part.kind == mapKind {
				part.fill(out)
			}
		}
	}
	for i, key := range n.keys {
		if text := key.keyText(); text != mergeKey {
			out[text] = n.items[i].value()
		}
	}
}

// json is a node as JSON.
func (n *node) json() ([]byte, error) { return json.Marshal(n.value()) }

// keyText is a key as JSON has it: kubectl reads the key on as true.
func (n *node) keyText() string {
	n = n.real()
	if n.kind != scalarKind {
		return ""
	}
	switch v := n.scalar().(type) {
	case string:
		return v
	case nil:
		return "null"
	default:
		return fmt.Sprint(v)
	}
}
