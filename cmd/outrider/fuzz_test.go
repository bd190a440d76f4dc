package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/outrider-dev/outrider/sidecars/manifest"
)

// FuzzStream pipes any manifests through inject and uninject: a document in which nothing is to be done comes out byte for byte, and
// what was injected goes again.
func FuzzStream(f *testing.F) {
	files, err := filepath.Glob("../../test/corpus/*.yaml")
	if err != nil || len(files) == 0 {
		f.Fatalf("no corpus: %v", err)
	}
	for i, file := range files {
		if i%8 != 0 {
			continue // each seed is run before anything new is, and takes a while
		}
		raw, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add([]byte("a: &a [1]\nb: *a\n---\n# only a comment\n---\n{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": [null, 7, {}]}"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) > 64<<10 {
			return
		}
		bare, err := pipe("uninject", raw)
		if err != nil {
			return // what cannot be read; the next must be able to read what this one wrote
		}
		injected, err := pipe("inject", bare)
		if err != nil {
			return
		}
		untouched(t, bare, injected)
		again, err := pipe("inject", injected)
		if err != nil {
			t.Fatalf("inject cannot read what it wrote: %v\n%s", err, injected)
		}
		if diff := cmp.Diff(objects(t, injected), objects(t, again)); diff != "" {
			t.Errorf("inject changes what it wrote:\n%s", diff)
		}
		back, err := pipe("uninject", injected)
		if err != nil {
			t.Fatalf("uninject cannot read what inject wrote: %v\n%s", err, injected)
		}
		if diff := cmp.Diff(objects(t, bare), objects(t, back)); diff != "" {
			t.Errorf("uninject is no mirror (-before +after):\n%s", diff)
		}
	})
}

// pipe runs a command as it is run in a pipe.
func pipe(command string, in []byte) ([]byte, error) {
	cmd := root("outrider")
	var out bytes.Buffer
	cmd.SetArgs([]string{command})
	cmd.SetIn(bytes.NewReader(in))
	cmd.SetOut(&out)
	cmd.SetErr(&bytes.Buffer{})
	err := cmd.Execute()
	return out.Bytes(), err
}

// untouched holds that each document without an exporter of ours is as it was, byte for byte, if all its lines end alike.
func untouched(t *testing.T, before, after []byte) {
	t.Helper()
	b, a := documents(before), documents(after)
	if len(b) != len(a) {
		return // a value that holds a line of three dashes
	}
	for i := range b {
		if !strings.Contains(a[i], "outrider.dev") && strings.TrimRight(b[i], "\r\n") != strings.TrimRight(a[i], "\r\n") {
			t.Errorf("document %d was\n%s\nand is\n%s", i+1, b[i], a[i])
		}
	}
}

func documents(stream []byte) []string {
	return strings.Split(strings.ReplaceAll(string(stream), "\r\n", "\n"), "\n---\n")
}

// objects are the documents of a stream as JSON. What is empty is left out: a list, a map and null are the same as nothing there.
func objects(t *testing.T, raw []byte) []any {
	t.Helper()
	s, err := manifest.Read("-", bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("what was written cannot be read: %v\n%s", err, raw)
	}
	var all []any
	for _, o := range s.Objects() {
		var value any
		text, err := o.JSON()
		if err == nil {
			err = json.Unmarshal(text, &value)
		}
		if err != nil {
			value = err.Error()
		}
		all = append(all, full(value))
	}
	return all
}

// full is a value without what is empty, or nil.
func full(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for key := range v {
			if v[key] = full(v[key]); v[key] == nil {
				delete(v, key)
			}
		}
		if len(v) == 0 {
			return nil
		}
	case []any:
		for i := range v {
			v[i] = full(v[i])
		}
		if len(v) == 0 {
			return nil
		}
	}
	return value
}
