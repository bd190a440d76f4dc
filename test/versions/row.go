package main

import (
	"fmt"
	"strings"
)

// row is what became of a version's tests.
type row struct {
	version string
	cells   map[string]*cell
	parents map[string]bool // tests of which a subtest has ended
	err     error           // of the go command as a whole
}

// cell counts the tests of one column. Skipped ones are those that are not for this version.
type cell struct{ passed, failed, skipped int }

func newRow(version string) *row {
	r := &row{version: version, cells: map[string]*cell{}, parents: map[string]bool{}}
	for _, c := range columns {
		r.cells[c] = &cell{}
	}
	return r
}

// take counts a test that ended. Of one with subtests these are counted, and itself only where it is what failed.
func (r *row) take(e event) {
	if e.Test == "" {
		return
	}
	c := r.cells[column(e.Package, e.Test)]
	switch e.Action {
	case "pass", "fail", "skip":
		if i := strings.LastIndex(e.Test, "/"); i >= 0 {
			r.parents[e.Package+" "+e.Test[:i]] = true
		}
	}
	switch e.Action {
	case "pass":
		if !r.parents[e.Package+" "+e.Test] {
			c.passed++
		}
	case "fail":
		c.failed++
	case "skip":
		c.skipped++
	}
}

// failed says whether a test did, or there was none.
func (r *row) failed() bool {
	for _, c := range r.cells {
		if c.failed > 0 || c.passed == 0 {
			return true
		}
	}
	return r.err != nil
}

func (c *cell) String() string {
	text := fmt.Sprint(c.passed)
	if c.failed > 0 {
		text += fmt.Sprintf(" of %d", c.passed+c.failed)
	}
	if c.skipped > 0 {
		text += fmt.Sprintf(", %d not for it", c.skipped)
	}
	return text
}
