package values

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Defaults returns files/defaults.json of the chart for what [Read] has read: each default by the path of its key, one a line. A map whose keys
// users choose is one default; of one with fixed keys, those are defaults of their own that hold a single value.
func Defaults(root Value) ([]byte, error) {
	all := map[string]any{}
	if err := collect(all, root, false); err != nil {
		return nil, err
	}
	var lines []string
	for _, path := range slices.Sorted(maps.Keys(all)) {
		value, err := json.Marshal(all[path])
		if err != nil {
			return nil, fmt.Errorf("write %s: %w", path, err)
		}
		lines = append(lines, fmt.Sprintf("%q: %s", path, value))
	}
	return []byte("{\n" + strings.Join(lines, ",\n") + "\n}\n"), nil
}

func collect(all map[string]any, v Value, component bool) error {
	for _, k := range v.Keys {
		isComponent := component || k.Component()
		if k.Keys != nil {
			if err := collect(all, k, isComponent); err != nil {
				return err
			}
			continue
		}
		var value any
		if err := k.Default.Decode(&value); err != nil {
			return fmt.Errorf("read %s: %w", k.Path, err)
		}
		shape, _ := shapeOf(k.Path, isComponent)
		fill(all, k.Path, value, shape)
	}
	return nil
}

// fill adds the default of a key, and those of its own keys where they are fixed. Other maps and lists within it are left out, since
// templates take none for an empty one, and users take limits away by null.
func fill(all map[string]any, path string, value any, shape schema) {
	all[path] = value
	block, _ := value.(map[string]any)
	properties := fixedKeys(shape)
	for name, v := range block {
		inner, fixed := properties[name].(schema)
		_, isMap := v.(map[string]any)
		_, isList := v.([]any)
		if fixed && !isList && (!isMap || fixedKeys(inner) != nil) {
			fill(all, path+"."+name, v, inner)
		}
	}
}

// fixedKeys are the properties of a shape that takes no others; nil for any other shape.
func fixedKeys(shape schema) schema {
	if name, ok := shape["$ref"].(string); ok {
		shape = definitions[strings.TrimPrefix(name, "#/definitions/")]
	}
	if shape["additionalProperties"] != false {
		return nil
	}
	properties, _ := shape["properties"].(schema)
	return properties
}
