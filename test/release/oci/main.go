// Command oci writes what a release publishes in registries into a folder in the OCI image layout, and pushes such a
// folder. It has a module of its own, because the programs of the project need no registry client.
//
//	oci image -layout DIR -name outrider-controller:0.3.0 -created TIME -program linux/amd64=FILE -sbom linux/amd64=FILE -file /LICENSE=FILE
//	oci artifact -layout DIR -name charts/outrider:0.3.0 -chart FILE -sbom FILE -created TIME
//	oci push -layout DIR -to registry.example.org/outrider-dev
//	oci archive -file FILE -to registry.example.org/owner/name:tag         a docker-archive, as the test cluster has them
//
// image and artifact print the digest. The same input gives the same bytes.
//
// # Decision: an image without a base
//
// The controller reads no certificates, time zones or users from files: it trusts what the pod mounts. So the image has
// the program, the licenses, a passwd with nonroot and /tmp. The Dockerfile's base has to be pulled; here, a machine with
// Go is enough. The program is the same to the byte, because both run cmd/build.sh.
//
// # Decision: bills of materials as referrers
//
// They are artifacts of their own whose subject is the image or chart, which cosign, oras and registries show. A registry
// without the referrers API gets the tag that the specification names for that case.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "oci:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("say image, artifact, push or archive")
	}
	fs := flag.NewFlagSet(args[0], flag.ContinueOnError)
	dir := fs.String("layout", "", "Folder in the OCI image layout; made where it is missing.")
	switch args[0] {
	case "image":
		i := image{programs: pairs{}, sboms: pairs{}, files: pairs{}, labels: pairs{}}
		i.addFlags(fs)
		if err := fs.Parse(args[1:]); err != nil {
			return err
		}
		return i.write(*dir)
	case "artifact":
		var c chart
		c.addFlags(fs)
		if err := fs.Parse(args[1:]); err != nil {
			return err
		}
		return c.write(*dir)
	case "push":
		to := fs.String("to", "", "Registry and owner, such as ghcr.io/outrider-dev.")
		if err := fs.Parse(args[1:]); err != nil {
			return err
		}
		return push(ctx, *dir, *to)
	case "archive":
		file, to := fs.String("file", "", "Archive of one image."), fs.String("to", "", "Reference.")
		if err := fs.Parse(args[1:]); err != nil {
			return err
		}
		return pushArchive(ctx, *file, *to)
	default:
		return fmt.Errorf("%q: say image, artifact, push or archive", args[0])
	}
}

// pairs are flags of the form KEY=VALUE, each repeatable.
type pairs map[string]string

func (p pairs) String() string { return "" }

func (p pairs) Set(s string) error {
	key, value, found := strings.Cut(s, "=")
	if !found {
		return fmt.Errorf("%q is not KEY=VALUE", s)
	}
	p[key] = value
	return nil
}
