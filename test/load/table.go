package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// table collects what was measured, and prints it at the end.
type table struct{ *tabwriter.Writer }

func newTable(w io.Writer) table {
	return table{tabwriter.NewWriter(w, 0, 8, 2, ' ', tabwriter.AlignRight)}
}

// creates adds the rows of one measurement; the ratios are to the first variant.
func (t table) creates(c creates, outcomes map[string]outcome) {
	fmt.Fprintf(t, "\npod creates, %d at a time\tpods\tp10 ms\tp50 ms\tp99 ms\tp10 ratio\tp50 ratio\tp99 ratio\tp50 more, ms\tCPU ms/pod: API server\tcontroller\t\n", c.concurrency)
	base := outcomes[variants[0].name].times
	for _, v := range variants {
		own := outcomes[v.name].times
		p10, p50, p99 := quantile(own, 0.10), quantile(own, 0.50), quantile(own, 0.99)
		fmt.Fprintf(t, "%s\t%d\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%+.2f\t%.2f\t%.2f\t\n", v.name, len(own), ms(p10), ms(p50), ms(p99),
			ms(p10)/ms(quantile(base, 0.10)), ms(p50)/ms(quantile(base, 0.50)), ms(p99)/ms(quantile(base, 0.99)), ms(p50)-ms(quantile(base, 0.50)), 1000*outcomes[v.name].server/float64(len(own)), 1000*outcomes[v.name].controller/float64(len(own)))
	}
}

// roundTrips adds the rows of one measurement; the ratios are to the echo.
func (t table) roundTrips(r roundTrips, rates map[string]rate, size int) {
	fmt.Fprintf(t, "\nreviews of %d bytes, connections: %d\trequests\trequests/s\tp50 ms\tp99 ms\trequests/s ratio\t\n", size, r.connections)
	for _, name := range []string{"echo", "outrider", "naive handler", "fixed handler"} {
		own := rates[name]
		fmt.Fprintf(t, "%s\t%d\t%.0f\t%.2f\t%.2f\t%.2f\t\n", name, len(own.times), own.perSecond(),
			ms(quantile(own.times, 0.50)), ms(quantile(own.times, 0.99)), own.perSecond()/rates["echo"].perSecond())
	}
}

func (r rate) perSecond() float64 { return float64(len(r.times)) / r.took.Seconds() }

// quantile of times: the smallest that a share q of them does not exceed.
func quantile(times []time.Duration, q float64) time.Duration {
	if len(times) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(times))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
