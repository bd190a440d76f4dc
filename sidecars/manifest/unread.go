package manifest

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

// ownKeys matches keys of ours in a text that is no key.
var ownKeys = regexp.MustCompile(`(?:[a-z0-9-]+\.)?outrider\.dev/[a-z-]+`)

// unread are sentences about keys of ours that are none for YAML or for Kubernetes, and why.
func (o Object) unread() []string {
	if !mentions(o.stream.text[o.in.start:o.in.end]) {
		return nil
	}
	var all []string
	say := func(n *node, key, format string, args ...any) {
		all = append(all, fmt.Sprintf("%s in line %d has no effect: %s", key, o.stream.line(n.start), fmt.Sprintf(format, args...)))
	}
	root := o.object.real()
	if comment := strings.HasPrefix(root.text, "//") || strings.HasPrefix(root.text, "/*"); root.kind == scalarKind && comment {
		if key := podKeyIn(root.text); key != "" {
			say(root, key, "it begins with a comment that neither JSON nor YAML has; remove that")
		}
		return all
	}
	o.object.forScalars(func(n *node) {
		if i := strings.IndexFunc(n.text, isOddSpace); i >= 0 && n.style == plain {
			if key := podKeyIn(n.text); key != "" {
				say(n, key, "there is a %U beside it, which is no blank for YAML; write one instead", []rune(n.text[i:])[0])
			}
		}
	})
	if services := root.get("services"); o.Kind == "" && o.APIVersion() == "" && services != nil {
		services.forScalars(func(n *node) {
			if key := podKeyIn(n.text); key != "" && strings.HasPrefix(n.text, key) {
				say(n, key, "it is in a file for Docker Compose; make objects for Kubernetes of it first, such as with kompose convert")
			}
		})
	}
	return all
}

// podKeyIn is a key for pods in a text, or "".
func podKeyIn(text string) string {
	for _, key := range ownKeys.FindAllString(text, -1) {
		if isPodKey(key) {
			return key
		}
	}
	return ""
}

// isOddSpace reports whether a rune looks like a blank or like nothing, and is none for YAML.
func isOddSpace(r rune) bool {
	return r > unicode.MaxASCII && (unicode.IsSpace(r) || unicode.Is(unicode.Cf, r))
}

// forScalars visits the single values in a node, keys among them.
func (n *node) forScalars(visit func(*node)) {
	if n == nil {
		return
	}
	if n.kind == scalarKind {
		visit(n)
	}
	for i, item := range n.items {
		if n.kind == mapKind {
			n.keys[i].forScalars(visit)
		}
		item.forScalars(visit)
	}
}
