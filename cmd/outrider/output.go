package main

import (
	"fmt"
	"io"

	"github.com/outrider-dev/outrider/sidecars/manifest"
)

// output writes the manifests of a set, or what has changed in them.
type output struct {
	diff bool
	done string // what has been done, for the head of a difference
}

// write reports whether differences were wanted and there are any.
func (o output) write(w io.Writer, set *manifest.Set) (found bool, err error) {
	if !o.diff {
		return false, manifest.Write(w, set.Streams...)
	}
	for _, s := range set.Streams {
		text := s.Diff(o.done)
		found = found || text != ""
		if _, err := io.WriteString(w, text); err != nil {
			return found, fmt.Errorf("write: %w", err)
		}
	}
	return found, nil
}
