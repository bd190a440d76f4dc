package manifest

import (
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/outrider-dev/outrider/test/corpus"
)

// ConfigMap is the data of the ConfigMap of a name in a multi-document YAML file.
func ConfigMap(yaml, name string) (map[string]string, error) {
	objects, err := corpus.Decode([]byte(yaml))
	if err != nil {
		return nil, err
	}
	for _, o := range objects {
		if u := (unstructured.Unstructured{Object: o}); u.GetKind() == "ConfigMap" && u.GetName() == name {
			data, _, err := unstructured.NestedStringMap(o, "data")
			return data, err
		}
	}
	return nil, fmt.Errorf("there is no ConfigMap %s", name)
}
