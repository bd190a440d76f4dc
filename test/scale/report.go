package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"text/tabwriter"
	"time"
)

// column is a column of the CSV.
type column struct {
	name string
	get  func(*figure) string
	set  func(*figure, string) error
}

// columns are what the CSV has of a figure, in this order.
var columns = []column{
	whole("pods", func(f *figure) *int { return &f.Pods }),
	whole("monitored", func(f *figure) *int { return &f.Monitored }),
	{"variant", func(f *figure) string { return f.Variant }, func(f *figure, text string) error { f.Variant = text; return nil }},
	whole("targets", func(f *figure) *int { return &f.Targets }),
	whole("heap_bytes", func(f *figure) *int64 { return &f.Heap }),
	whole("peak_rss_bytes", func(f *figure) *int64 { return &f.Peak }),
	seconds("cpu_seconds", func(f *figure) *time.Duration { return &f.CPU }),
	whole("received_bytes", func(f *figure) *int64 { return &f.Received }),
	seconds("churn_cpu_seconds", func(f *figure) *time.Duration { return &f.ChurnCPU }),
	whole("churn_received_bytes", func(f *figure) *int64 { return &f.ChurnReceived }),
	whole("churn_events", func(f *figure) *int { return &f.ChurnEvents }),
}

func whole[T int | int64](name string, of func(*figure) *T) column {
	return column{name, func(f *figure) string { return fmt.Sprint(*of(f)) }, func(f *figure, text string) error {
		n, err := strconv.ParseInt(text, 10, 64)
		*of(f) = T(n)
		return err
	}}
}

func seconds(name string, of func(*figure) *time.Duration) column {
	return column{name, func(f *figure) string { return fmt.Sprintf("%.2f", of(f).Seconds()) }, func(f *figure, text string) error {
		n, err := time.ParseDuration(text + "s")
		*of(f) = n
		return err
	}}
}

// writeCSV writes the figures to a file, with a line of names before them.
func writeCSV(path string, figures []figure) error {
	file, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("write figures: %w", err)
	}
	w := csv.NewWriter(file)
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.name
	}
	rows := [][]string{names}
	for _, f := range figures {
		row := make([]string, len(columns))
		for i, c := range columns {
			row[i] = c.get(&f)
		}
		rows = append(rows, row)
	}
	if err := errors.Join(w.WriteAll(rows), file.Close()); err != nil {
		return fmt.Errorf("write figures: %w", err)
	}
	return nil
}

// readCSV reads what writeCSV has written.
func readCSV(path string) ([]figure, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read figures: %w", err)
	}
	defer file.Close()
	r := csv.NewReader(file)
	r.FieldsPerRecord = len(columns)
	rows, err := r.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("read figures: %w", err)
	}
	var figures []figure
	for i, row := range rows[min(1, len(rows)):] {
		var f figure
		for j, c := range columns {
			if err := c.set(&f, row[j]); err != nil {
				return nil, fmt.Errorf("read %s of line %d: %w", c.name, i+2, err)
			}
		}
		figures = append(figures, f)
	}
	return figures, nil
}

// table prints the figures in Markdown.
func table(w io.Writer, figures []figure, churn churn) error {
	t := tabwriter.NewWriter(w, 0, 8, 1, ' ', 0)
	fmt.Fprintf(t, "\n| pods\t| monitored\t| what\t| live heap, MB\t| most RSS, MB\t| CPU until all is found, s\t| received, MB\t| CPU in %s of %d changes/s, s\t| received then, KB\t|\n", churn.time, churn.rate)
	fmt.Fprintln(t, "|---\t|---\t|---\t|---\t|---\t|---\t|---\t|---\t|---\t|")
	for _, f := range figures {
		heap := "–"
		if f.Heap > 0 {
			heap = fmt.Sprintf("%.1f", megabytes(f.Heap))
		}
		fmt.Fprintf(t, "| %d\t| %d\t| %s\t| %s\t| %.0f\t| %.2f\t| %.2f\t| %.2f\t| %.1f\t|\n",
			f.Pods, f.Monitored, f.Variant, heap, megabytes(f.Peak), f.CPU.Seconds(), megabytes(f.Received), f.ChurnCPU.Seconds(), float64(f.ChurnReceived)/1000)
	}
	fmt.Fprintln(t)
	return t.Flush()
}

func megabytes(n int64) float64 { return float64(n) / 1e6 }
