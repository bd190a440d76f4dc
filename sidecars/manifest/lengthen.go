package manifest

import "strings"

// lengthen adds to the end of a text, as the ports of an exporter are added to
// those that a mesh leaves alone. What is not that is lost, and refused then.
func (in *inserter) lengthen(n *node, text string) {
	added, ok := strings.CutPrefix(text, n.text)
	if !ok || added == "" {
		in.lost = in.lost || text != n.text
		return
	}
	in.insert(in.textEnd(n), added)
}

// shorten takes the ends of texts away.
func (r *remover) shorten(fields *node, l loss) {
	n := fields
	for _, key := range l.path {
		i := n.own(key)
		if i < 0 {
			return
		}
		n = n.items[i]
	}
	for name, left := range l.shorter {
		i := n.own(name)
		if i < 0 {
			continue
		}
		end := r.textEnd(n.items[i])
		r.edits = append(r.edits, edit{end - (len(n.items[i].text) - len(left)), end, ""})
	}
}

// textEnd is behind the last character of a text on one line: in front of its
// closing quote if it has one.
func (m *measured) textEnd(n *node) int {
	end := n.start + len(strings.TrimRight(string(m.text[n.start:n.end]), " \n"))
	if last := m.text[end-1]; last == '"' || last == '\'' {
		end--
	}
	return end
}

// shorter are the texts of after that the texts of before begin with.
func shorter(before, after map[string]string) map[string]string {
	var all map[string]string
	for key, text := range after {
		if long, ok := before[key]; ok && long != text && strings.HasPrefix(long, text) {
			if all == nil {
				all = map[string]string{}
			}
			all[key] = text
		}
	}
	return all
}
