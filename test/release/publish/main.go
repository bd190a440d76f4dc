// Command publish pushes a release to a registry and signs it with cosign:
//
//	go run ./test/release/publish -dist dist -to ghcr.io/outrider-dev                       keyless, as the release workflow does
//	go run ./test/release/publish -dist dist -to 127.0.0.1:5000/outrider-dev -key FILE      with a key, and without public services
//
// Signed are the image index, each image in it and the chart; the provenance is attested to the image index; the checksums,
// which name every other file, are signed into checksums.txt.bundle. The login is docker's.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"

	"github.com/outrider-dev/outrider/test/cluster/build"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	p := publisher{}
	flag.StringVar(&p.dist, "dist", "dist", "Folder of the release.")
	flag.StringVar(&p.to, "to", "", "Registry and owner, such as ghcr.io/outrider-dev.")
	flag.StringVar(&p.key, "key", "", "cosign's private key; without, the identity of the workflow signs. The password is in COSIGN_PASSWORD.")
	flag.Parse()
	if err := p.publish(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "publish:", err)
		os.Exit(1)
	}
}

type publisher struct{ dist, to, key, cosign string }

func (p *publisher) publish(ctx context.Context) (err error) {
	if p.to == "" {
		return fmt.Errorf("-to is empty; say where, such as ghcr.io/outrider-dev")
	}
	if p.dist, err = filepath.Abs(p.dist); err != nil {
		return err
	}
	root, err := build.Root()
	if err != nil {
		return err
	}
	if p.cosign, err = build.Binary(ctx, "cosign"); err != nil {
		return err
	}
	push := exec.CommandContext(ctx, "go", "run", ".", "push", "-layout", filepath.Join(p.dist, "oci"), "-to", p.to)
	push.Dir, push.Env, push.Stderr = filepath.Join(root, "test", "release", "oci"), append(os.Environ(), "GOFLAGS=", "GOWORK=off"), os.Stderr
	pushed, err := push.Output()
	if err != nil {
		return fmt.Errorf("push: %w", err)
	}
	fmt.Print(string(pushed))
	return p.sign(ctx, strings.Fields(string(pushed)))
}

// sign signs what was pushed, given as REPOSITORY:TAG@DIGEST, and the checksums.
func (p *publisher) sign(ctx context.Context, pushed []string) error {
	for _, name := range pushed {
		tagged, digest, _ := strings.Cut(name, "@")
		repository := tagged[:strings.LastIndexByte(tagged, ':')]
		if err := p.run(ctx, "sign", "--recursive", repository+"@"+digest); err != nil {
			return err
		}
		if !strings.HasSuffix(repository, "/outrider-controller") {
			continue
		}
		if err := p.attest(ctx, repository+"@"+digest); err != nil {
			return err
		}
	}
	sums := filepath.Join(p.dist, "checksums.txt")
	return p.run(ctx, "sign-blob", "--bundle", sums+".bundle", sums)
}

// attest has cosign make a statement of the provenance's predicate about the image.
func (p *publisher) attest(ctx context.Context, image string) error {
	var statement struct{ Predicate json.RawMessage }
	raw, err := os.ReadFile(filepath.Join(p.dist, "provenance.intoto.json"))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, &statement); err != nil {
		return fmt.Errorf("read provenance: %w", err)
	}
	f, err := os.CreateTemp("", "outrider-predicate-*.json")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if _, err := f.Write(statement.Predicate); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return p.run(ctx, "attest", "--type", "slsaprovenance1", "--predicate", f.Name(), image)
}

// run runs cosign. With a key it asks no public service: neither for the time nor for an entry in the transparency log.
func (p *publisher) run(ctx context.Context, command string, args ...string) error {
	all := []string{command, "--yes"}
	if p.key != "" {
		all = append(all, "--key", p.key, "--use-signing-config=false", "--tlog-upload=false")
	}
	cmd := exec.CommandContext(ctx, p.cosign, append(all, args...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("cosign %s: %w\n%s", command, err, out)
	}
	return nil
}
