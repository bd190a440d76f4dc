package manifest

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"

	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// Stream is a sequence of YAML documents, as a file or standard input has them.
type Stream struct {
	// Source is where it came from, for messages: a file's name, or "-".
	Source string

	documents []*document
	windows   bool // lines end in CR LF, as the first one does
}

// document is written as it was read unless something in it was changed.
type document struct {
	raw     []byte
	node    *yaml.RNode // nil where there are only comments
	changed bool
}

// Object is one object of a stream: a document, or an item of a List or of a
// ResourceList in one.
type Object struct {
	// Source and Document, counted from 1, are where it stands.
	Source   string
	Document int
	// Kind and Name; empty where the object has none.
	Kind, Name string
	// Namespace as it stands there; empty where it has none.
	Namespace string

	node *yaml.RNode
	in   *document
}

// Read reads documents of YAML or JSON. An error names the source and the
// document.
func Read(source string, r io.Reader) (*Stream, error) {
	s := &Stream{Source: source}
	buffered := bufio.NewReader(r)
	head, _ := buffered.Peek(buffered.Size()) // what is wrong is said when it is read
	first, _, ended := bytes.Cut(head, []byte("\n"))
	s.windows = ended && bytes.HasSuffix(first, []byte("\r"))
	documents := utilyaml.NewYAMLReader(buffered) // makes every line end in LF
	for {
		raw, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return s, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", source, err)
		}
		d, err := parse(raw)
		if err != nil {
			return nil, fmt.Errorf("read %s: document %d: %w", source, len(s.documents)+1, err)
		}
		s.documents = append(s.documents, d)
	}
}

func parse(raw []byte) (*document, error) {
	d := &document{raw: raw}
	node, err := yaml.Parse(string(raw))
	if errors.Is(err, io.EOF) {
		return d, nil // nothing but comments
	}
	if err != nil {
		return nil, err
	}
	if kind := node.YNode().Kind; kind == yaml.SequenceNode || kind == yaml.ScalarNode && node.YNode().Tag != yaml.NodeTagNull {
		return nil, fmt.Errorf("it is %s, want an object with apiVersion and kind", kindName(kind))
	}
	if !node.IsNilOrEmpty() {
		// A node that two objects share cannot be edited for one of them.
		if err := node.DeAnchor(); err != nil {
			return nil, err
		}
		d.node = node
	}
	return d, nil
}

// Write writes the documents, separated by lines of three dashes. Those that
// were not changed are written byte for byte; lines end as the first one of the
// stream did.
func (s *Stream) Write(w io.Writer) error {
	if s.windows {
		w = windowsLines{w}
	}
	for i, d := range s.documents {
		if i > 0 {
			if _, err := io.WriteString(w, "---\n"); err != nil {
				return err
			}
		}
		if err := d.write(w); err != nil {
			return fmt.Errorf("write document %d of %s: %w", i+1, s.Source, err)
		}
	}
	return nil
}

// windowsLines ends lines in CR LF that end in LF.
type windowsLines struct{ io.Writer }

func (w windowsLines) Write(p []byte) (int, error) {
	if _, err := w.Writer.Write(bytes.ReplaceAll(p, []byte("\n"), []byte("\r\n"))); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (d *document) write(w io.Writer) error {
	if d.changed {
		encoder := yaml.NewEncoderWithOptions(w, &yaml.EncoderOptions{SeqIndent: yaml.SequenceIndentStyle(yaml.DeriveSeqIndentStyle(string(d.raw)))})
		defer encoder.Close()
		return encoder.Encode(d.node.Document())
	}
	if _, err := w.Write(d.raw); err != nil || bytes.HasSuffix(d.raw, []byte("\n")) {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// Objects are the objects of the stream in their order; the items of Lists, and
// of the ResourceList that a KRM function is given, in place of the list.
func (s *Stream) Objects() []Object {
	var all []Object
	for i, d := range s.documents {
		if d.node != nil {
			all = append(all, s.objects(i+1, d, d.node)...)
		}
	}
	return all
}

func (s *Stream) objects(number int, d *document, node *yaml.RNode) []Object {
	if isList(node) {
		items, err := node.Pipe(yaml.Lookup("items"))
		if err != nil || items == nil {
			return nil
		}
		elements, err := items.Elements()
		if err != nil {
			return nil // items is no list: the API server will say so
		}
		var all []Object
		for _, element := range elements {
			all = append(all, s.objects(number, d, element)...)
		}
		return all
	}
	if node.YNode().Kind != yaml.MappingNode {
		return nil
	}
	o := Object{Source: s.Source, Document: number, Kind: node.GetKind(), node: node, in: d}
	if o.metadata() == yaml.MappingNode {
		o.Name, o.Namespace = node.GetName(), node.GetNamespace()
	}
	return []Object{o}
}

// metadata is what kind of node the object's metadata is; kyaml's own
// functions panic where it is no map.
func (o Object) metadata() yaml.Kind {
	if field := o.node.Field(yaml.MetadataField); field != nil {
		return field.Value.YNode().Kind
	}
	return 0
}

// kindName is what people call a node.
func kindName(kind yaml.Kind) string {
	switch kind {
	case yaml.MappingNode:
		return "a map"
	case yaml.SequenceNode:
		return "a list"
	default:
		return "a single value"
	}
}

func isList(node *yaml.RNode) bool {
	if node.YNode().Kind != yaml.MappingNode {
		return false
	}
	lists := []string{"v1/List", "config.kubernetes.io/v1/ResourceList", "config.kubernetes.io/v1beta1/ResourceList", "config.kubernetes.io/v1alpha1/ResourceList"}
	if slices.Contains(lists, node.GetApiVersion()+"/"+node.GetKind()) {
		return true
	}
	_, known := templatePaths[node.GetApiVersion()+"/"+trimList(node.GetKind())]
	return known && trimList(node.GetKind()) != node.GetKind()
}

// String says where the object stands, for messages.
func (o Object) String() string {
	name := cmp.Or(o.Name, "without a name")
	if o.Namespace != "" {
		name = o.Namespace + "/" + name
	}
	return fmt.Sprintf("%s %s (%s, document %d)", o.Kind, name, o.Source, o.Document)
}

// APIVersion of the object.
func (o Object) APIVersion() string { return o.node.GetApiVersion() }

// JSON is the object as JSON.
func (o Object) JSON() ([]byte, error) {
	raw, err := o.node.MarshalJSON()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o, err)
	}
	return raw, nil
}

// Labels of the object.
func (o Object) Labels() map[string]string { return o.texts("labels") }

// Annotations of the object.
func (o Object) Annotations() map[string]string { return o.texts("annotations") }

// texts is a map of the object's metadata; nil where there is none.
func (o Object) texts(field string) map[string]string {
	node, err := o.node.Pipe(yaml.Lookup(yaml.MetadataField, field))
	if err != nil || node == nil || node.YNode().Kind != yaml.MappingNode {
		return nil
	}
	all, content := map[string]string{}, node.YNode().Content
	for i := 0; i+1 < len(content); i += 2 {
		all[content[i].Value] = content[i+1].Value
	}
	return all
}
