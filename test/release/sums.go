package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// Files of a release that are about the others.
const (
	sumsFile       = "checksums.txt"
	digestsFile    = "digests.txt"
	provenanceFile = "provenance.intoto.json"
)

// writeSums writes what names all the rest: the digests in the registry, the provenance, and the checksums. Who signs the
// checksums signs everything.
func (r *release) writeSums(context.Context) error {
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(r.digests)) {
		lines = append(lines, name+"@"+r.digests[name]+"\n")
	}
	if err := os.WriteFile(filepath.Join(r.out, digestsFile), []byte(strings.Join(lines, "")), 0o644); err != nil {
		return err
	}
	sums, err := r.sums()
	if err != nil {
		return err
	}
	if err := r.writeProvenance(sums); err != nil {
		return err
	}
	if sums, err = r.sums(); err != nil {
		return err
	}
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(sums)) {
		fmt.Fprintf(&text, "%s  %s\n", sums[name], name)
	}
	return os.WriteFile(filepath.Join(r.out, sumsFile), []byte(text.String()), 0o644)
}

// sums are the SHA-256 of the release's files by name. The layout's blobs are named by theirs, from its index on.
func (r *release) sums() (map[string]string, error) {
	entries, err := os.ReadDir(r.out)
	if err != nil {
		return nil, err
	}
	all := map[string]string{}
	for _, e := range entries {
		name := e.Name()
		if e.IsDir() {
			name += "/index.json"
		}
		if all[name], err = sha256Of(filepath.Join(r.out, name)); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func sha256Of(path string) (string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), nil
}

type resource struct {
	Name   string            `json:"name,omitempty"`
	URI    string            `json:"uri,omitempty"`
	Digest map[string]string `json:"digest,omitempty"`
}

// writeProvenance writes an in-toto statement with SLSA's predicate: from which commit, with which Go, everything in the
// folder and in the registry was made. What differs between two runs, such as the time, is left out.
func (r *release) writeProvenance(sums map[string]string) error {
	var subjects []resource
	for _, name := range slices.Sorted(maps.Keys(sums)) {
		subjects = append(subjects, resource{Name: name, Digest: map[string]string{"sha256": sums[name]}})
	}
	for _, name := range slices.Sorted(maps.Keys(r.digests)) {
		subjects = append(subjects, resource{Name: name, Digest: map[string]string{"sha256": strings.TrimPrefix(r.digests[name], "sha256:")}})
	}
	statement := map[string]any{
		"_type": "https://in-toto.io/Statement/v1", "subject": subjects, "predicateType": "https://slsa.dev/provenance/v1",
		"predicate": map[string]any{
			"buildDefinition": map[string]any{
				"buildType":          project + "/blob/main/test/release",
				"externalParameters": map[string]any{"version": r.version, "cli": fmt.Sprint(r.cli), "image": fmt.Sprint(r.images)},
				"internalParameters": map[string]any{"command": "make release"},
				"resolvedDependencies": []resource{
					{URI: "git+" + project, Digest: map[string]string{"gitCommit": r.commit}},
					{Name: "go", URI: "https://go.dev/dl/" + runtime.Version() + ".src.tar.gz"},
				},
			},
			"runDetails": map[string]any{"builder": map[string]any{"id": project + "/blob/main/.github/workflows/release.yaml"}},
		},
	}
	data, err := json.MarshalIndent(statement, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(r.out, provenanceFile), append(data, '\n'), 0o644)
}
