package values

import (
	"encoding/json"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Schema returns values.schema.json for what [Read] has read.
func Schema(root Value) ([]byte, error) {
	common := commonKeys(root)
	shared := schema{}
	for name, s := range definitions {
		shared[name] = s
	}
	for _, k := range common {
		shared[commonPrefix+k.Name()] = property(k, false, nil)
	}
	properties := properties(root, false, common)
	properties["enabled"] = schema{
		"description": `Read by nothing here: an umbrella chart's "condition: outrider.enabled" passes it on.`,
		"type":        "boolean",
	}
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(map[string]any{
		"$schema":              "http://json-schema.org/draft-07/schema#",
		"title":                "Values of the Outrider chart",
		"$comment":             "Generated from values.yaml and test/values/shapes.go by: make update",
		"type":                 "object",
		"additionalProperties": false,
		"properties":           properties,
		"definitions":          shared,
	})
	if err != nil {
		return nil, fmt.Errorf("write values.schema.json: %w", err)
	}
	return []byte(b.String()), nil
}

// commonPrefix begins the names of the definitions of what every component has.
const commonPrefix = "common."

// commonKeys are the keys of the block common, which every component has too.
func commonKeys(root Value) []Value {
	for _, k := range root.Keys {
		if k.Path == "common" {
			return k.Keys
		}
	}
	return nil
}

func properties(v Value, component bool, common []Value) schema {
	all := schema{}
	if v.Path == "common" || v.Component() {
		for _, k := range common {
			all[k.Name()] = ref(commonPrefix + k.Name())
			if v.Path != "common" { // null leaves it to common
				all[k.Name()] = schema{"anyOf": []schema{ref(commonPrefix + k.Name()), {"type": "null"}}}
			}
		}
	}
	if v.Path == "common" {
		return all
	}
	for _, k := range v.Keys {
		all[k.Name()] = property(k, component || k.Component(), common)
	}
	foreignKeys(v.Path, all)
	return all
}

func property(v Value, component bool, common []Value) schema {
	s, shaped := shapeOf(v.Path, component)
	switch {
	case shaped:
	case v.Keys == nil:
		s = scalar(v.Default)
	case v.Path == "global":
		s = schema{"type": "object", "properties": properties(v, component, common)}
	default:
		s = object(properties(v, component, common))
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
