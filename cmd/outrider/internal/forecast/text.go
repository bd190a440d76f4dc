package forecast

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
)

// Write writes the forecast for people.
func (f *Forecast) Write(w io.Writer) error {
	if len(f.Lines) == 0 {
		_, err := fmt.Fprintln(w, "no pod gets an exporter; outrider explain says why")
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "NAMESPACE\tWORKLOAD\tEXPORTER\tPODS\tSIDECARS\tCPU\tMEMORY\tSERIES\tSAMPLES/S")
	for _, l := range f.Lines {
		l.write(t, l.Namespace, l.Workload, l.Exporter)
	}
	if len(f.Namespaces) > 1 {
		for _, l := range f.Namespaces {
			l.write(t, l.Namespace, "all", "")
		}
	}
	f.Total.write(t, "total", "", "")
	if err := t.Flush(); err != nil {
		return err
	}
	if f.Total.Unmeasured {
		fmt.Fprintln(w, "~ documented or estimated, not measured")
	}
	for _, exporter := range slices.Sorted(maps.Keys(f.Per)) {
		var parts []string
		for _, per := range f.Per[exporter] {
			parts = append(parts, fmt.Sprintf("%d series for each %s (--count '%s/%s=N')", per.Series, per.Of, exporter, per.Of))
		}
		fmt.Fprintf(w, "+ %s: %s\n", exporter, strings.Join(parts, ", "))
	}
	return nil
}

func (l Line) write(w io.Writer, namespace, workload, exporter string) {
	series, samples := fmt.Sprint(l.Series), fmt.Sprintf("%.1f", l.Samples)
	if l.Unmeasured { // some of it, or all
		series, samples = "~"+series, "~"+samples
	}
	if l.Unknown {
		series, samples = series+"+?", samples+"+?"
	}
	fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\t%dm\t%dMi\t%s\t%s\n", namespace, workload, exporter, l.Pods, l.Sidecars, l.CPU, l.Memory, series, samples)
}
