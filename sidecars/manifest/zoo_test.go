package manifest_test

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/sidecars/manifest"
)

// zoo calls do with each file of a folder of testdata.
func zoo(t *testing.T, folder string, do func(t *testing.T, text string)) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", folder, "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			do(t, string(raw))
		})
	}
}

// TestAsks holds, for files as people write them, that what is added is all that
// differs, that it is what was planned, and that it can be taken out again.
func TestAsks(t *testing.T) {
	zoo(t, "asks", func(t *testing.T, text string) {
		set := open(t, text, manifest.Options{})
		plans, err := set.Inject()
		if err != nil {
			t.Fatal(err)
		}
		injected := write(t, set)
		if !isSubsequence(text, injected) && !strings.Contains(injected, "&outrider-") { // an alias that is written out
			t.Errorf("something of the file is gone:\n%s", set.Streams[0].Diff("injected"))
		}
		again := open(t, injected, manifest.Options{})
		if len(again.Templates) != len(set.Templates) {
			t.Fatalf("%d templates before and %d after", len(set.Templates), len(again.Templates))
		}
		changed := 0
		for i, template := range set.Templates {
			if diff := cmp.Diff(plans[i].Apply(template.Pod), again.Templates[i].Pod); diff != "" {
				t.Errorf("%s is not what was planned (-want +got)\n%s", template, diff)
			}
			if plans[i].Changes() {
				changed++
			}
			if second := again.Plan(again.Templates[i]); second.Changes() {
				t.Errorf("%s is changed by a second injection: %v", template, second.Patch())
			}
		}
		if changed == 0 {
			t.Error("nothing was injected")
		}
		if _, err := again.Remove(); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(text, write(t, again)); diff != "" {
			t.Errorf("it does not come back (-before +after)\n%s", diff)
		}
	})
}

// TestOnlyAdditions holds that the difference of files in block style adds lines, and takes none away.
func TestOnlyAdditions(t *testing.T) {
	inline := []string{ // lines that hold more than one entry
		"no-newline.yaml", "no-newline-windows.yaml", "four-spaces.yaml", "empty-maps-and-lists.yaml", "keys-without-values.yaml", "nulls.yaml",
		"labels-by-alias.yaml", "merged-labels.yaml", "list.yaml", "flow-lines.yaml", "trailing-commas.yaml", "other-kinds.yaml", "discovered.yaml", "no-metadata.yaml",
		"kyaml.yaml", "kyaml-two.yaml", "aliases-behind.yaml", "alias-annotations-flow.yaml", "alias-container-flow.yaml", "alias-containers-block.yaml",
		"alias-containers-flow.yaml", "alias-template-flow.yaml", "flow-comments.yaml", "flow-multiline.yaml", "json-in-yaml.yaml", "list-of-lists.yaml",
		"marks-with-more.yaml", "pod-volumes-empty.yaml",
		"anchored-annotations.yaml", "annotations-last.yaml", "flow-list-lines.yaml", "json-then-yaml.yaml", "keys-after-containers.yaml",
		"kyaml-comments.yaml", "windows-block-no-end.yaml", "merge-list.yaml", "null-lists.yaml", "one-flow-line.yaml",
		"tabs-in-flow.yaml", "tags.yaml",
	}
	files, err := filepath.Glob("testdata/asks/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		set := open(t, string(raw), manifest.Options{})
		if _, err := set.Inject(); err != nil {
			t.Fatal(err)
		}
		diff := set.Streams[0].Diff("injected")
		if got := strings.Contains(diff[strings.Index(diff, "@@"):], "\n-"); got && !slices.Contains(inline, filepath.Base(file)) {
			t.Errorf("%s: lines are gone:\n%s", file, diff)
		}
	}
}

// TestPasses holds that a document which asks for nothing passes byte for byte,
// whatever it is.
func TestPasses(t *testing.T) {
	zoo(t, "passes", func(t *testing.T, text string) {
		if got := inject(t, text, manifest.Options{}); got != text {
			t.Errorf("%q became %q", text, got)
		}
	})
}

