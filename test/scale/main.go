package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/outrider-dev/outrider/test/cluster/progress"
)

// options are the command's flags.
type options struct {
	pods    string
	csv     string
	latency string
	arrive  int
	shards  int
	churn   churn
}

func main() {
	var o options
	flag.StringVar(&o.pods, "pods", "1000,5000,20000", "How many pods, as a list that grows.")
	flag.StringVar(&o.csv, "csv", "", "File for the figures as CSV. Default: none is written.")
	flag.StringVar(&o.latency, "latency", "", "Measure how long a pod that is ready waits for its first sample instead: loopback, with pods that are objects only, or cluster, with the chart on a real one.")
	flag.IntVar(&o.arrive, "arrivals", 60, "How many pods arrive for -latency.")
	flag.IntVar(&o.shards, "shards", 3, "Of how many shards the largest is measured beside one Prometheus, where there are most pods. 0 measures none.")
	flag.IntVar(&o.churn.rate, "churn-rate", 50, "Changes of unmonitored pods in a second.")
	flag.DurationVar(&o.churn.time, "churn-time", 30*time.Second, "How long pods change.")
	flag.Parse()
	log.SetLogger(logr.Discard())
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "scale:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	switch o.latency {
	case "":
	case "loopback":
		return latency(ctx, os.Stdout, prepareLoopback(o.arrive, churn{rate: 10}), o.arrive)
	case "cluster":
		return latency(ctx, os.Stdout, prepareReal, o.arrive)
	default:
		return fmt.Errorf("-latency %s: there are loopback and cluster", o.latency)
	}
	sizes, err := parseSizes(o.pods)
	if err != nil {
		return err
	}
	figures, divided, err := measureAll(ctx, sizes, o)
	if err := errors.Join(err, table(os.Stdout, figures, o.churn)); err != nil {
		return err // after what was measured before it
	}
	over := errors.Join(compare(os.Stdout, figures), divided.compare(os.Stdout))
	if o.csv != "" {
		if err := writeCSV(o.csv, figures); err != nil {
			return err
		}
	}
	return over
}

// measureAll measures one size after the other in one API server, and shards at the last one. With an error it returns what was
// measured before.
func measureAll(ctx context.Context, sizes []int, o options) (all []figure, d division, err error) {
	c, err := newCluster(ctx)
	if err != nil {
		return nil, d, err
	}
	defer c.server.Stop()
	for _, n := range sizes {
		figures, err := c.measure(ctx, n, o.churn)
		if err != nil {
			return all, d, err
		}
		progress.Say(ctx, "%d pods are measured", n)
		all = append(all, figures...)
	}
	if o.shards > 0 {
		d, err = c.divide(ctx, o.shards)
	}
	return all, d, err
}

func parseSizes(list string) ([]int, error) {
	var sizes []int
	for text := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || n <= 0 || n%10 != 0 {
			return nil, fmt.Errorf("-pods %s: %q is no number of pods; give multiples of ten, such as 1000,5000", list, text)
		}
		sizes = append(sizes, n)
	}
	if !slices.IsSorted(sizes) {
		return nil, fmt.Errorf("-pods %s: pods are only added; give the numbers in growing order", list)
	}
	return sizes, nil
}
