// Command demo shows Outrider at work on a real cluster: it brings one up (or
// takes the current context's with CLUSTER=current), installs the chart,
// deploys an annotated Redis, nginx and DNS server, and prints what Prometheus sees.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

func main() {
	down := flag.Bool("down", false, "Remove the demo's workloads and the release, and take a cluster of the harness's down.")
	flag.Parse()
	log.SetLogger(logr.Discard()) // what libraries log is not part of the show
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	act := run
	if *down {
		act = takeDown
	}
	if err := act(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}
