package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

// options are the flags.
type options struct {
	short   bool
	review  string
	profile string
	serve   bool
}

func main() {
	var o options
	flag.BoolVar(&o.short, "short", false, "A small part of the load: it checks the counts, and its times mean little.")
	flag.StringVar(&o.review, "review", "", "File to write the AdmissionReview to that the API server sends for an annotated pod.")
	flag.StringVar(&o.profile, "profile", "", "Folder for profiles of the API server's CPU and allocations while pods of each kind are created.")
	flag.BoolVar(&o.serve, "serve", false, "Serve the alternatives, as this program has itself do.")
	flag.Parse()
	log.SetLogger(logr.Discard())
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var err error
	if o.serve {
		err = serveAlternatives(ctx)
	} else {
		err = run(ctx, o, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

// What is measured: all of it, and with -short.
var (
	allCreates = []creates{{concurrency: 1, rounds: 30, block: 40}, {concurrency: 16, rounds: 12, block: 200}}
	fewCreates = []creates{{concurrency: 1, rounds: 1, block: 20}, {concurrency: 16, rounds: 1, block: 48}}
	allTrips   = []roundTrips{{1, 5, 500}, {16, 5, 2000}, {64, 5, 2000}}
	fewTrips   = []roundTrips{{1, 1, 50}, {16, 1, 100}, {64, 1, 100}}
)

// run measures, and prints the table.
func run(ctx context.Context, o options, w io.Writer) error {
	s, err := newStage(ctx)
	if err != nil {
		return err
	}
	defer s.stop()
	review, err := s.capture(ctx)
	if err != nil {
		return err
	}
	if o.review != "" {
		if err := os.WriteFile(o.review, review, 0o644); err != nil {
			return err
		}
	}
	if o.profile != "" {
		return s.profile(ctx, o.profile)
	}
	creates, trips := allCreates, allTrips
	if o.short {
		creates, trips = fewCreates, fewTrips
	}
	out := newTable(w)
	for _, c := range creates {
		outcomes, err := c.measure(ctx, s)
		if err != nil {
			return err
		}
		out.creates(c, outcomes)
	}
	for _, r := range trips {
		rates, err := r.measure(ctx, s, review)
		if err != nil {
			return err
		}
		out.roundTrips(r, rates, len(review))
	}
	return out.Flush()
}
