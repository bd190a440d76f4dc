package main

import (
	"errors"
	"fmt"
	"io"
	"time"
)

const (
	// fullScale is the number of pods for which the budgets are.
	fullScale = 20000
	// Our live heap, above that of a Prometheus without jobs, is at most this share of the others'.
	shareOfPodJob, shareOfUsual = 1.0 / 10, 1.0 / 25
	// Discovery with the controller receives at most these shares of the bytes that one job for annotated pods does, until all is
	// found and in churn of pods that are not monitored. The first would be 1/10 too, if Prometheus and the controller did not each
	// receive the monitored pods.
	shareFound, shareChurn = 1.0 / 3, 1.0 / 10
	// budgetController is the most bytes that the controller may have resident.
	budgetController = 120_000_000
	// housekeeping is the most bytes that a watch may receive in half a minute while nothing of what it watches changes:
	// bookmarks and the answers to pings.
	housekeeping = 8_000
)

// compare prints what the variants cost beside one another where there were most pods, and returns what is over its budget.
// The budgets of memory hold at fullScale pods; what a change of an unmonitored pod costs us is nothing at any size.
func compare(w io.Writer, figures []figure) error {
	most := 0
	for _, f := range figures {
		most = max(most, f.Pods)
	}
	at := map[string]figure{}
	var over []error
	for _, f := range figures {
		if f.Pods == most {
			at[f.Variant] = f
		}
		if f.Variant == outrider && (f.ChurnEvents > 0 || f.ChurnReceived > housekeeping) {
			over = append(over, fmt.Errorf("%d pods: Prometheus received %d bytes and %d events about pods that it does not monitor; the budget is none", f.Pods, f.ChurnReceived, f.ChurnEvents))
		}
	}
	ours, base, ctl := at[outrider], at[empty], at[program]
	for _, other := range []struct {
		name  string
		share float64
	}{{annotated, shareOfPodJob}, {usual, shareOfUsual}} {
		theirs := at[other.name]
		mine, their := ours.Heap-base.Heap, theirs.Heap-base.Heap
		fmt.Fprintf(w, "figure: live heap at %d pods: Outrider %.1f MB, %s %.1f MB, %.1f times as much; above a Prometheus without jobs %.1f times\n",
			most, megabytes(ours.Heap), other.name, megabytes(theirs.Heap), float64(theirs.Heap)/float64(ours.Heap), float64(their)/float64(max(1, mine)))
		fmt.Fprintf(w, "figure: to find all at %d pods: Outrider %.2f s of CPU and %.2f MB, with its controller %.2f s and %.2f MB, %s %.2f s and %.2f MB\n",
			most, ours.CPU.Seconds(), megabytes(ours.Received), (ours.CPU + ctl.CPU).Seconds(), megabytes(ours.Received+ctl.Received),
			other.name, theirs.CPU.Seconds(), megabytes(theirs.Received))
		fmt.Fprintf(w, "figure: churn of unmonitored pods at %d pods: Outrider %.2f s of CPU, %d bytes, %d events, with its controller %.2f s and %d bytes, %s %.2f s, %d bytes, %d events\n",
			most, ours.ChurnCPU.Seconds(), ours.ChurnReceived, ours.ChurnEvents, (ours.ChurnCPU + ctl.ChurnCPU).Seconds(), ours.ChurnReceived+ctl.ChurnReceived,
			other.name, theirs.ChurnCPU.Seconds(), theirs.ChurnReceived, theirs.ChurnEvents)
		fmt.Fprintf(w, "figure: %s at %d pods, over Outrider with its controller: %.1f times the CPU and %.1f times the bytes until all is found, %.1f and %.1f times above a Prometheus without jobs; in the churn %.1f and %.1f times\n",
			other.name, most, ratio(theirs.CPU, ours.CPU+ctl.CPU), ratio(theirs.Received, ours.Received+ctl.Received), ratio(theirs.CPU-base.CPU, ours.CPU-base.CPU+ctl.CPU), ratio(theirs.Received-base.Received, ours.Received-base.Received+ctl.Received),
			ratio(theirs.ChurnCPU, ours.ChurnCPU+ctl.ChurnCPU), ratio(theirs.ChurnReceived, ours.ChurnReceived+ctl.ChurnReceived))
		if mine, their := ours.Received+ctl.Received, theirs.Received; most >= fullScale && float64(mine) > shareFound*float64(their) {
			over = append(over, fmt.Errorf("until all is found we received %d bytes with the controller, the %s %d: ours is more than 1/%.0f of it", mine, other.name, their, 1/shareFound))
		}
		if mine, their := ours.ChurnReceived+ctl.ChurnReceived, theirs.ChurnReceived; most >= fullScale && float64(mine) > shareChurn*float64(their) {
			over = append(over, fmt.Errorf("in the churn we received %d bytes with the controller, the %s %d: ours is more than 1/%.0f of it", mine, other.name, their, 1/shareChurn))
		}
		if most >= fullScale && float64(mine) > other.share*float64(their) {
			over = append(over, fmt.Errorf("our live heap for discovery is %.1f MB, that of the %s %.1f MB: ours is more than 1/%.0f of it", megabytes(mine), other.name, megabytes(their), 1/other.share))
		}
	}
	fmt.Fprintf(w, "figure: controller at %d pods: at most %.0f MB resident, %.2f s of CPU and %.2f MB until it knew all, %.2f s of CPU and %.2f MB in the churn\n",
		most, megabytes(ctl.Peak), ctl.CPU.Seconds(), megabytes(ctl.Received), ctl.ChurnCPU.Seconds(), megabytes(ctl.ChurnReceived))
	fmt.Fprintf(w, "figure: one sweep of the controller over %d pods without the label, which it makes every ten minutes: %.2f s of CPU and %.2f MB\n", most-ctl.Monitored, ctl.SweepCPU.Seconds(), megabytes(ctl.SweepReceived))
	if ctl.Peak > budgetController {
		over = append(over, fmt.Errorf("the controller had %.0f MB resident at %d pods, the budget is %d MB", megabytes(ctl.Peak), most, budgetController/1_000_000))
	}
	return errors.Join(over...)
}

// ratio is how many times b goes into a.
func ratio[T time.Duration | int64](a, b T) float64 { return float64(a) / float64(max(1, b)) }
