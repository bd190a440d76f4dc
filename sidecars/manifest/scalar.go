package manifest

import (
	"encoding/json"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// scalar is what a scalar means to Kubernetes: kubectl reads YAML 1.1, in which
// yes and on are true.
func (n *node) scalar() any {
	if n == nil || n.kind != scalarKind {
		return nil
	}
	if n.style != plain || n.tag == "!!str" {
		return n.text
	}
	return plainValue(n.text)
}

// words that are no strings where they are not quoted.
var words = func() map[string]any {
	all := map[string]any{"": nil, "~": nil}
	for text, value := range map[string]any{"null": nil, "true": true, "yes": true, "on": true, "false": false, "no": false, "off": false} {
		for _, spelling := range []string{text, strings.ToUpper(text), strings.ToUpper(text[:1]) + text[1:]} {
			all[spelling] = value
		}
	}
	return all
}()

var decimal = regexp.MustCompile(`^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`)

// plainValue is what an unquoted scalar means: nil, a bool, a json.Number or a string.
func plainValue(text string) any {
	if value, ok := words[text]; ok {
		return value
	}
	if !strings.ContainsAny(text[:1], "+-.0123456789") {
		return text
	}
	digits := strings.ReplaceAll(text, "_", "")
	if i, err := strconv.ParseInt(digits, 0, 64); err == nil {
		return json.Number(strconv.FormatInt(i, 10))
	}
	if u, err := strconv.ParseUint(digits, 0, 64); err == nil {
		return json.Number(strconv.FormatUint(u, 10))
	}
	if decimal.MatchString(digits) {
		if f, err := strconv.ParseFloat(digits, 64); err == nil && !math.IsInf(f, 0) {
			return json.Number(strconv.FormatFloat(f, 'g', -1, 64))
		}
	}
	return text
}
