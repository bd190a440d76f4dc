package corpus

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"k8s.io/apimachinery/pkg/util/yaml"

	"github.com/outrider-dev/outrider/sidecars"
)

// Read reads a case that is not in this folder.
func Read(name string, raw []byte) (Case, error) {
	objects, err := Decode(raw)
	if err != nil {
		return Case{}, err
	}
	c := Case{Name: name, YAML: raw, Objects: objects, Cluster: true}
	for line := range strings.Lines(string(raw)) {
		if up, ok := strings.CutPrefix(line, "# up: "); ok {
			c.Up = strings.Fields(up)
		}
		c.Cluster = c.Cluster && strings.TrimSpace(line) != "# cluster: no"
	}
	for _, o := range objects {
		if o["kind"] != "Namespace" {
			continue
		}
		metadata, _ := o["metadata"].(map[string]any)
		c.Namespace = sidecars.Namespace{Labels: texts(metadata["labels"]), Annotations: texts(metadata["annotations"])}
	}
	return c, nil
}

// Decode splits a multi-document YAML file into its objects.
func Decode(raw []byte) ([]map[string]any, error) {
	var objects []map[string]any
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(raw), 4096)
	for {
		var object map[string]any
		err := decoder.Decode(&object)
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, fmt.Errorf("decode document %d: %w", len(objects)+1, err)
		}
		if len(object) > 0 {
			objects = append(objects, object)
		}
	}
}
