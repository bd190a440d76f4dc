package values

import (
	"encoding/json"
	"fmt"
	"strings"
)

// longDefault is the number of bytes from which on the table refers to values.yaml rather than showing a default.
const longDefault = 120

// Table returns the README's table of values in Markdown: for each key its default and its sentence.
func Table(root Value) (string, error) {
	var b strings.Builder
	b.WriteString("| key | default | what it is |\n|---|---|---|\n")
	if err := rows(&b, root); err != nil {
		return "", err
	}
	return b.String(), nil
}

func rows(b *strings.Builder, v Value) error {
	for _, k := range v.Keys {
		if k.Keys != nil {
			if k.Doc != "" {
				fmt.Fprintf(b, "| **`%s`** | | %s |\n", k.Path, cell(k.Doc))
			}
			if err := rows(b, k); err != nil {
				return err
			}
			continue
		}
		var value any
		if err := k.Default.Decode(&value); err != nil {
			return fmt.Errorf("read %s: %w", k.Path, err)
		}
		text, err := json.Marshal(value)
		if err != nil {
			return fmt.Errorf("write %s: %w", k.Path, err)
		}
		shown := "`" + cell(string(text)) + "`"
		if len(text) > longDefault {
			shown = "see values.yaml"
		}
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", k.Path, shown, cell(k.Doc))
	}
	return nil
}

// cell is text that a column of a table can hold.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }
