package manifest

import (
	"encoding/json"
	"fmt"
	"strings"

	"gomodules.xyz/jsonpatch/v2"
)

// growth is what is added at one place of an object: entries of a map, items of
// a list, or a value where there was none.
type growth struct {
	key     string
	entries []*growth
	items   []*node
	value   *node // a single value

	item  *growth // of one item of a list that is there, at index
	index int
}

// under is a growth at a path of keys and indexes.
func (g *growth) under(path []any) *growth {
	for i := len(path) - 1; i >= 0; i-- {
		switch step := path[i].(type) {
		case string:
			g = &growth{entries: []*growth{{key: step, entries: g.entries, items: g.items, value: g.value, item: g.item, index: g.index}}}
		case int:
			g = &growth{item: g, index: step}
		}
	}
	return g
}

// growthOf makes a tree of JSON patch operations that all add.
func growthOf(ops []jsonpatch.Operation) (*growth, error) {
	root := &growth{}
	for _, op := range ops {
		if op.Operation != "add" {
			return nil, fmt.Errorf("operation %q is not an addition", op.Operation)
		}
		raw, err := json.Marshal(op.Value)
		if err != nil {
			return nil, err
		}
		value, err := scanJSON(raw, 0)
		if err != nil {
			return nil, err
		}
		g := root
		for part := range strings.SplitSeq(strings.TrimPrefix(op.Path, "/"), "/") {
			if part == "-" {
				g.items = append(g.items, value)
				value = nil
				break
			}
			g = g.entry(strings.NewReplacer("~1", "/", "~0", "~").Replace(part))
		}
		if value != nil {
			g.take(value)
		}
	}
	return root, nil
}

// entry is the growth under a key.
func (g *growth) entry(key string) *growth {
	for _, e := range g.entries {
		if e.key == key {
			return e
		}
	}
	e := &growth{key: key}
	g.entries = append(g.entries, e)
	return e
}

// take adds a whole value.
func (g *growth) take(value *node) {
	switch value.kind {
	case mapKind:
		for i, key := range value.keys {
			g.entry(key.text).take(value.items[i])
		}
	case listKind:
		g.items = append(g.items, value.items...)
	default:
		g.value = value
	}
}

// node is the growth as a value of its own.
func (g *growth) node() *node {
	switch {
	case g.value != nil:
		return g.value
	case g.items != nil:
		return &node{kind: listKind, flow: true, items: g.items}
	}
	n := &node{kind: mapKind, flow: true}
	for _, e := range g.entries {
		n.keys = append(n.keys, &node{text: e.key, style: quoted})
		n.items = append(n.items, e.node())
	}
	return n
}

// on makes the same additions to a value.
func (g *growth) on(value any) any {
	switch {
	case g.value != nil:
		return g.value.value()
	case g.item != nil:
		list := value.([]any)
		list[g.index] = g.item.on(list[g.index])
		return list
	case g.items != nil:
		list, _ := value.([]any)
		for _, item := range g.items {
			list = append(list, item.value())
		}
		return list
	}
	m, _ := value.(map[string]any)
	if m == nil {
		m = map[string]any{}
	}
	for _, e := range g.entries {
		m[e.key] = e.on(m[e.key])
	}
	return m
}
