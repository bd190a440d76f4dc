//go:build linux

package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/test/sandbox"
	"github.com/outrider-dev/outrider/test/servers"
)

func main() {
	only := flag.String("only", "", "Entries to be measured, separated by commas. Default: all.")
	update := flag.Bool("update", false, "Write what was measured into the definitions.")
	flag.Parse()
	entries, err := servers.Entries(*only)
	if err != nil {
		fmt.Fprintln(os.Stderr, "cost:", err)
		os.Exit(2)
	}
	os.Exit(sandbox.Main(servers.Images(entries), func() int { return measureAll(entries, *update) }))
}

// measureAll returns the exit code.
func measureAll(entries []servers.Entry, update bool) int {
	ctx, code := context.Background(), 0
	fmt.Printf("%-14s %-22s %8s %10s %9s %10s  %s\n", "EXPORTER", "SERVER", "SERIES", "ESSENTIAL", "CPU", "MEMORY", "DEFINITION")
	for _, e := range entries {
		got, err := measure(ctx, e)
		if err != nil {
			fmt.Printf("%-14s %v\n", e.Exporter, err)
			code = 2
			continue
		}
		spec, _ := sidecars.Builtin().Spec(e.Exporter)
		off := compare(spec.Cost, got)
		for i, m := range got {
			verdict := "as defined"
			if len(off) > 0 {
				verdict = "off"
			}
			if i > 0 {
				verdict = ""
			}
			fmt.Printf("%-14s %-22s %8d %10d %9s %10s  %s\n", e.Exporter, m.String(), m.series, m.essential, milli(m.cpu), mebi(m.memory), verdict)
		}
		if update {
			if err := write(e.Exporter, got); err != nil {
				fmt.Fprintln(os.Stderr, "cost:", err)
				code = 2
			}
			continue
		}
		if len(off) > 0 {
			fmt.Printf("%-14s %s; repair with: go run ./test/cost -only %s -update\n", "", strings.Join(off, "; "), e.Exporter)
			code = max(code, 1)
		}
	}
	return code
}
