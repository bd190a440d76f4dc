// Command picture draws the figures of make scale over the number of pods, a panel for each kind of cost:
//
//	go -C test/scale/picture run . ../figures.csv ../../../.github/scale.png
//
// It has a module of its own, so that nothing else depends on a library for plots.
package main

import (
	"encoding/csv"
	"fmt"
	"image/color"
	"os"
	"slices"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "picture:", err)
		os.Exit(1)
	}
}

// curves are the variants of the CSV file that are drawn; those that come later lie above.
var curves = []struct {
	variant, text string
	color         color.RGBA
	dashes        []vg.Length
	valued        bool // its last point has its value beside it
}{
	{"usual jobs", "usual annotation jobs", color.RGBA{0xcf, 0x22, 0x2e, 0xff}, nil, true},
	{"pod job", "one job for annotated pods", color.RGBA{0xbf, 0x87, 0x00, 0xff}, nil, true},
	{"file", "the same targets from a file", color.RGBA{0x57, 0x60, 0x6a, 0xff}, []vg.Length{4, 3}, false},
	{"Outrider", "Outrider", color.RGBA{0x09, 0x69, 0xda, 0xff}, nil, true},
}

// panels are the columns of the CSV file that are drawn, and what one of their units is divided by.
var panels = []struct {
	title, column, unit string
	divisor             float64
}{
	{"Prometheus' live heap, MB", "heap_bytes", "MB", 1e6},
	{"CPU until all targets are found, s", "cpu_seconds", "s", 1},
	{"Received until then, MB", "received_bytes", "MB", 1e6},
	{"CPU while other pods change, s", "churn_cpu_seconds", "s", 1},
}

func run(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("usage: picture FIGURES.csv FILE.png")
	}
	figures, err := read(args[0])
	if err != nil {
		return err
	}
	plot.DefaultFont.Variant, plotter.DefaultFont.Variant = "Sans", "Sans"
	const width, height = 16 * vg.Inch, 4 * vg.Inch
	img := vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(120))
	tiles := draw.Tiles{Rows: 1, Cols: len(panels), PadX: 20, PadTop: 10, PadBottom: 10, PadLeft: 10, PadRight: 10}
	row := make([]*plot.Plot, len(panels))
	for i, p := range panels {
		if row[i], err = figures.panel(p.title, p.column, p.unit, p.divisor); err != nil {
			return fmt.Errorf("%s: %w", p.title, err)
		}
	}
	row[0].Legend.Top, row[0].Legend.Left = true, true
	for i, canvas := range plot.Align([][]*plot.Plot{row}, tiles, draw.New(img))[0] {
		row[i].Draw(canvas)
	}
	f, err := os.Create(args[1])
	if err != nil {
		return err
	}
	if _, err := (vgimg.PngCanvas{Canvas: img}).WriteTo(f); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// figures are the rows of the CSV file by their columns.
type figures []map[string]string

func read(path string) (figures, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil || len(rows) < 2 {
		return nil, fmt.Errorf("%s has %d rows, %v", path, len(rows), err)
	}
	var all figures
	for _, row := range rows[1:] {
		by := map[string]string{}
		for i, column := range rows[0] {
			by[column] = row[i]
		}
		all = append(all, by)
	}
	return all, nil
}

// points are those of a variant, in the order of the pods.
func (f figures) points(variant, column string, divisor float64) (plotter.XYs, error) {
	var points plotter.XYs
	for _, row := range f {
		if row["variant"] != variant {
			continue
		}
		pods, err := strconv.ParseFloat(row["pods"], 64)
		if err != nil {
			return nil, err
		}
		value, err := strconv.ParseFloat(row[column], 64)
		if err != nil {
			return nil, err
		}
		points = append(points, plotter.XY{X: pods, Y: value / divisor})
	}
	if len(points) == 0 {
		return nil, fmt.Errorf("there is no row of %s", variant)
	}
	slices.SortFunc(points, func(a, b plotter.XY) int { return int(a.X - b.X) })
	return points, nil
}

func (f figures) panel(title, column, unit string, divisor float64) (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text, p.Title.Padding = title, 10
	p.X.Label.Text, p.Y.Min = "pods", 0
	grid := plotter.NewGrid()
	grid.Vertical.Color = nil
	p.Add(grid)
	var ends plotter.XYLabels
	var colors []color.Color
	for _, c := range curves {
		points, err := f.points(c.variant, column, divisor)
		if err != nil {
			return nil, err
		}
		line, dots, err := plotter.NewLinePoints(points)
		if err != nil {
			return nil, err
		}
		line.Color, line.Width, line.Dashes = c.color, 1.5, c.dashes
		dots.Color, dots.Shape, dots.Radius = c.color, draw.CircleGlyph{}, 2
		p.Add(line, dots)
		if column == panels[0].column {
			p.Legend.Add(c.text, line)
		}
		if last := points[len(points)-1]; c.valued {
			ends.XYs = append(ends.XYs, last)
			ends.Labels = append(ends.Labels, fmt.Sprintf("%.3g %s", last.Y, unit))
			colors = append(colors, c.color)
		}
	}
	labels, err := plotter.NewLabels(ends)
	if err != nil {
		return nil, err
	}
	for i := range labels.TextStyle {
		labels.TextStyle[i].Color, labels.TextStyle[i].Font.Size = colors[i], 11
	}
	labels.Offset = vg.Point{X: 5, Y: 2}
	p.Add(labels)
	most := ends.XYs[0].X
	p.X.Tick.Marker = plot.ConstantTicks{{Value: 0, Label: "0"}, {Value: most / 2, Label: fmt.Sprint(most / 2)}, {Value: most, Label: fmt.Sprint(most)}}
	p.X.Min, p.X.Max = 0, 1.3*most // room for the values
	return p, nil
}
