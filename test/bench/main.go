// Command bench runs the benchmarks and compares them with the last run:
//
//	go run ./test/bench [-count N] [-benchtime D] [package ...]
//
// # Decision: the last run is kept in the user's cache folder
//
// Times compare on one machine only, so they are not in the repository. Allocations
// do not depend on the machine, and ordinary tests assert them (TestAllocations).
// The benchmarks of alternatives are shown beside ours, from this run only.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"

	"github.com/outrider-dev/outrider/test/cluster/build"
	"github.com/outrider-dev/outrider/test/cluster/cache"
)

// packages that have benchmarks.
var packages = []string{"./sidecars", "./webhook", "./webhook/breaker", "./discovery", "./test/load"}

func main() {
	count := flag.Int("count", 6, "How often each benchmark runs; benchstat wants 6 to tell a change from noise.")
	benchtime := flag.String("benchtime", "0.3s", "How long, or with an x how many times, each runs.")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if flag.NArg() > 0 {
		packages = flag.Args()
	}
	if err := run(ctx, *count, *benchtime); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, count int, benchtime string) error {
	root, err := build.Root()
	if err != nil {
		return err
	}
	dir, err := cache.Dir("bench", cache.Key(root))
	if err != nil {
		return err
	}
	last, now := filepath.Join(dir, "last.txt"), filepath.Join(dir, "now.txt")
	if err := measure(ctx, root, now, count, benchtime); err != nil {
		return err
	}
	if err := report(ctx, root, last, now); err != nil {
		return err
	}
	if flag.NArg() > 0 {
		return nil // a run of some packages is not what the next one compares with
	}
	if err := os.Rename(now, last); err != nil {
		return fmt.Errorf("keep this run: %w", err)
	}
	return nil
}

// measure writes what the benchmarks say to a file, and shows it as it comes.
func measure(ctx context.Context, root, file string, count int, benchtime string) error {
	out, err := os.Create(file)
	if err != nil {
		return fmt.Errorf("write the results: %w", err)
	}
	defer out.Close()
	// One package at a time, or they would slow each other down.
	args := []string{"test", "-run=^TestAllocations$", "-bench=.", "-benchmem", "-p=1", "-count=" + strconv.Itoa(count), "-benchtime=" + benchtime}
	return command(ctx, root, io.MultiWriter(out, os.Stdout), append(args, packages...)...)
}

// report prints this run beside the last one, if there is one, and the
// alternatives of this run side by side.
func report(ctx context.Context, root, last, now string) error {
	files := []string{"last=" + last, "now=" + now}
	if _, err := os.Stat(last); errors.Is(err, fs.ErrNotExist) {
		fmt.Println("\n=== no run before this one")
		files = files[1:]
	} else {
		fmt.Println("\n=== this run against the last one")
	}
	if err := benchstat(ctx, root, files...); err != nil {
		return err
	}
	fmt.Println("\n=== this run: one review, one exporter, by handler")
	return benchstat(ctx, root, "-filter=.name:Alternatives", "-col=/handler", now)
}

func benchstat(ctx context.Context, root string, args ...string) error {
	tool := []string{"tool", "-modfile=" + filepath.Join("test", "tools", "go.mod"), "benchstat"}
	return command(ctx, root, os.Stdout, append(tool, args...)...)
}

func command(ctx context.Context, dir string, out io.Writer, args ...string) error {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, out, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%v: %w", cmd.Args, err)
	}
	return nil
}
