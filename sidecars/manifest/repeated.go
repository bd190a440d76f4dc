package manifest

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/outrider-dev/outrider/sidecars"
)

// repeated are sentences about keys that stand twice in a map, of which the last
// counts and an earlier one has a key of ours.
func (o Object) repeated() []string {
	if !mentions(o.stream.text[o.in.start:o.in.end]) {
		return nil
	}
	var all []string
	var walk func(n *node, path []any)
	walk = func(n *node, path []any) {
		for i, item := range n.items {
			if n.kind == listKind {
				walk(item, append(slices.Clip(path), i))
				continue
			}
			name := n.keys[i].keyText()
			at := append(slices.Clip(path), name)
			if n.own(name) == i || name == mergeKey {
				walk(item, at)
			} else if key := cmp.Or(ownKey(name), item.ownKey()); key != "" {
				all = append(all, fmt.Sprintf("%s in line %d has no effect: %s is there again in line %d, and the last one counts; remove one of them",
					key, o.stream.line(n.keys[i].start), quotedPath(at), o.stream.line(n.keys[n.own(name)].start)))
			}
		}
	}
	walk(o.object, nil)
	return all
}

// ownKey is a key of ours among the keys of a value and of those in it, or "".
func (n *node) ownKey() string {
	if n == nil {
		return ""
	}
	for i, item := range n.items {
		if n.kind == mapKind {
			if key := ownKey(n.keys[i].keyText()); key != "" {
				return key
			}
		}
		if key := item.ownKey(); key != "" {
			return key
		}
	}
	return ""
}

func ownKey(key string) string {
	if sidecars.OwnKey(key) {
		return key
	}
	return ""
}

// strayed are sentences about keys of ours in a pod, or in one of Kubernetes' own
// workloads, that stand neither among annotations nor labels of the object or of
// its pods. Other kinds may hold them for what is made from them.
func (o Object) strayed(paths [][]any) []string {
	if _, ok := sidecars.WorkloadOf(o.kind()); !ok && !o.isPod() {
		return nil
	}
	known := map[*node]bool{}
	for _, path := range append(paths, nil) {
		metadata := o.object.follow(path).at("metadata")
		known[metadata.get("annotations")], known[metadata.get("labels")] = true, true
	}
	var all []string
	var walk func(n *node, path []any)
	walk = func(n *node, path []any) {
		for i, item := range n.items {
			var step any = i
			if n.kind == mapKind {
				step = n.keys[i].keyText()
				known[item] = known[item] || known[n] && step == mergeKey
				if key := n.keys[i].keyText(); isPodKey(key) && !known[n] {
					all = append(all, fmt.Sprintf("%s has no effect in %s; write it as an annotation, in %s.annotations", key, cmp.Or(quotedPath(path), "the object"), templateMetadata(paths[0])))
				}
			}
			walk(item, append(slices.Clip(path), step))
		}
	}
	walk(o.object.real(), nil)
	return all
}
