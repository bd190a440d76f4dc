// Command supply checks what the project's two programs are made of and prints a table:
//
//	go run ./test/supply                    builds, licenses, bills of materials, vulnerabilities
//	go run ./test/supply -db file:///path   with a copy of the vulnerability database
//
// The programs and their bills of materials are left in a folder. It ends with 1 if something is wrong, or if something
// could not be checked here and the environment says CI=true.
//
// # Decision: what is linked is read from the programs
//
// Licenses are read from the files of the modules: those in each linked package's folder and above it, because some
// contain code of others. bom/license.go lists the accepted licenses and the modules with exceptions; an unknown license
// is refused.
//
// # Decision: bills of materials without time and serial number
//
// They are CycloneDX, and can be compared.
//
// # Decision: vulnerabilities are looked for in the source
//
// The programs are stripped; in the source, only what is called is reported. If the database cannot be reached, the
// command says so. No copy is kept here, because an old one does not know new vulnerabilities.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"text/tabwriter"

	"github.com/outrider-dev/outrider/test/cluster/build"
	"github.com/outrider-dev/outrider/test/cluster/cache"
)

// programs of the project, by the folders of their main packages.
var programs = []string{"outrider", "outrider-controller"}

// check is one line of the table.
type check struct {
	name string
	run  func(ctx context.Context) (figure string, err error)
}

// notHere says why a check could not run on this machine.
type notHere struct{ error }

// supply is what the checks share.
type supply struct {
	root    string // of the project
	out     string // folder of the programs and bills
	version string
	db      string // URL of the vulnerability database
	cold    bool   // whether the second build begins with an empty cache
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	root, err := build.Root()
	if err != nil {
		fmt.Fprintln(os.Stderr, "supply:", err)
		os.Exit(2)
	}
	out, err := cache.Dir("supply")
	if err != nil {
		fmt.Fprintln(os.Stderr, "supply:", err)
		os.Exit(2)
	}
	s := &supply{root: root}
	flag.StringVar(&s.out, "out", out, "Folder for the programs and their bills of materials.")
	flag.StringVar(&s.version, "version", "dev", "Version of the programs.")
	flag.StringVar(&s.db, "db", "https://vuln.go.dev", "Vulnerability database, https or file.")
	flag.BoolVar(&s.cold, "cold", true, "Compile the second build from nothing, which takes some minutes.")
	flag.Parse()
	os.Exit(report(ctx, s.checks(), os.Getenv("CI") == "true"))
}

func (s *supply) checks() []check {
	return []check{
		{"modules as in go.sum", s.verify},
		{"same bytes from another folder and cache", s.reproduce},
		{"licenses, bills of materials", s.bills},
		{"known vulnerabilities", func(ctx context.Context) (string, error) {
			return scan(ctx, s.root, s.root, s.db, "./cmd/...")
		}},
	}
}

// report runs the checks, prints a line for each and returns the exit code.
func report(ctx context.Context, checks []check, strict bool) int {
	code := 0
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	for _, c := range checks {
		fmt.Printf("=== %s\n", c.name)
		figure, err := c.run(ctx)
		verdict := "ok: " + figure
		switch {
		case errors.As(err, &notHere{}):
			verdict = "NOT RUN HERE: " + err.Error()
			if strict {
				code = 1
			}
		case err != nil:
			fmt.Println(err)
			verdict, code = "FAILED", 1
		}
		fmt.Fprintf(w, "%s\t%s\n", c.name, verdict)
	}
	fmt.Print("\n=== summary\n")
	_ = w.Flush()
	return code
}
