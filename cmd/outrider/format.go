package main

import (
	"encoding/json"
	"fmt"
	"io"

	"sigs.k8s.io/yaml"
)

// writeFormat writes a value as json or yaml, or, for people, what text writes.
func writeFormat(w io.Writer, format string, value any, text func(io.Writer) error) error {
	switch format {
	case "text":
		return text(w)
	case "json":
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)
		return encoder.Encode(value)
	case "yaml":
		raw, err := yaml.Marshal(value)
		if err != nil {
			return fmt.Errorf("encode as YAML: %w", err)
		}
		_, err = w.Write(raw)
		return err
	}
	return fmt.Errorf("--output %q: want text, json or yaml", format)
}
