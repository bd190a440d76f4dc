package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	utilversion "k8s.io/apimachinery/pkg/util/version"

	"github.com/outrider-dev/outrider/test/cluster/build"
)

// headOfVersion and headOfDay are the columns before those of tests.
const headOfVersion, headOfDay = "Kubernetes", "tested on"

// keep writes the rows that passed on a day into the table that charts/README.md shows. The rows of other supported versions stay.
func keep(rows []*row, supported []build.APIServer, day string) error {
	root, err := build.Root()
	if err != nil {
		return err
	}
	file := filepath.Join(root, "test", "versions", "passed.md")
	before, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read what passed: %w", err)
	}
	var minors []string
	for _, s := range supported {
		minors = append(minors, s.Minor())
	}
	if err := os.WriteFile(file, []byte(renewed(string(before), rows, minors, day)), 0o644); err != nil { //nolint:gosec // a file of the repository
		return fmt.Errorf("keep what passed: %w", err)
	}
	return nil
}

// renewed is a table with the rows of a day, of those minor versions that are supported, the oldest first.
func renewed(table string, rows []*row, supported []string, day string) string {
	byMinor := map[string]map[string]string{}
	for _, kept := range cellsOf(table) {
		byMinor[minorOf(kept[headOfVersion])] = kept
	}
	for _, r := range rows {
		if r.failed() {
			continue
		}
		cells := map[string]string{headOfVersion: r.version, headOfDay: day}
		for name, c := range r.cells {
			cells[name] = c.String()
		}
		byMinor[minorOf(r.version)] = cells
	}
	heads := append([]string{headOfVersion, headOfDay}, columns...)
	text := "| " + strings.Join(heads, " | ") + " |\n" + strings.Repeat("|---", len(heads)) + "|\n"
	for _, minor := range supported {
		if cells := byMinor[minor]; cells != nil {
			for _, head := range heads {
				text += "| " + cmp.Or(cells[head], "–") + " " // a column that is newer than the row
			}
			text += "|\n"
		}
	}
	return text
}

// cellsOf are the rows of a table, by the heads of its columns.
func cellsOf(table string) (rows []map[string]string) {
	lines := slices.Collect(strings.Lines(table))
	for i, line := range lines {
		if i < 2 { // the heads, and the line below them
			continue
		}
		row := map[string]string{}
		for j, head := range split(lines[0]) {
			if cells := split(line); j < len(cells) {
				row[head] = cells[j]
			}
		}
		rows = append(rows, row)
	}
	return rows
}

// split are the cells of a line.
func split(line string) (cells []string) {
	for cell := range strings.SplitSeq(strings.Trim(strings.TrimSpace(line), "|"), "|") {
		cells = append(cells, strings.TrimSpace(cell))
	}
	return cells
}

func minorOf(version string) string {
	v := utilversion.MustParseGeneric(version)
	return fmt.Sprintf("%d.%d", v.Major(), v.Minor())
}
