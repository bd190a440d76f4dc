// Command versions runs the tests that need a real API server with that of every version of Kubernetes that the project
// names, all built from Go modules, and prints a table of what passed:
//
//	go run ./test/versions              all of them
//	go run ./test/versions 1.30 1.33    some of them
//
// It ends with 1 if anything failed. Versions of which everything passed are kept in passed.md, each with its day, which
// charts/README.md shows after make update. With a cold cache it first builds the API servers, which takes minutes for each.
//
// # Decision: the everyday tests, with another API server
//
// What a version of Kubernetes breaks is mostly not what a list would have named, so whole packages run. A test about
// something that a version does not have skips itself and says so; the table counts these apart. etcd, Helm and
// cert-manager are the same for all versions, and there are no nodes. It is not part of the tests of every change, which
// have no time for three more API servers.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/outrider-dev/outrider/test/cluster/build"
)

// packages take the flag -kubernetes.
var packages = []string{"./test/apiserver", "./test/certificates", "./test/enforcement", "./test/policy"}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	servers, err := chosen(ctx, os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "versions:", err)
		os.Exit(2)
	}
	var rows []*row
	failed := false
	for _, s := range servers {
		fmt.Printf("\n=== Kubernetes %s\n", s.Version)
		r := newRow(s.Version.String())
		if r.err = r.run(ctx, s); r.err != nil {
			fmt.Println("   ", r.err)
		}
		rows = append(rows, r)
		failed = failed || r.failed()
	}
	fmt.Print("\n=== summary: tests passed, of those that are for this version\n")
	table(rows)
	supported, err := build.APIServers(ctx)
	if err == nil {
		err = keep(rows, supported, time.Now().UTC().Format(time.DateOnly))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "versions:", err)
	}
	if failed || err != nil {
		os.Exit(1)
	}
}

// chosen are the API servers of these minor versions, or all.
func chosen(ctx context.Context, minors []string) ([]build.APIServer, error) {
	if len(minors) == 0 {
		return build.APIServers(ctx)
	}
	var some []build.APIServer
	for _, m := range minors {
		s, err := build.FindAPIServer(ctx, m)
		if err != nil {
			return nil, err
		}
		some = append(some, s)
	}
	return some, nil
}

// run tests one version.
func (r *row) run(ctx context.Context, s build.APIServer) error {
	args := append([]string{"test", "-json", "-count=1", "-timeout=60m"}, packages...)
	said := map[string]*strings.Builder{}
	return runTests(ctx, append(args, "-args", "-kubernetes="+s.Minor()), func(e event) {
		key := e.Package + " " + e.Test
		if said[key] == nil {
			said[key] = &strings.Builder{}
		}
		said[key].WriteString(e.Output)
		switch e.Action {
		case "fail", "build-fail":
			fmt.Printf("--- %s %s\n%s", e.Action, key, said[key])
		case "skip":
			if e.Test != "" {
				fmt.Printf("    skipped: %s\n", e.Test)
			}
		}
		r.take(e)
	})
}

func table(rows []*row) {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "Kubernetes\t%s\n", strings.Join(columns, "\t"))
	for _, r := range rows {
		cells := []string{r.version}
		for _, c := range columns {
			cells = append(cells, r.cells[c].String())
		}
		if r.failed() {
			cells = append(cells, "FAILED")
		}
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	_ = w.Flush()
}
