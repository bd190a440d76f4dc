// Command run runs the project's tests, layer by layer, and sums up:
//
//	go run ./test/run            all layers
//	go run ./test/run unit …     some of them
//
// It ends with 1 if a test failed, or if a layer could not run and the
// environment says CI=true.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"

	"github.com/outrider-dev/outrider/test/cluster/kube"
)

// layer is a group of packages that need the same things.
type layer struct {
	name     string
	packages []string
	flags    []string
	blocked  func() error // why it cannot run here, or nil; nil for never
}

// layers stand in the order in which they run: what fails fast comes first.
var layers = []layer{
	{name: "unit", packages: []string{"./cmd/...", "./sidecars/...", "./webhook/...", "./certs/...", "./discovery/...", "./charts/...", "./test/deps/...", "./test/dashboards/...", "./test/docs/...", "./test/metrics/...", "./test/rules/...", "./test/supply/...", "./test/cli/...", "./test/values/...", "./test/readme/...", "./test/child/...", "./test/run/..."}},
	{name: "corpus", packages: []string{"./test/corpus"}},
	{name: "apiserver", packages: []string{"./test/cluster/...", "./test/apiserver/...", "./test/load/...", "./test/enforcement/...", "./test/stack/...", "./test/scale/..."}},
	// Not beside a test that floods: certificates of seconds are renewed under load here, and no pod may be missed.
	{name: "certificates", packages: []string{"./test/certificates"}},
	{name: "image", packages: []string{"./test/image/..."}, blocked: kube.Available},
	{name: "cluster", packages: []string{"./test/e2e/..."}, flags: []string{"-parallel=6"}, blocked: kube.Available},
	{name: "faults", packages: []string{"./test/faults"}, blocked: kube.Available},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	wanted := os.Args[1:]
	for _, name := range wanted {
		if !slices.ContainsFunc(layers, func(l layer) bool { return l.name == name }) {
			fmt.Fprintf(os.Stderr, "run: there is no layer %q\n", name)
			os.Exit(2)
		}
	}
	var all []result
	for _, l := range layers {
		if len(wanted) > 0 && !slices.Contains(wanted, l.name) {
			continue
		}
		all = append(all, l.run(ctx))
	}
	os.Exit(summary(all, os.Getenv("CI") == "true"))
}

func (l layer) run(ctx context.Context) result {
	fmt.Printf("\n=== %s: %s\n", l.name, strings.Join(l.packages, " "))
	r := result{layer: l.name}
	if l.blocked != nil {
		if r.blocked = l.blocked(); r.blocked != nil {
			fmt.Println("    cannot run here:", r.blocked)
			return r
		}
	}
	began := time.Now()
	// Nothing from the cache: it does not know the binaries that tests build and run.
	r.err = r.test(ctx, append(append([]string{"test", "-json", "-count=1", "-timeout=60m"}, l.flags...), l.packages...))
	r.took = time.Since(began)
	return r
}

// summary prints a line for each layer and returns the exit code.
func summary(all []result, strict bool) int {
	code, passed, failed := 0, 0, 0
	fmt.Print("\n=== summary\n")
	for _, r := range all {
		verdict := "ok"
		switch {
		case r.blocked != nil:
			verdict = "cannot run here: " + r.blocked.Error()
			if strict {
				failed++
			}
		case r.err != nil || r.failed > 0:
			verdict = "FAILED"
			failed += max(r.failed, 1)
		}
		passed += r.passed
		fmt.Printf("%-10s %4d passed %4d failed %4d skipped %7.1fs  %s\n", r.layer, r.passed, r.failed, r.skipped, r.took.Seconds(), verdict)
	}
	if failed > 0 {
		code = 1
	}
	for _, r := range all {
		for _, f := range causes(r.failures) {
			fmt.Println(f)
		}
	}
	fmt.Printf("%d passed, %d failed\n", passed, failed)
	return code
}
