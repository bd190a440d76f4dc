// Package rows reads the table of shapes and judges what is decided about each row. The folder above says what a row is.
package rows

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

//go:embed *.rows
var files embed.FS

// Row is one pod of the table and what is expected of it.
type Row struct {
	// Family is the file that the row stands in.
	Family string
	// Name of the row, unique in its family.
	Name string
	// Pod as the row describes it.
	Pod *corev1.Pod
	// OptedIn says that the pod's namespace asks for it.
	OptedIn bool
	// Want are the answers that are equally right.
	Want []Answer
	// Proxy says that the pod forwards to servers and is none.
	Proxy bool
}

const columns = 7

// Load reads the whole table. An error names the file and line.
func Load() ([]Row, error) {
	names, err := fs.Glob(files, "*.rows")
	if err != nil {
		return nil, err
	}
	var rows []Row
	var errs []error
	seen := map[string]bool{}
	for _, name := range names {
		raw, err := files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		family := strings.TrimSuffix(path.Base(name), ".rows")
		n := 0
		for line := range strings.Lines(string(raw)) {
			n++
			line = strings.TrimSpace(line)
			if line == "" || line[0] == '#' {
				continue
			}
			row, err := parseRow(family, line)
			if err == nil && seen[family+"/"+row.Name] {
				err = fmt.Errorf("%s is there twice", row.Name)
			}
			if err != nil {
				errs = append(errs, fmt.Errorf("%s:%d: %w", name, n, err))
				continue
			}
			seen[family+"/"+row.Name] = true
			rows = append(rows, row)
		}
	}
	return rows, errors.Join(errs...)
}

func parseRow(family, line string) (Row, error) {
	cells, err := split(line, '|')
	if err != nil {
		return Row{}, err
	}
	if len(cells) != columns {
		return Row{}, fmt.Errorf("%d columns, want %d", len(cells), columns)
	}
	row := Row{Family: family, Name: cells[0]}
	main, err := parseContainer(cells[1:5])
	if err != nil {
		return Row{}, err
	}
	pod := newPod(row.Name)
	pod.Spec.Containers = []corev1.Container{main}
	more, err := words(cells[5])
	if err != nil {
		return Row{}, err
	}
	for _, word := range more {
		if err := extend(pod, word); err != nil {
			return Row{}, fmt.Errorf("%s: %w", word, err)
		}
	}
	row.Pod = pod
	row.OptedIn = len(pod.Annotations[injectKey]) == 0
	row.Want, err = parseAnswers(cells[6])
	row.Proxy = strings.HasPrefix(cells[6], "none proxy")
	return row, err
}

// split cuts a line at a separator that stands outside of quotes.
func split(line string, separator rune) ([]string, error) {
	var cells []string
	var quote rune
	start := 0
	for i, r := range line {
		switch {
		case quote != 0:
			if r == quote {
				quote = 0
			}
		case r == '\'' || r == '"':
			quote = r
		case r == separator:
			cells = append(cells, cell(line[start:i]))
			start = i + 1
		}
	}
	if quote != 0 {
		return nil, errors.New("a quote is not closed")
	}
	return append(cells, cell(line[start:])), nil
}

func cell(text string) string {
	text = strings.TrimSpace(text)
	if text == "-" {
		return ""
	}
	return text
}

// lineEnd stands for the end of a line, which a cell cannot have.
const lineEnd = '⏎'

// words splits a cell at blanks that stand outside of quotes, which are taken off.
func words(text string) ([]string, error) {
	var all []string
	var word strings.Builder
	var quote rune
	begun := false
	for _, r := range text {
		switch {
		case r == lineEnd:
			word.WriteByte('\n')
		case quote != 0:
			if r == quote {
				quote = 0
			} else {
				word.WriteRune(r)
			}
		case r == '\'' || r == '"':
			quote, begun = r, true
		case r == ' ':
			if begun {
				all = append(all, word.String())
			}
			word.Reset()
			begun = false
		default:
			word.WriteRune(r)
			begun = true
		}
	}
	if quote != 0 {
		return nil, errors.New("a quote is not closed")
	}
	if begun {
		all = append(all, word.String())
	}
	return all, nil
}
