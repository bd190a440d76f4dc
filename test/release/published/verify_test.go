package published_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A tester's key stands in for the workflow's identity, and no public service is asked.
var (
	unlogged  = []string{"--insecure-ignore-tlog=true"}
	publicKey = "cosign.pub"
)

// testSignatures holds that what is signed is verified with the key that signed, and with no other.
func (p *published) testSignatures(t *testing.T) {
	image := p.ref("outrider-controller", p.digests["outrider-controller"])
	verify := append([]string{"verify", "--key", publicKey}, unlogged...)
	for repository, digest := range p.digests {
		p.client(t, "cosign", append(verify, p.ref(repository, digest))...)
	}
	index, err := p.Manifest(t.Context(), "outrider-dev/outrider-controller", p.digests["outrider-controller"])
	if err != nil || len(index.Manifests) == 0 {
		t.Fatalf("index of %d images, %v", len(index.Manifests), err)
	}
	for _, m := range index.Manifests {
		p.client(t, "cosign", append(verify, p.ref("outrider-controller", m.Digest))...)
	}
	t.Run("another key", func(t *testing.T) {
		do(t, p.keys, []string{"COSIGN_PASSWORD="}, p.bin["cosign"], "generate-key-pair", "--output-key-prefix", "other")
		p.fails(t, p.Env(), "cosign", append([]string{"verify", "--key", "other.pub"}, append(unlogged, image)...)...)
	})
	t.Run("provenance", func(t *testing.T) {
		said := p.client(t, "cosign", append([]string{"verify-attestation", "--key", publicKey, "--type", "slsaprovenance1"}, append(unlogged, image)...)...)
		if !strings.Contains(said, "payload") {
			t.Errorf("the attestation is %s", said)
		}
	})
	t.Run("checksums", func(t *testing.T) {
		bundle := filepath.Join(p.dist, "checksums.txt.bundle")
		verify := append([]string{"verify-blob", "--key", publicKey, "--bundle", bundle}, unlogged...)
		p.client(t, "cosign", append(verify, filepath.Join(p.dist, "checksums.txt"))...)
		forged := filepath.Join(t.TempDir(), "checksums.txt")
		if err := os.WriteFile(forged, []byte("0000  outrider\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		p.fails(t, p.Env(), "cosign", append(verify, forged)...)
	})
}

// testBills holds that the bill of materials of each image is found by the image's digest, and that the program of which
// it tells is the one in the image.
func (p *published) testBills(t *testing.T) {
	const repository = "outrider-dev/outrider-controller"
	index, err := p.Manifest(t.Context(), repository, p.version)
	if err != nil {
		t.Fatal(err)
	}
	for _, image := range index.Manifests {
		bill := p.bill(t, repository, image.Digest)
		m, err := p.Manifest(t.Context(), repository, image.Digest)
		if err != nil {
			t.Fatal(err)
		}
		layer, err := p.Get(t.Context(), repository+"/blobs/"+m.Layers[0].Digest)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(fileIn(t, layer, "outrider-controller"))
		if got := bill.Metadata.Component.Hashes[0].Content; got != hex.EncodeToString(sum[:]) {
			t.Errorf("the bill is about a program %s, the image has %x", got, sum)
		}
		if len(bill.Components) < 50 {
			t.Errorf("the bill has %d components", len(bill.Components))
		}
	}
	if bill := p.bill(t, "outrider-dev/charts/outrider", p.digests["charts/outrider"]); len(bill.Components) < 10 {
		t.Errorf("the chart's bill has %d images", len(bill.Components))
	}
}

type bill struct {
	BOMFormat string
	Metadata  struct {
		Component struct{ Hashes []struct{ Content string } }
	}
	Components []struct{ Name, Version, PURL string }
}

func (p *published) bill(t *testing.T, repository, digest string) (b bill) {
	t.Helper()
	referrers, err := p.Referrers(t.Context(), repository, digest)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range referrers {
		if r.ArtifactType != "application/vnd.cyclonedx+json" {
			continue // a signature
		}
		m, err := p.Manifest(t.Context(), repository, r.Digest)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := p.Get(t.Context(), repository+"/blobs/"+m.Layers[0].Digest)
		if err == nil {
			err = json.Unmarshal(raw, &b)
		}
		if err != nil || b.BOMFormat != "CycloneDX" {
			t.Fatalf("bill of %s: format %q, %v", digest, b.BOMFormat, err)
		}
		return b
	}
	t.Fatalf("%d referrers of %s@%s, none is a bill of materials", len(referrers), repository, digest)
	return b
}
