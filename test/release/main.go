// Command release builds everything that a release consists of into a folder:
//
//	go run ./test/release -out dist                                        all platforms
//	go run ./test/release -out dist -cli linux/amd64 -image linux/amd64    some
//	go run ./test/release -tag v0.3.0                                      ends with 1 unless everything names that version
//
// # Decision: the chart names the version
//
// Chart.yaml has the version, CHANGELOG.md the notes, git the commit and its date. Nothing else is asked, and the clock is
// not read: the same commit gives the same bytes. Signatures are made afterwards, over what is in the folder.
//
// # Decision: the chart names its image by digest
//
// The packaged chart has the digest of the image index in an annotation of Chart.yaml, and so has the one that the command line
// carries, which is linked after the image is made. Refused: the values, where it would outlive a tag that a user sets. The
// chart in the repository has the tag only: a digest cannot be in the source that it is made from.
//
// # Decision: no release tool
//
// GoReleaser would do the archives and checksums, and needs Docker for the images of several platforms. What is left of
// the work is the chart, the bills of materials and the order, which a tool does not know.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"github.com/outrider-dev/outrider/test/cluster/build"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	root, err := build.Root()
	if err != nil {
		return err
	}
	r := &release{root: root, cli: everyCLI(), images: platforms{{"linux", "amd64"}, {"linux", "arm64"}}}
	fs := flag.NewFlagSet("release", flag.ContinueOnError)
	fs.StringVar(&r.out, "out", "dist", "Folder for the release; it is emptied first.")
	fs.Var(&r.cli, "cli", "Platforms of the command line, as OS/ARCH, separated by commas.")
	fs.Var(&r.images, "image", "Platforms of the controller's image.")
	fs.StringVar(&r.version, "version", "", "Version; empty means the appVersion of Chart.yaml.")
	fs.StringVar(&r.commit, "commit", "", "Commit; empty means git's.")
	tag := fs.String("tag", "", "Git tag that is released: v and the version, which the chart and the changelog must have too.")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if err := r.identify(ctx, *tag); err != nil {
		return err
	}
	return r.build(ctx)
}
