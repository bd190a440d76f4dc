package manifest

import (
	"encoding/json"
	"errors"
	"fmt"
)

// deepest is how deep values may be nested: what the API server takes.
const deepest = 10000

var errTooDeep = hostileError{fmt.Errorf("it is nested more than %d levels deep, which the API server refuses", deepest)}

// scanJSON reads one value of JSON from the text at an offset. YAML's parser
// would refuse some of it (\/, tabs, surrogate pairs).
func scanJSON(text []byte, at int) (*node, error) {
	s := jsonScanner{text: text, at: at}
	return s.value(0)
}

type jsonScanner struct {
	text []byte
	at   int
}

var errNotJSON = errors.New("it is not JSON")

// next is the next byte that is no white space; 0 at the end.
func (s *jsonScanner) next() byte {
	for ; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

func (s *jsonScanner) value(depth int) (*node, error) {
	if depth > deepest {
		return nil, errTooDeep
	}
	switch c := s.next(); c {
	case '{', '[':
		return s.collection(depth, c)
	case '"':
		return s.string()
	case 0:
		return nil, errNotJSON
	}
	n := &node{start: s.at}
	for s.at < len(s.text) && isBare(s.text[s.at]) {
		s.at++
	}
	n.end = s.at
	word := s.text[n.start:n.end]
	if !json.Valid(word) {
		return nil, errNotJSON
	}
	n.text = string(word)
	return n, nil
}

// isBare reports whether a byte may be in a number, or in true, false, null.
func isBare(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c == 'E' || c == '+' || c == '-' || c == '.'
}

func (s *jsonScanner) collection(depth int, opening byte) (*node, error) {
	n := &node{kind: listKind, flow: true, start: s.at}
	closing := byte(']')
	if opening == '{' {
		n.kind, closing = mapKind, '}'
	}
	s.at++
	for s.next() != closing {
		if len(n.items) > 0 {
			if s.next() != ',' {
				return nil, errNotJSON
			}
			s.at++
		}
		if n.kind == mapKind {
			if s.next() != '"' {
				return nil, errNotJSON
			}
			key, err := s.string()
			if err != nil {
				return nil, err
			}
			if s.next() != ':' {
				return nil, errNotJSON
			}
			s.at++
			n.keys = append(n.keys, key)
		}
		item, err := s.value(depth + 1)
		if err != nil {
			return nil, err
		}
		n.items = append(n.items, item)
	}
	s.at++
	n.end = s.at
	return n, nil
}

func (s *jsonScanner) string() (*node, error) {
	n := &node{start: s.at, style: quoted}
	for s.at++; s.at < len(s.text) && s.text[s.at] != '"'; s.at++ {
		if s.text[s.at] == '\\' {
			s.at++
		}
	}
	if s.at++; s.at > len(s.text) {
		return nil, errNotJSON
	}
	n.end = s.at
	if err := json.Unmarshal(s.text[n.start:n.end], &n.text); err != nil {
		return nil, errNotJSON
	}
	return n, nil
}
