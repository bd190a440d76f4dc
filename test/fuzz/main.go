// Command fuzz runs every fuzzer of the module in turn, for a time each, and prints how often each was executed.
//
//	go run ./test/fuzz -time 1m [-parallel 1] [FuzzPlan ...]
//
// It finds the fuzzers in the packages' test files. What one finds is kept in that package's testdata/fuzz, and from then on
// every run of the tests tries it.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// fuzzer is one function of a package.
type fuzzer struct{ pkg, name string }

func main() {
	each := flag.Duration("time", time.Minute, "how long each fuzzer runs")
	parallel := flag.Int("parallel", 0, "workers of a fuzzer; 0 is one for each core")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *each, *parallel, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "fuzz:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, each time.Duration, parallel int, wanted []string) error {
	all, err := find(ctx)
	if err != nil {
		return err
	}
	if len(wanted) > 0 {
		all = slices.DeleteFunc(all, func(f fuzzer) bool { return !slices.Contains(wanted, f.name) })
	}
	if len(all) == 0 {
		return errors.New("there is no fuzzer")
	}
	var failed []string
	total, began := 0, time.Now()
	for _, f := range all {
		started := time.Now()
		executions, err := f.run(ctx, each, parallel)
		total += executions
		verdict := "ok"
		if err != nil {
			verdict = "FAILED"
			failed = append(failed, f.name)
		}
		fmt.Printf("%-16s %5.1f minutes %10d executions  %s\n", f.name, time.Since(started).Minutes(), executions, verdict)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	fmt.Printf("%-16s %5.1f minutes %10d executions\n", fmt.Sprint(len(all), " fuzzers"), time.Since(began).Minutes(), total)
	if len(failed) > 0 {
		return fmt.Errorf("%s found something; it stands in testdata/fuzz", strings.Join(failed, ", "))
	}
	return nil
}

// find reads the fuzzers from the test files of all packages, sorted by package.
func find(ctx context.Context) ([]fuzzer, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-json=Dir,ImportPath,TestGoFiles,XTestGoFiles", "./...").Output()
	if err != nil {
		return nil, fmt.Errorf("list packages: %w", err)
	}
	var all []fuzzer
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			Dir, ImportPath           string
			TestGoFiles, XTestGoFiles []string
		}
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, fmt.Errorf("read go list: %w", err)
		}
		for _, name := range append(p.TestGoFiles, p.XTestGoFiles...) {
			file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
			if err != nil {
				return nil, err
			}
			for _, d := range file.Decls {
				if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Fuzz") {
					all = append(all, fuzzer{p.ImportPath, f.Name.Name})
				}
			}
		}
	}
}

var progress = regexp.MustCompile(`^fuzz: elapsed: .*, execs: (\d+)`)

// run lets one fuzzer run and counts its executions. What it found is printed.
func (f fuzzer) run(ctx context.Context, each time.Duration, parallel int) (executions int, err error) {
	// Minimizing what is only new, and not wrong, would take most of the time: what runs at the same time makes much look new.
	args := []string{"test", "-run=^$", "-fuzz=^" + f.name + "$", "-fuzztime=" + each.String(), "-fuzzminimizetime=10x"}
	if parallel > 0 {
		args = append(args, fmt.Sprint("-parallel=", parallel))
	}
	cmd := exec.CommandContext(ctx, "go", append(args, f.pkg)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		if m := progress.FindStringSubmatch(lines.Text()); m != nil {
			executions, _ = strconv.Atoi(m[1])
		} else if !strings.HasPrefix(lines.Text(), "fuzz: ") && !strings.HasPrefix(lines.Text(), "ok ") && lines.Text() != "PASS" {
			fmt.Println(lines.Text())
		}
	}
	return executions, errors.Join(lines.Err(), cmd.Wait())
}
