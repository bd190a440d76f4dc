package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/outrider-dev/outrider/test/run/events"
)

// result is what became of a layer. Subtests count as tests.
type result struct {
	layer                   string
	passed, failed, skipped int
	took                    time.Duration
	blocked                 error // why the layer could not run
	err                     error // of the go command as a whole
	failures                []failure
}

// test runs the go command. It prints a line for each package, what failed
// tests said, and every line that begins with "figure:".
func (r *result) test(ctx context.Context, args []string) error {
	said := map[string]*strings.Builder{}
	return events.Run(ctx, args, func(e events.Event) { r.take(e, said) })
}

func (r *result) take(e events.Event, said map[string]*strings.Builder) {
	key := e.Package + " " + e.Test
	switch e.Action {
	case "output", "build-output":
		if said[key] == nil {
			said[key] = &strings.Builder{}
		}
		said[key].WriteString(e.Output)
		if _, figure, ok := strings.Cut(e.Output, "figure: "); ok {
			fmt.Printf("    %s: %s", e.Test, figure)
		}
	case "pass", "fail", "skip":
		if e.Test != "" {
			r.count(e.Action)
		}
		if e.Action == "fail" && said[key] != nil || e.Action == "skip" && e.Test != "" {
			fmt.Printf("--- %s %s\n%s", e.Action, key, said[key])
		}
		if e.Action == "fail" && said[key] != nil {
			r.failures = append(r.failures, failure{key, said[key].String()})
		}
		if e.Test == "" {
			fmt.Printf("    %-6s %6.1fs %s\n", e.Action, e.Elapsed, e.Package)
		}
	case "build-fail":
		fmt.Print(said[" "])
	}
	if e.Action != "output" && e.Action != "build-output" {
		delete(said, key)
	}
}

func (r *result) count(action string) {
	switch action {
	case "pass":
		r.passed++
	case "fail":
		r.failed++
	case "skip":
		r.skipped++
	}
}
