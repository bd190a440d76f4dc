package values

import (
	"encoding/json"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Schema returns values.schema.json for what [Read] has read.
func Schema(root Value) ([]byte, error) {
	properties := properties(root, false)
	properties["enabled"] = schema{
		"description": `Read by nothing here: an umbrella chart's "condition: outrider.enabled" passes it on.`,
		"type":        "boolean",
	}
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	err := encoder.Encode(map[string]any{
		"$schema":              "http://json-schema.org/draft-07/schema#",
		"title":                "Values of the Outrider chart",
		"$comment":             "Generated from values.yaml and test/values/shapes.go by: make update",
		"type":                 "object",
		"additionalProperties": false,
		"properties":           properties,
		"definitions":          definitions,
	})
	if err != nil {
		return nil, fmt.Errorf("write values.schema.json: %w", err)
	}
	return []byte(b.String()), nil
}

func properties(v Value, component bool) schema {
	all := schema{}
	for _, k := range v.Keys {
		all[k.Name()] = property(k, component || k.Component())
	}
	return all
}

func property(v Value, component bool) schema {
	s, shaped := shapeOf(v.Path, component)
	switch {
	case shaped:
	case v.Keys == nil:
		s = scalar(v.Default)
	case v.Path == "global":
		s = schema{"type": "object", "properties": properties(v, component)}
	default:
		s = object(properties(v, component))
	}
	if v.Doc == "" {
		return s
	}
	return doc(v.Doc, s)
}

// scalar is a value of which only the type is known.
func scalar(node *yaml.Node) schema {
	switch node.Tag {
	case "!!bool":
		return schema{"type": "boolean"}
	case "!!int":
		return schema{"type": "integer", "minimum": 0}
	case "!!float":
		return schema{"type": "number", "minimum": 0}
	default:
		return schema{"type": "string"}
	}
}
