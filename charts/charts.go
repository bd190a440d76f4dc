package charts

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

//go:embed all:outrider
var files embed.FS

// Outrider returns the files of the chart, with Chart.yaml at the root.
func Outrider() fs.FS {
	chart, err := fs.Sub(files, "outrider")
	if err != nil {
		panic(err) // the name is a constant that the compiler has already looked up
	}
	return chart
}

const presetPrefix, presetSuffix = "ci/", "-values.yaml"

// Presets are the names of the chart's presets, sorted.
func Presets() []string {
	names, err := fs.Glob(Outrider(), presetPrefix+"*"+presetSuffix)
	if err != nil {
		panic(err) // only of a pattern that is none
	}
	for i := range names {
		names[i] = strings.TrimSuffix(strings.TrimPrefix(names[i], presetPrefix), presetSuffix)
	}
	slices.Sort(names)
	return names
}

// Preset returns the values of a preset as YAML. The error of one that there is not names
// those that there are.
func Preset(name string) ([]byte, error) {
	raw, err := fs.ReadFile(Outrider(), presetPrefix+name+presetSuffix)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) {
		return nil, fmt.Errorf("there is no preset %q; there are %s", name, strings.Join(Presets(), ", "))
	}
	if err != nil {
		return nil, fmt.Errorf("read preset %s: %w", name, err)
	}
	return raw, nil
}
