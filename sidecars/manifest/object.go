package manifest

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Object is one object of a stream: a document, or an item of a List, of a
// ResourceList or of OpenShift's Template in one.
type Object struct {
	// Source and Document, counted from 1, are where it stands.
	Source   string
	Document int
	// Kind and Name; empty where the object has none.
	Kind, Name string
	// Namespace as it stands there; empty where it has none.
	Namespace string

	stream *Stream
	in     *document
	object *node // may be an alias
	place  []any // in the document: keys and indexes
}

// Objects are the objects of the stream in their order, and documents that are no
// map and may have been meant as one; those of a document that
// is a list, the items of lists, of the ResourceList that a KRM function is given,
// and of OpenShift's Template, in place of the list.
func (s *Stream) Objects() []Object {
	var all []Object
	for _, d := range s.documents {
		if d.root != nil {
			all = s.objects(all, d, d.root, nil)
		}
	}
	return all
}

func (s *Stream) objects(all []Object, d *document, n *node, place []any) []Object {
	real := n.real()
	if real.kind == listKind && len(place) == 0 { // as jq -s makes it; a JSON patch has no objects
		for i, item := range real.items {
			if item.real().kind == mapKind && item.real().get("apiVersion") != nil && item.real().get("kind") != nil {
				all = s.objects(all, d, item, append(place, i))
			}
		}
	}
	if real.kind != mapKind && (real.kind != scalarKind || len(place) > 0) {
		return all
	}
	if key := listOf(real); key != "" {
		for i, item := range real.get(key).items {
			all = s.objects(all, d, item, append(place[:len(place):len(place)], key, i))
		}
		return all
	}
	name := real.at("metadata", "name").string()
	if generated := real.at("metadata", "generateName").string(); name == "" && generated != "" {
		name = generated + "…"
	}
	return append(all, Object{Source: s.Source, Document: d.number, Kind: real.get("kind").string(),
		Name: name, Namespace: real.at("metadata", "namespace").string(), stream: s, in: d, object: n, place: place})
}

// listOf is the key under which an object has others, in whose place it stands: of a
// List, or of OpenShift's Template; empty where it has none.
func listOf(n *node) string {
	kind, key := n.get("kind").string(), ""
	switch {
	case strings.HasSuffix(kind, "List"):
		key = "items"
	case kind == "Template" && slices.Contains([]string{"v1", "template.openshift.io/v1"}, n.get("apiVersion").string()):
		key = "objects"
	}
	if list := n.get(key); list == nil || list.kind != listKind {
		return ""
	}
	return key
}

// String says which object it is and where, for messages.
func (o Object) String() string {
	return fmt.Sprintf("%s (%s, document %d)", o.title(), o.Source, o.Document)
}

func (o Object) title() string {
	name := cmp.Or(o.Name, "without a name")
	if o.Namespace != "" {
		name = o.Namespace + "/" + name
	}
	return cmp.Or(o.Kind, "object") + " " + name
}

// At says where in its file a value of the object stands, for errors.
func (o Object) At(n *node) string {
	return fmt.Sprintf("%s:%d: %s (document %d)", o.Source, o.stream.line(n.start), o.title(), o.Document)
}

// APIVersion of the object.
func (o Object) APIVersion() string { return o.object.get("apiVersion").string() }

// JSON is the object as JSON.
func (o Object) JSON() ([]byte, error) {
	raw, err := o.object.json()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o, err)
	}
	return raw, nil
}

// Labels of the object.
func (o Object) Labels() map[string]string { return o.object.at("metadata", "labels").texts() }

// Annotations of the object.
func (o Object) Annotations() map[string]string {
	return o.object.at("metadata", "annotations").texts()
}

// mentions reports whether a key of ours can be in a text.
func mentions(text []byte) bool { return bytes.Contains(text, []byte("outrider.dev")) }
