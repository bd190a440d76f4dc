package main

import (
	"slices"
	"strings"
)

// failure is a failed test or package with what it said.
type failure struct{ name, said string }

// lastWords and longest bound what the summary repeats of a failed test: its last
// lines, and of each so many bytes.
const lastWords, longest = 12, 600

// causes are the failures that are not merely those of their subtests or tests.
func causes(all []failure) []failure {
	return slices.DeleteFunc(slices.Clone(all), func(f failure) bool {
		return slices.ContainsFunc(all, func(other failure) bool {
			return strings.HasPrefix(other.name, f.name+"/") || strings.HasSuffix(f.name, " ") && other.name != f.name && strings.HasPrefix(other.name, f.name)
		})
	})
}

// String repeats the end of what it said: a CI system may keep only the end of
// its log, and what a long log begins with is seldom looked for.
func (f failure) String() string {
	lines := strings.Split(strings.TrimSpace(f.said), "\n")
	lines = lines[max(0, len(lines)-lastWords):]
	for i, line := range lines {
		lines[i] = line[:min(len(line), longest)]
	}
	return "failed: " + f.name + "\n    " + strings.Join(lines, "\n    ")
}
