package charts

import (
	"embed"
	"io/fs"
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
