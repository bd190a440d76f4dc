package values

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Value is one key of values.yaml.
type Value struct {
	// Path is the keys from the top, with dots between them: prometheus.retention.time.
	Path string
	// Doc is what the comment says about it.
	Doc string
	// Default is its value.
	Default *yaml.Node
	// Keys are those of a block, in their order; nil for a value that is set as a whole.
	Keys []Value
}

// Name is the last key of the path.
func (v Value) Name() string { return v.Path[strings.LastIndexByte(v.Path, '.')+1:] }

// Component tells whether it is the block of a component, which is what has resources. Thanos' components share an image.
func (v Value) Component() bool {
	return slices.ContainsFunc(v.Keys, func(k Value) bool { return k.Name() == "resources" })
}

// Read reads values.yaml. A key without a sentence is an error, and so is a list or a map of which shapes knows nothing.
func Read(data []byte) (Value, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(data, &document); err != nil {
		return Value{}, fmt.Errorf("read values.yaml: %w", err)
	}
	if len(document.Content) != 1 || document.Content[0].Kind != yaml.MappingNode {
		return Value{}, fmt.Errorf("read values.yaml: it is not a map")
	}
	return block(Value{Default: document.Content[0]}, false)
}

// block reads the keys of a map.
func block(v Value, component bool) (Value, error) {
	for i := 0; i+1 < len(v.Default.Content); i += 2 {
		key, node := v.Default.Content[i], v.Default.Content[i+1]
		k := Value{Path: strings.TrimPrefix(v.Path+"."+key.Value, "."), Doc: sentence(key, node), Default: node}
		isComponent := component || v.Path == "" && has(node, "resources")
		switch _, shaped := shapeOf(k.Path, isComponent); {
		case shaped || node.Kind == yaml.ScalarNode:
			if !strings.HasSuffix(k.Doc, ".") {
				return v, fmt.Errorf("values.yaml, line %d: %s has no sentence, neither after it nor before it: %q", key.Line, k.Path, k.Doc)
			}
		case node.Kind == yaml.MappingNode && len(node.Content) > 0:
			var err error
			if k, err = block(k, isComponent); err != nil {
				return v, err
			}
		default:
			return v, fmt.Errorf("values.yaml, line %d: nothing says what may stand in %s; add it to shapes in test/values/shapes.go", key.Line, k.Path)
		}
		v.Keys = append(v.Keys, k)
	}
	return v, nil
}

// has tells whether a map has a key.
func has(node *yaml.Node, key string) bool {
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == key {
			return true
		}
	}
	return false
}

// sentence is the comment of a key. One that an empty line separates from the key is not about it.
func sentence(key, node *yaml.Node) string {
	var words []string
	for _, comment := range []string{key.HeadComment, key.LineComment, node.LineComment} {
		if i := strings.LastIndex(comment, "\n\n"); i >= 0 {
			comment = comment[i+2:]
		}
		for line := range strings.Lines(comment) {
			words = append(words, strings.Fields(strings.TrimLeft(line, "# "))...)
		}
	}
	return strings.Join(words, " ")
}
