package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// notesFile of a release is the text of its page.
const notesFile = "NOTES.md"

var section = regexp.MustCompile(`(?m)^## \[([^\]]+)\](?: - (\d{4}-\d{2}-\d{2}))?$`)

// notes is the text of the version's section of the changelog and whether the section has a date. A version without one
// is not released yet: then it is the text of Unreleased, which is empty right after a release.
func (r *release) notes() (text string, dated bool, err error) {
	raw, err := os.ReadFile(r.path(".github", "CHANGELOG.md"))
	if err != nil {
		return "", false, err
	}
	return notesOf(string(raw), r.version)
}

func notesOf(changelog, version string) (text string, dated bool, err error) {
	found := section.FindAllStringSubmatchIndex(changelog, -1)
	texts, dates := map[string]string{}, map[string]bool{}
	for i, at := range found {
		end := strings.LastIndex(changelog, "\n[Unreleased]: ")
		if i+1 < len(found) {
			end = found[i+1][0]
		}
		if end < at[1] {
			end = len(changelog)
		}
		name := changelog[at[2]:at[3]]
		texts[name], dates[name] = strings.TrimSpace(changelog[at[1]:end]), at[4] >= 0
	}
	if texts[version] != "" {
		return texts[version], dates[version], nil
	}
	if text, found := texts["Unreleased"]; found {
		return cmp.Or(text, "Nothing has changed since the last release."), false, nil
	}
	return "", false, fmt.Errorf("CHANGELOG.md has neither a section [%s] nor [Unreleased]", version)
}

// change is one of Artifact Hub's changes.
type change struct {
	Kind        string `json:"kind"`
	Description string `json:"description"`
}

// changes are the points of notes by their headings.
func changes(notes string) []change {
	var all []change
	kind := "changed"
	for line := range strings.Lines(notes) {
		line = strings.TrimRight(line, "\n")
		heading, isHeading := strings.CutPrefix(line, "### ")
		point, isPoint := strings.CutPrefix(line, "- ")
		switch {
		case isHeading:
			kind = strings.ToLower(heading)
		case isPoint:
			all = append(all, change{kind, point})
		case strings.TrimSpace(line) != "" && len(all) > 0:
			all[len(all)-1].Description += " " + strings.TrimSpace(line)
		}
	}
	return all
}

func (r *release) writeNotes(context.Context) error {
	text, _, err := r.notes()
	if err != nil {
		return err
	}
	image := owner + "/" + controller + ":" + r.version
	text += fmt.Sprintf("\n\n## Install\n\n```\nhelm install outrider oci://%s/charts/outrider --version %s --namespace outrider --create-namespace --wait\n```\n\n"+
		"Image: `%s@%s`. Archives of the command line, bills of materials (CycloneDX), provenance and checksums are below;\n"+
		"[SECURITY.md](%s/blob/v%s/.github/SECURITY.md) tells how to verify them.\n", owner, r.version, image, r.digests[image], project, r.version)
	return os.WriteFile(filepath.Join(r.out, notesFile), []byte(text), 0o644)
}
