package sidecars

import "strings"

// didYouMean ends a sentence about an unknown word: with the closest known one
// if there is a close one, else with all of them.
func didYouMean(word string, known []string) string {
	if best := closest(word, known); best != "" {
		return "; did you mean " + best + "?"
	}
	if len(known) == 0 {
		return ""
	}
	return "; there are " + strings.Join(known, ", ")
}

// listExporters ends a sentence that asks for the name of an exporter. It names none: the
// catalog grows.
const listExporters = "outrider catalog lists the exporters"

// didYouMean ends a sentence about an exporter that there is not.
func (c Catalog) didYouMean(word string) string {
	if best := closest(word, c.names); best != "" {
		return "; did you mean " + best + "?"
	}
	return "; " + listExporters
}

// closest is the known word that is nearest to another, or "" where none is near.
func closest(word string, known []string) string {
	best, least := "", len(word)/3+2
	for _, k := range known {
		if d := distance(word, k); d < least {
			best, least = k, d
		}
	}
	return best
}

// instead ends a sentence about a word in the inject annotation: people bring
// true and enabled from other injectors.
func (c Catalog) instead(word string) string {
	switch strings.ToLower(word) {
	case "true", "yes", "on", "enabled", "enable", "1":
		return "; write auto to have the workload recognized, or the name of its exporter"
	case "no", "off", "disabled", "disable", "none", "0":
		return "; write false to opt out"
	}
	if strings.Contains(word, "{{") {
		return "; it looks like a template that is not rendered"
	}
	if several := strings.Fields(word); len(several) > 1 {
		return "; separate exporters by commas: " + strings.Join(several, ",")
	}
	return c.didYouMean(word)
}

// distance is the number of single-byte edits between two words (Levenshtein).
func distance(a, b string) int {
	const most = 64 // annotations can be long; a word is not
	if len(a) > most || len(b) > most {
		return most
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
