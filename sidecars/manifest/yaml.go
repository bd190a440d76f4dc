package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// parseYAML reads the one document of YAML between two offsets of the text; nil
// where there is none but comments. The ends of its nodes are not known yet.
func parseYAML(text []byte, start, end int) (*node, error) {
	part := text[start:end]
	if err := notUTF8(part); err != nil {
		return nil, err
	}
	decoder := yaml.NewDecoder(bytes.NewReader(version.ReplaceAll(part, []byte("%YAML 1.1"))))
	var first, second yaml.Node
	if err := decoder.Decode(&first); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	if err := decoder.Decode(&second); !errors.Is(err, io.EOF) {
		return nil, errors.Join(err, errors.New("something follows its end; put --- between documents"))
	}
	r := yamlReader{text: text, lines: breaks(text, start, end), seen: map[*yaml.Node]*node{}}
	root, err := r.node(first.Content[0], 0)
	if err != nil {
		return nil, err
	}
	return root, r.bounded(root)
}

// notUTF8 says in which line a text is none in UTF-8, and what to do.
func notUTF8(text []byte) error {
	at := 0
	for at < len(text) {
		r, size := utf8.DecodeRune(text[at:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		at += size
	}
	switch {
	case at == len(text):
		return nil
	case bytes.HasPrefix(text, []byte{0xff, 0xfe}), bytes.HasPrefix(text, []byte{0xfe, 0xff}):
		return errors.New("it is a text in UTF-16, as > in PowerShell writes it; write it in UTF-8: | Out-File -Encoding utf8")
	}
	return fmt.Errorf("yaml: line %d: it is no text in UTF-8", 1+bytes.Count(text[:at], []byte("\n")))
}

// version is a directive that the parser would refuse.
var version = regexp.MustCompile(`(?m)^%YAML 1\.[0-9]`)

// yamlReader makes nodes of the parser's, with offsets in place of lines and columns.
type yamlReader struct {
	text    []byte
	lines   []int // where each line starts
	seen    map[*yaml.Node]*node
	aliases []*node
}

func (r *yamlReader) node(y *yaml.Node, depth int) (*node, error) {
	if depth > deepest {
		return nil, errTooDeep
	}
	n := &node{text: y.Value, column: y.Column - 1, start: r.offset(y.Line, y.Column), flow: y.Style&yaml.FlowStyle != 0}
	n.end = n.start
	if y.Anchor != "" {
		r.seen[y] = n
	}
	if y.Style&yaml.TaggedStyle != 0 {
		n.tag = y.ShortTag()
	}
	switch y.Kind {
	case yaml.AliasNode:
		n.kind, n.target = aliasKind, r.seen[y.Alias] // an anchor comes before its aliases
		r.aliases = append(r.aliases, n)
		return n, nil
	case yaml.ScalarNode:
		switch {
		case y.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
			n.style = block
		case y.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
			n.style = quoted
		}
		return n, nil
	case yaml.MappingNode:
		n.kind = mapKind
	case yaml.SequenceNode:
		n.kind = listKind
	}
	for i, content := range y.Content {
		child, err := r.node(content, depth+1)
		if err != nil {
			return nil, err
		}
		if n.kind == mapKind && i%2 == 0 {
			if child.real().kind != scalarKind {
				return nil, fmt.Errorf("line %d: a map or list is used as a key, which Kubernetes does not have", y.Line)
			}
			n.keys = append(n.keys, child)
		} else {
			n.items = append(n.items, child)
		}
	}
	return n, nil
}

// offset of a line and a column in characters, both from 1.
func (r *yamlReader) offset(line, column int) int {
	if line < 1 || line > len(r.lines) {
		return len(r.text)
	}
	at := r.lines[line-1]
	for ; column > 1 && at < len(r.text); column-- {
		_, size := utf8.DecodeRune(r.text[at:])
		at += size
	}
	return at
}

// breaks are the starts of the lines as YAML's parser counts them, which also
// ends one at a lone CR, NEL, LS and PS.
func breaks(text []byte, start, end int) []int {
	starts := []int{start}
	for at := start; at < end; at++ {
		switch c := text[at]; {
		case c == '\r' && at+1 < end && text[at+1] == '\n':
		case c == '\n', c == '\r':
			starts = append(starts, at+1)
		case c == 0xC2 && at+1 < end && text[at+1] == 0x85:
			starts = append(starts, at+2)
		case c == 0xE2 && at+2 < end && text[at+1] == 0x80 && (text[at+2] == 0xA8 || text[at+2] == 0xA9):
			starts = append(starts, at+3)
		}
	}
	return starts
}

// hostileError is about a document that would use up memory or stack.
type hostileError struct{ error }

// What aliases may make of a document, in bytes: more than the API server takes
// of one object, and then of a List.
const (
	mostExpanded = 4 << 20
	mostGrowth   = 8
)

// bounded refuses a document that contains itself, or that its aliases make
// many times as large: such ones are made to use up memory.
func (r *yamlReader) bounded(root *node) error {
	if len(r.aliases) == 0 {
		return nil
	}
	sizes := map[*node]int{}
	var size func(n *node) (int, error)
	size = func(n *node) (int, error) {
		if n.kind == aliasKind {
			if n.target == nil {
				return 0, fmt.Errorf("line %d: there is no anchor for the alias *%s", r.line(n), n.text)
			}
			known, done := sizes[n.target]
			if !done { // its anchor is not finished, so the alias is in it
				return 0, hostileError{fmt.Errorf("line %d: anchor &%s contains itself; write out what is meant", r.line(n), n.text)}
			}
			return known, nil
		}
		sum := len(n.text) + 8
		for _, list := range [][]*node{n.keys, n.items} {
			for _, child := range list {
				s, err := size(child)
				if err != nil {
					return 0, err
				}
				sum = min(sum+s, 1<<40)
			}
		}
		sizes[n] = sum
		return sum, nil
	}
	whole, err := size(root)
	if err != nil {
		return err
	}
	if whole > mostExpanded && whole > mostGrowth*(r.lines[len(r.lines)-1]-r.lines[0]) {
		return hostileError{errors.New("its aliases make it larger than 4 MiB, as documents do that are made to exhaust memory; write it out, or use fewer aliases")}
	}
	return nil
}

// line of a node in its document.
func (r *yamlReader) line(n *node) int {
	return 1 + bytes.Count(r.text[r.lines[0]:n.start], []byte("\n"))
}

var yamlLine = regexp.MustCompile(`^(?:yaml: )?line ([0-9]+): `)

// inFile is a parser's error with the line in the file in place of the one in
// its document, which starts at the line.
func inFile(err error, first int) (line int, text string) {
	text = strings.TrimPrefix(err.Error(), "yaml: ")
	if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
		if n, bad := strconv.Atoi(m[1]); bad == nil {
			return first + n - 1, strings.TrimPrefix(err.Error(), m[0])
		}
	}
	return first, text
}
