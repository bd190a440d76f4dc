package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const mpl = "Mozilla Public License Version 2.0"

// What is refused is distinguished from what is accepted by the files alone.
func TestRefusal(t *testing.T) {
	bsd := "Redistribution and use in source and binary forms, with or without modification, are permitted"
	for name, tc := range map[string]struct {
		part part
		want string // begins the refusal; "" for none
	}{
		"taken":              {part{path: "a", licenses: []string{"Apache-2.0", "MIT"}}, ""},
		"copyleft":           {part{path: "a", licenses: []string{"GPL-3.0", "MIT"}}, "GPL-3.0"},
		"named":              {part{path: "github.com/hashicorp/errwrap", licenses: []string{"MPL-2.0"}}, ""},
		"named with another": {part{path: "github.com/hashicorp/errwrap", licenses: []string{"GPL-3.0", "MPL-2.0"}}, "GPL-3.0"},
		"of no name":         {part{path: "a", licenses: []string{"MPL-2.0"}}, "MPL-2.0"},
		"none":               {part{path: "a"}, "no license"},
		"unknown beside one": {part{path: "a", licenses: []string{"MIT"}, unknown: []string{"COPYING"}}, "unknown: COPYING"},
		"words of one":       {ofText(t, bsd), "unknown: LICENSE"},
		"words of none":      {ofText(t, "Do what you like."), "unknown: LICENSE"},
		"its name alone":     {ofText(t, mpl), "unknown: LICENSE"},
	} {
		if got := tc.part.refusal(); (got == "") != (tc.want == "") || !strings.HasPrefix(got, tc.want) {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

// A file in the folder of a linked package, or between it and the module's, counts; one in another package's does not.
func TestFilesOfLinkedPackages(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{"linked/deep", "other"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{"LICENSE", "linked/COPYING.txt", "other/LICENSE", "linked/license.go"} {
		if err := os.WriteFile(filepath.Join(root, file), []byte("Do what you like."), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	p := part{path: "a"}
	if err := p.license(root, []string{filepath.Join(root, "linked", "deep")}); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(p.unknown, "; "), "LICENSE (0 % known); linked/COPYING.txt (0 % known)"; got != want {
		t.Errorf("files %q, want %q", got, want)
	}
}

func ofText(t *testing.T, text string) part {
	t.Helper()
	p := part{path: "a"}
	p.recognize("LICENSE", []byte(text))
	return p
}
