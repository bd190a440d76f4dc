// Package readme reads the project's pages, so that tests run what they say.
//
// # Decision: the page is the script
//
// A copy of its commands would differ from it one day. In a fenced block each line is
// a command, and a line that begins with "# → " is what its output must contain;
// spaces count as one, and "…" stands for any text. In the table of symptoms a row's
// check and what it says are code.
package readme

import (
	"fmt"
	"os"
	"regexp"
	"strings"
)

// Command is one line of a fenced block.
type Command struct {
	// Text is for a shell.
	Text string
	// Says is what its output must hold, in any order.
	Says []string
}

// Symptom is a row of a table symptom | check | it says | remedy.
type Symptom struct {
	// Name is what is seen.
	Name string
	// Check is for a shell, in which NS and POD are set.
	Check string
	// Says is what the check's output must hold.
	Says string
}

// says begins a line about the output of the command before it.
const says = "# → "

// Section is the text under a heading, such as "## In CI", up to the next one of
// its level.
func Section(path, heading string) (string, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	_, rest, found := strings.Cut("\n"+string(raw), "\n"+heading+"\n")
	if !found {
		return "", fmt.Errorf("%s has no section %q", path, heading)
	}
	level := heading[:strings.IndexByte(heading, ' ')+1]
	section, _, _ := strings.Cut(rest, "\n"+level)
	return section, nil
}

// Block is the first fenced block of a section in a language, such as yaml.
func Block(section, language string) (string, error) {
	_, rest, found := strings.Cut(section, "```"+language+"\n")
	block, _, closed := strings.Cut(rest, "```")
	if !found || !closed {
		return "", fmt.Errorf("there is no block of %s", language)
	}
	return block, nil
}

// Commands are those of all fenced blocks of a section that name no language, in
// their order.
func Commands(section string) ([]Command, error) {
	var all []Command
	for i, part := range strings.Split(section, "```") {
		if i%2 == 0 || !strings.HasPrefix(part, "\n") {
			continue // outside of a block, or in a language
		}
		for line := range strings.Lines(strings.TrimLeft(part, "\n")) {
			line = strings.TrimSpace(line)
			expected, isOutput := strings.CutPrefix(line, says)
			switch {
			case line == "":
			case isOutput && len(all) == 0:
				return nil, fmt.Errorf("%q stands before any command", line)
			case isOutput:
				all[len(all)-1].Says = append(all[len(all)-1].Says, expected)
			default:
				all = append(all, Command{Text: line})
			}
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("there is no command")
	}
	return all, nil
}

// row is a symptom, and its check and what that says as code.
var row = regexp.MustCompile("(?m)^\\| (.+?) \\| `(.+?)` \\| `(.+?)` \\| .+ \\|$")

// Symptoms are the rows of a section's table.
func Symptoms(section string) ([]Symptom, error) {
	var all []Symptom
	for _, m := range row.FindAllStringSubmatch(section, -1) {
		all = append(all, Symptom{Name: m[1], Check: m[2], Says: m[3]})
	}
	if rows := strings.Count(section, "\n|") - 2; len(all) != rows {
		return nil, fmt.Errorf("%d of the table's %d rows are symptom | `check` | `it says` | remedy", len(all), rows)
	}
	return all, nil
}

// Holds reports whether an output says what is expected of it.
func Holds(output, expected string) bool {
	rest := strings.Join(strings.Fields(output), " ")
	for part := range strings.SplitSeq(expected, "…") {
		_, after, found := strings.Cut(rest, strings.Join(strings.Fields(part), " "))
		if !found {
			return false
		}
		rest = after
	}
	return true
}
