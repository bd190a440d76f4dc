package main

import (
	"bytes"
	"fmt"
	"io"

	"github.com/pmezard/go-difflib/difflib"

	"github.com/outrider-dev/outrider/sidecars/manifest"
)

// output writes the manifests of a set, or what has changed in them since it
// was made.
type output struct {
	set    *manifest.Set
	before []string // text of each stream; nil where the manifests themselves are wanted
	after  string   // what has been done, for the head of a difference
}

func newOutput(set *manifest.Set, diff bool, after string) (*output, error) {
	o := &output{set: set, after: after}
	if !diff {
		return o, nil
	}
	for _, s := range set.Streams {
		text, err := text(s)
		if err != nil {
			return nil, err
		}
		o.before = append(o.before, text)
	}
	return o, nil
}

func text(s *manifest.Stream) (string, error) {
	var b bytes.Buffer
	err := s.Write(&b)
	return b.String(), err
}

// write reports whether differences were wanted and there are any.
func (o *output) write(w io.Writer) (found bool, err error) {
	for i, s := range o.set.Streams {
		after, err := text(s)
		if err != nil {
			return found, err
		}
		if o.before != nil {
			after, err = difflib.GetUnifiedDiffString(difflib.UnifiedDiff{
				A: difflib.SplitLines(o.before[i]), B: difflib.SplitLines(after),
				FromFile: s.Source, ToFile: s.Source + " (" + o.after + ")", Context: 3,
			})
			if err != nil {
				return found, fmt.Errorf("compare %s: %w", s.Source, err)
			}
			found = found || after != ""
		} else if i > 0 {
			after = "---\n" + after
		}
		if _, err := io.WriteString(w, after); err != nil {
			return found, fmt.Errorf("write: %w", err)
		}
	}
	return found, nil
}
