package docs_test

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// words are those that a reader stumbles over, each with what the field says.
var words = []struct {
	pattern *regexp.Regexp
	instead string
}{
	{word(`rid(e|es|ing) along`), "is injected"},
	{word(`put up with`), "tolerate"},
	{word(`whoever`), "any client that, the author of"},
	{word(`(is|are|was|were) told|told by`), "is reported, gets, is exported by"},
	{word(`there already`), "already injected, already exists"},
	{word(`aloud`), "logged"},
	{word(`for ever`), "forever"},
	{word(`by itself`), "automatically, alone"},
	{word(`mend(s|ed|ing)?`), "repair, correct"},
	{word(`guests?|shown out|showOut|trustees?`), "connections, is evicted, caBundleSyncer"},
	{word(`strangers?|somebody`), "a client, someone, other"},
	{word(`(un)?labelled|labelling`), "labeled"},
	{word(`(recogn|serial|synchron|initial|organ|summar|normal|author|minim|custom)is(e[sd]?|ing|ation)`), "-ize, -ization"},
	{word(`relabell(ed|ing)`), "relabeled, relabeling"},
	{word(`catalogues?|colours?|behaviours?|cancelled|licences?|honour(s|ed)?|neighbours?|misspelt`), "the American spelling"},
}

// escapes are those of Go's strings, which would be read as the first letter of a word.
var escapes = strings.NewReplacer(`\t`, " ", `\n`, " ")

func word(pattern string) *regexp.Regexp { return regexp.MustCompile(`(?i)\b(` + pattern + `)\b`) }

// TestWords holds that text is American English in the field's terms.
func TestWords(t *testing.T) {
	read := 0
	for file, raw := range files(t) {
		if file == "test/docs/words_test.go" {
			continue
		}
		if !slices.Contains([]string{".go", ".md", ".yaml", ".tpl", ".txt", ".tmpl", ""}, filepath.Ext(file)) || strings.Contains(file, "testdata/") {
			continue
		}
		read++
		for i, line := range strings.Split(escapes.Replace(string(raw)), "\n") {
			for _, w := range words {
				if found := w.pattern.FindString(line); found != "" {
					t.Errorf("%s:%d: %q: write %s", file, i+1, found, w.instead)
				}
			}
		}
	}
	if read < 100 {
		t.Errorf("%d files were read", read)
	}
}
