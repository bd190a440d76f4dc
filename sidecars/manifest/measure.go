package manifest

import (
	"bytes"
	"unicode/utf8"
)

// measured is a document whose nodes know their ends.
type measured struct {
	text []byte
	doc  *document
	lost bool // a node was not found where the parser said
}

// measure finds where the nodes of a document of YAML end, which its parser
// does not say. What it finds is never trusted: an edit that goes by it is read
// again and compared.
func measure(text []byte, d *document) *measured {
	m := &measured{text: text, doc: d}
	if d.root != nil && !d.json {
		m.node(d.root, -1)
	}
	return m
}

// node finds a node's end. indent is the column of the block around it.
func (m *measured) node(n *node, indent int) int {
	at := m.content(n)
	switch n.kind {
	case aliasKind:
		for n.end = at + 1; n.end < m.doc.end && bytes.IndexByte([]byte(" \t\r\n,[]{}"), m.text[n.end]) < 0; n.end++ {
		}
	case scalarKind:
		n.end = m.scalar(n, at, indent)
	default:
		n.end = m.collection(n, at, indent)
	}
	return n.end
}

// content is where a node starts behind its anchor and tag.
func (m *measured) content(n *node) int {
	at := n.start
	if n.kind == mapKind && len(n.keys) > 0 && n.keys[0].start == at {
		return at // they are the first key's
	}
	for at < m.doc.end && (m.text[at] == '&' || m.text[at] == '!') {
		for at < m.doc.end && bytes.IndexByte([]byte(" \t\r\n,[]{}"), m.text[at]) < 0 {
			at++
		}
		if n.kind == scalarKind && n.text == "" && n.style == plain {
			return at
		}
		at = m.skip(at)
	}
	return at
}

// skip goes over white space and comments.
func (m *measured) skip(at int) int {
	for {
		at = min(skipBlank(m.text, at), m.doc.end)
		if at >= m.doc.end || m.text[at] != '#' {
			return at
		}
		at = lineEnd(m.text, at)
	}
}

// column of an offset in bytes: what is before a block is indented by spaces.
func (m *measured) column(at int) int { return at - lineStart(m.text, at) }

func (m *measured) collection(n *node, at, indent int) int {
	if !n.flow {
		indent = m.column(at)
	}
	end := at
	for i, item := range n.items {
		if n.kind == mapKind {
			end = max(end, m.node(n.keys[i], indent))
		}
		end = max(end, m.node(item, indent))
	}
	if !n.flow || at >= m.doc.end || m.text[at] != '{' && m.text[at] != '[' {
		return end // in block style, or one pair in a list of the flow style
	}
	if len(n.items) == 0 {
		end++
	}
	for end = m.skip(end); end < m.doc.end && m.text[end] == ','; end = m.skip(end + 1) {
	}
	if end >= m.doc.end || m.text[end] != '}' && m.text[end] != ']' {
		m.lost = true
		return end
	}
	return end + 1
}

func (m *measured) scalar(n *node, at, indent int) int {
	switch {
	case n.style == block:
		end, _ := m.block(at, indent)
		return end
	case n.style == quoted && at < m.doc.end:
		return m.quoted(at)
	}
	return m.plain(n.text, at)
}

func (m *measured) quoted(at int) int {
	quote := m.text[at]
	for at++; at < m.doc.end; at++ {
		switch {
		case quote == '"' && m.text[at] == '\\':
			at++
		case m.text[at] != quote:
		case quote == '\'' && at+1 < m.doc.end && m.text[at+1] == quote:
			at++
		default:
			return at + 1
		}
	}
	m.lost = true
	return m.doc.end
}

// plain follows a text without quotes, whose lines are folded.
func (m *measured) plain(value string, at int) int {
	for i := 0; i < len(value) && at < m.doc.end; {
		if value[i] == ' ' || value[i] == '\n' || value[i] == '\t' {
			for i < len(value) && (value[i] == ' ' || value[i] == '\n' || value[i] == '\t') {
				i++
			}
			at = skipBlank(m.text, at)
			continue
		}
		_, size := utf8.DecodeRuneInString(value[i:])
		if !bytes.HasPrefix(m.text[at:], []byte(value[i:i+size])) {
			m.lost = true
			return at
		}
		i, at = i+size, at+size
	}
	return at
}

// block follows a block of text from its header: end is behind its last line
// without the line break, chomping what the header says of the last line breaks.
func (m *measured) block(at, indent int) (end int, chomping byte) {
	explicit := 0
	header := at + 1
	for ; header < m.doc.end; header++ {
		if c := m.text[header]; c == '+' || c == '-' {
			chomping = c
		} else if c >= '1' && c <= '9' {
			explicit = max(indent, 0) + int(c-'0')
		} else {
			break
		}
	}
	content := explicit
	end = header
	next := lineEnd(m.text, header)
	for next < m.doc.end {
		line := m.text[next:lineEnd(m.text, next)]
		body := bytes.TrimRight(line, "\r\n")
		spaces := len(body) - len(bytes.TrimLeft(body, " "))
		blank := spaces == len(body)
		if content == 0 && !blank {
			content = max(spaces, indent+1)
		}
		switch {
		case blank && (content == 0 || spaces <= content):
			if chomping == '+' {
				end = next + len(body)
			}
		case spaces < content:
			return end, chomping
		default:
			end = next + len(body)
		}
		next += len(line)
	}
	return end, chomping
}

// seal keeps a block of text that ends the document without a line break what
// it is when one is added behind it: its header then says that none ends it.
func (m *measured) seal(n *node) []edit {
	for n.kind == mapKind || n.kind == listKind {
		if n.flow || len(n.items) == 0 {
			return nil
		}
		n = n.items[len(n.items)-1]
	}
	if n.kind != scalarKind || n.style != block || n.end < m.doc.end {
		return nil
	}
	at := m.content(n) + 1
	for ; at < m.doc.end; at++ {
		switch c := m.text[at]; {
		case c == '-':
			return nil
		case c == '+':
			return []edit{{at, at + 1, "-"}}
		case c < '1' || c > '9':
			return []edit{{at, at, "-"}}
		}
	}
	return nil
}
