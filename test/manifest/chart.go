package manifest

import (
	"github.com/outrider-dev/outrider/cmd/outrider/release"
	"github.com/outrider-dev/outrider/test/corpus"
)

// Rendered are the objects of a release with values, for a version of Kubernetes.
func Rendered(r release.Release, values map[string]any, kubernetes string) ([]map[string]any, error) {
	text, err := r.Render(values, kubernetes)
	if err != nil {
		return nil, err
	}
	return corpus.Decode([]byte(text))
}
