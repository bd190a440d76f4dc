package manifest

import (
	"bytes"
	"fmt"
	"io"
	"sort"
)

// Stream is a sequence of documents, as a file or standard input has them.
type Stream struct {
	// Source is where it came from, for messages: a file's name, or "-".
	Source string

	text      []byte
	lines     []int // where each line starts
	documents []*document
}

// Read reads documents of YAML or JSON. What cannot be read is no error yet:
// only some of the documents may matter.
func Read(source string, r io.Reader) (*Stream, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", source, err)
	}
	s := &Stream{Source: source, text: text, documents: cut(text), lines: []int{0}}
	for at := 0; at < len(text); {
		at = lineEnd(text, at)
		s.lines = append(s.lines, at)
	}
	for _, d := range s.documents {
		d.read(text)
	}
	return s, nil
}

// line is the number of the line that an offset is in, from 1.
func (s *Stream) line(at int) int {
	return sort.Search(len(s.lines), func(i int) bool { return s.lines[i] > at })
}

// Text is the stream with all that was added and removed; the rest is as it was
// read, byte for byte.
func (s *Stream) Text() []byte { return apply(s.text, 0, len(s.text), s.edits()) }

func (s *Stream) edits() []edit {
	var all []edit
	for _, d := range s.documents {
		all = append(all, d.edits...)
	}
	return all
}

// Write writes streams one after the other, as one stream.
func Write(w io.Writer, streams ...*Stream) error {
	ended := true // nothing was written yet, or a separator
	for i, s := range streams {
		text := s.Text()
		if i > 0 && !ended && !marks(text[behindMark(text, 0):], "---") {
			text = append([]byte("---\n"), text...)
		}
		if i+1 < len(streams) {
			text = closed(text)
		}
		if _, err := w.Write(text); err != nil {
			return fmt.Errorf("write %s: %w", s.Source, err)
		}
		ended = ended && len(bytes.TrimSpace(text)) == 0
	}
	return nil
}

// closed is a text that ends in a line break, so that another can follow. A
// block of text that ends without one gets it taken off again by its header.
func closed(text []byte) []byte {
	if len(text) == 0 || bytes.HasSuffix(text, []byte("\n")) {
		return text
	}
	documents := cut(text)
	last := documents[len(documents)-1]
	last.read(text)
	edits := []edit{{len(text), len(text), "\n"}}
	if last.root != nil && !last.json {
		m := measure(text, last)
		edits = append(edits, m.seal(last.root)...)
	}
	return apply(text, 0, len(text), edits)
}

// problems are what makes documents unreadable, for those that matter.
func (s *Stream) problems(matters func(text []byte) bool) (errs []error, notes []string) {
	for _, d := range s.documents {
		if d.err == nil {
			continue
		}
		line, what := inFile(d.err, s.line(readFrom(s.text, d.start)))
		text := s.text[d.start:d.end]
		if looksLikeTemplate(text) {
			what = renderFirst
		}
		where := fmt.Sprintf("%s:%d: document %d", s.Source, line, d.number)
		if d.hostile || matters(bytes.ReplaceAll(text, []byte{0}, nil)) { // also in UTF-16
			errs = append(errs, fmt.Errorf("%s: %s", where, what))
			continue
		}
		notes = append(notes, fmt.Sprintf("%s cannot be read and passes through unchanged: %s", where, what))
	}
	return errs, notes
}

const renderFirst = "it looks like a template of Helm that is not rendered; render it first, with helm template, and pipe that here"

const replaceFirst = "it looks like a parameter; have it replaced first, with oc process, envsubst or what else does it, and pipe that here"

func looksLikeTemplate(text []byte) bool {
	open := bytes.Index(text, []byte("{{"))
	return open >= 0 && bytes.Contains(text[open:], []byte("}}"))
}