// TestHostile holds that files made to use up memory are refused, with the
// document named, at a small cost.
func TestHostile(t *testing.T) {
	deep := func(open, close string, n int) string {
		return strings.Repeat(open, n) + "1" + strings.Repeat(close, n)
	}
	texts := map[string]string{
		"flow maps":  "a: 1\n---\n" + deep("{a: ", "}", 10500),
		"flow lists": "a: 1\n---\n" + deep("[", "]", 200000),
		"JSON":       deep(`{"a":`, "}", 200000),
		"dashes":     strings.Repeat("- ", 10500) + "1\n",
	}
	for _, file := range []string{"nested-aliases", "merged-bomb", "contains-itself", "contains-itself-deeply", "merges-itself"} {
		raw, err := os.ReadFile("testdata/hostile/" + file + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		texts[file] = string(raw)
	}
	for name, text := range texts {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			err := tryInject(text)
			runtime.ReadMemStats(&after)
			if err == nil || !strings.Contains(err.Error(), "-:") || !strings.Contains(err.Error(), "document ") {
				t.Errorf("error %v, want one with the document", err)
			}
			if spent := after.TotalAlloc - before.TotalAlloc; spent > 256<<20 {
				t.Errorf("%d MiB were allocated", spent>>20)
			}
		})
	}
}

// TestDeepPasses holds that what is nested as deep as the API server takes passes.
func TestDeepPasses(t *testing.T) {
	text := strings.Repeat("{a: ", 5000) + "1" + strings.Repeat("}", 5000) + "\n"
	if got := inject(t, text, manifest.Options{}); got != text {
		t.Error("it changed")
	}
}

// TestStreamsInARow holds that files follow each other as documents of one
// stream, and mean what they meant.
func TestStreamsInARow(t *testing.T) {
	texts := []string{"a: |\n  text", "b: |+\n  text\n\n  more", "# nothing\n", "---\nc: 1\n", `{"d":1}`, plain}
	var streams []*manifest.Stream
	for _, text := range texts {
		s, err := manifest.Read("-", strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		streams = append(streams, s)
	}
	var out bytes.Buffer
	if err := manifest.Write(&out, streams...); err != nil {
		t.Fatal(err)
	}
	const want = "a: |-\n  text\n---\nb: |-\n  text\n\n  more\n---\n# nothing\n---\nc: 1\n---\n{\"d\":1}\n---\n" + plain
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// FuzzEdit holds for any text that can be read: what is added is all that
// differs, what is not asked for passes byte for byte, and what was added goes.
func FuzzEdit(f *testing.F) {
	for _, folder := range []string{"asks", "passes", "hostile"} {
		files, err := filepath.Glob(filepath.Join("testdata", folder, "*"))
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			raw, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(string(raw))
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, sidecars.StatusKey) || strings.Contains(text, sidecars.MonitoredKey) {
			return // injected before
		}
		set, err := tryOpen(text, manifest.Options{})
		if err != nil {
			return
		}
		if _, err := set.Inject(); err != nil {
			return // it is said; wrong text would be worse
		}
		injected := write(t, set)
		if injected == text {
			return
		}
		back, err := tryOpen(injected, manifest.Options{})
		if err != nil {
			t.Fatalf("what was written cannot be read: %v\n%s", err, injected)
		}
		if _, err := back.Remove(); err != nil {
			return
		}
		if !strings.ContainsAny(text, "*") && write(t, back) != text {
			t.Errorf("it does not come back: %q became %q", text, write(t, back))
		}
	})
}

// isSubsequence reports whether a text can be made of another one by taking out bytes.
func isSubsequence(text, of string) bool {
	at := 0
	for i := 0; i < len(of) && at < len(text); i++ {
		if of[i] == text[at] {
			at++
		}
	}
	return at == len(text)
}
