package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"sigs.k8s.io/yaml"
)

// writeFormat writes a value as json or yaml, or, for people, what text writes,
// in colour on a terminal.
func writeFormat(w io.Writer, format string, value any, text func(io.Writer) error) error {
	switch format {
	case "text":
		var b bytes.Buffer
		if err := text(&b); err != nil {
			return err
		}
		_, err := io.WriteString(w, painter(w)(b.String()))
		return err
	case "json":
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)
		return encoder.Encode(value)
	case "yaml":
		raw, err := yaml.Marshal(value)
		if err != nil {
			return fmt.Errorf("encode as YAML: %w", err)
		}
		_, err = w.Write(raw)
		return err
	}
	return fmt.Errorf("--output %q: want text, json or yaml", format)
}

// colours of the words that people look for.
var colours = map[string]string{
	"pass": "32", "warn": "33", "fail": "31",
	"injected": "32", "discovered": "32", "skipped": "33", "ignored": "33", "refused": "33", "suspended": "33", "stale": "33", "missed": "31",
	"up": "32", "down": "31", "unproven": "33",
}

// word is one that may be the whole of a column.
var word = regexp.MustCompile(`[a-z]+`)

// painter colours the words of a text that is already in columns, so that they
// stay in line; it leaves them alone where there is no terminal, or NO_COLOR
// asks for it.
func painter(w io.Writer) func(string) string {
	f, ok := w.(*os.File)
	if ok {
		info, err := f.Stat()
		ok = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	if _, no := os.LookupEnv("NO_COLOR"); no || !ok {
		return func(s string) string { return s }
	}
	return paint
}

func paint(text string) string {
	var b strings.Builder
	written := 0
	for _, at := range word.FindAllStringIndex(text, -1) {
		before, found, after := text[:at[0]], text[at[0]:at[1]], text[at[1]:]
		begins := before == "" || strings.HasSuffix(before, "\n") || strings.HasSuffix(before, "  ")
		ends := after == "" || strings.HasPrefix(after, "\n") || strings.HasPrefix(after, "  ")
		if colour, ok := colours[found]; ok && begins && ends {
			b.WriteString(text[written:at[0]] + "\x1b[" + colour + "m" + found + "\x1b[0m")
			written = at[1]
		}
	}
	b.WriteString(text[written:])
	return b.String()
}
