package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"

	"context"

	"github.com/outrider-dev/outrider/test/browser"
)

//go:embed picture.svg.tmpl
var pictureTemplate string

// Sizes in CSS pixels.
const (
	width, height         = 1200, 372
	plotWidth, plotHeight = 178, 190
	left, top, step       = 66, 142, 290
	pictureScale          = 2 // pixels of the file for each of these
)

// curve is how a variant is drawn. Those that come later lie above.
type curve struct {
	variant, text, color, dash string
	stroke                     float64
	labeled                    bool
}

var curves = []curve{
	{usual, "usual annotation jobs (pods, endpoints, services, nodes)", "#cf222e", "", 2, true},
	{annotated, "one job for annotated pods", "#bf8700", "", 2, true},
	{static, "the same targets from a file", "#57606a", "4 3", 1.5, false},
	{outrider, "Outrider", "#0969da", "", 3, true},
}

// panels are what is drawn over the number of pods.
var panels = []struct {
	title, unit string
	of          func(figure) float64
}{
	{"Live heap, MB", "MB", func(f figure) float64 { return megabytes(f.Heap) }},
	{"CPU until all is found, s", "s", func(f figure) float64 { return f.CPU.Seconds() }},
	{"Received until then, MB", "MB", func(f figure) float64 { return megabytes(f.Received) }},
	{"CPU while other pods change, s", "s", func(f figure) float64 { return f.ChurnCPU.Seconds() }},
}

type (
	tick  struct{ At, TextAt, Text any }
	dot   struct{ X, Y, Color any }
	label struct {
		At          float64
		Text, Color string
	}
	line struct {
		Points, Color, Dash string
		Stroke              float64
		Dots                []dot
		Label               *label
	}
	panel struct {
		X, Y           int
		Title          string
		XTicks, YTicks []tick
		Lines          []line
	}
	entry struct {
		X, X2, TextX              float64
		Text, Color, Dash, Stroke any
	}
)

// draw writes a picture of the figures as a PNG file.
func draw(ctx context.Context, file string, figures []figure) error {
	svg, err := picture(figures)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "outrider-picture-")
	if err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	defer os.RemoveAll(dir)
	page := filepath.Join(dir, "picture.html")
	if err := os.WriteFile(page, append([]byte("<!doctype html>\n<body style='margin: 0'>"), svg...), 0o600); err != nil {
		return fmt.Errorf("write the picture: %w", err)
	}
	return browser.Screenshot(ctx, browser.Page{URL: "file://" + page, Width: width, Height: height, Scale: pictureScale}, file)
}

// picture is the figures as SVG: a panel for each of what is measured, a line for each variant.
func picture(figures []figure) ([]byte, error) {
	if len(figures) == 0 {
		return nil, fmt.Errorf("there are no figures to draw")
	}
	most := slices.MaxFunc(figures, func(a, b figure) int { return a.Pods - b.Pods })
	data := map[string]any{
		"Width": width, "Height": height, "PlotWidth": plotWidth, "XLabelY": plotHeight + 18, "LabelX": plotWidth + 8, "Legend": legend(),
		"Subtitle": fmt.Sprintf("over the number of pods in the cluster, of which 5 %% are monitored (%d of %s); less is better. The last panel: 50 status changes a second of pods that are not monitored, for 30 s.",
			most.Monitored, thousands(most.Pods)),
	}
	var all []panel
	for i, p := range panels {
		all = append(all, drawPanel(panel{X: left + i*step, Y: top, Title: p.title}, figures, float64(most.Pods), p.unit, p.of))
	}
	data["Panels"] = all
	t, err := template.New("picture").Parse(pictureTemplate)
	if err != nil {
		return nil, fmt.Errorf("read the picture's template: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, data); err != nil {
		return nil, fmt.Errorf("draw: %w", err)
	}
	return b.Bytes(), nil
}

func legend() []entry {
	var all []entry
	x := 30.0
	for _, c := range curves {
		all = append(all, entry{x, x + 26, x + 34, c.text, c.color, c.dash, c.stroke})
		x += 34 + 7*float64(len(c.text)) + 26
	}
	return all
}

func drawPanel(p panel, figures []figure, pods float64, unit string, of func(figure) float64) panel {
	highest := 0.0
	for _, f := range figures {
		highest = max(highest, of(f))
	}
	unitOf := niceStep(highest / 4)
	highest = unitOf * math.Ceil(highest/unitOf)
	y := func(v float64) float64 { return plotHeight * (1 - v/highest) }
	x := func(n float64) float64 { return plotWidth * n / pods }
	for v := 0.0; v <= highest*1.001; v += unitOf {
		p.YTicks = append(p.YTicks, tick{round(y(v)), round(y(v) + 4), fmt.Sprintf("%g", math.Round(v*1000)/1000)})
	}
	for i := range 3 {
		n := pods * float64(i) / 2
		p.XTicks = append(p.XTicks, tick{round(x(n)), nil, thousands(int(n))})
	}
	var labels []*label
	for _, c := range curves {
		l := line{Color: c.color, Dash: c.dash, Stroke: c.stroke}
		var points []string
		var last figure
		for _, f := range figures {
			if f.Variant != c.variant {
				continue
			}
			points = append(points, fmt.Sprintf("%.1f,%.1f", x(float64(f.Pods)), y(of(f))))
			if c.labeled {
				l.Dots = append(l.Dots, dot{round(x(float64(f.Pods))), round(y(of(f))), c.color})
			}
			last = f
		}
		l.Points = strings.Join(points, " ")
		if c.labeled {
			l.Label = &label{y(of(last)) + 4, short(of(last)) + " " + unit, c.color}
			labels = append(labels, l.Label)
		}
		p.Lines = append(p.Lines, l)
	}
	apart(labels)
	return p
}

// apart moves labels up until no two lie over one another.
func apart(labels []*label) {
	slices.SortFunc(labels, func(a, b *label) int { return int(b.At - a.At) })
	for i := 1; i < len(labels); i++ {
		labels[i].At = min(labels[i].At, labels[i-1].At-15)
	}
}

// niceStep is the least of 1, 2, 2.5 and 5 times a power of ten that is not below v.
func niceStep(v float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(max(v, 1e-6))))
	for _, times := range []float64{1, 2, 2.5, 5} {
		if times*power >= v {
			return times * power
		}
	}
	return 10 * power
}

func round(v float64) float64 { return math.Round(v*10) / 10 }

// short has about two digits that count.
func short(v float64) string {
	if v >= 10 {
		return fmt.Sprintf("%.0f", v)
	}
	if v >= 1 {
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

func thousands(n int) string {
	if n >= 1000 {
		return fmt.Sprintf("%d,%03d", n/1000, n%1000)
	}
	return fmt.Sprint(n)
}
