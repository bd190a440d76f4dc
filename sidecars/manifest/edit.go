package manifest

import (
	"reflect"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// addition is what is to be added to a template.
type addition struct {
	template *Template
	growth   *growth
}

// insertAll makes the edits of a document that add to its templates.
func (s *Stream) insertAll(d *document, additions []addition) error {
	in := &inserter{measured: measure(s.text, d), touched: map[*node]bool{}, grown: map[*node]*growth{}}
	want := d.root.value()
	for _, a := range additions {
		in.manner = s.manner(in.measured, a.template)
		g := a.growth.under(a.template.path)
		in.grow(a.template.object, g)
		replace(&want, a.template.place, g.on)
	}
	if err := in.unshare(d.root, false); err != nil {
		return err
	}
	for _, e := range in.edits {
		if e.start == len(s.text) && !d.json {
			in.edits = append(in.edits, in.seal(d.root)...)
			break
		}
	}
	if in.lost {
		return errLost
	}
	return s.commit(d, in.edits, want, func(any) {})
}

// commit keeps edits if the document means what is wanted with them.
func (s *Stream) commit(d *document, edits []edit, want any, tidy func(any)) error {
	text := apply(s.text, d.start, d.end, edits)
	var root *node
	var err error
	if d.json {
		root, _ = cutJSON(text, 0)
	} else {
		root, err = parseYAML(text, readFrom(text, 0), len(text))
	}
	if err != nil || root == nil {
		return errLost
	}
	got := root.value()
	tidy(want)
	tidy(got)
	if !reflect.DeepEqual(got, want) {
		return errLost
	}
	d.edits = edits
	return nil
}

// replace changes the value at a place.
func replace(value *any, place []any, change func(any) any) {
	if len(place) == 0 {
		*value = change(*value)
		return
	}
	switch key := place[0].(type) {
	case string:
		m := (*value).(map[string]any)
		inner := m[key]
		replace(&inner, place[1:], change)
		m[key] = inner
	case int:
		replace(&(*value).([]any)[key], place[1:], change)
	}
}

// manner is how the document of a template is written.
func (s *Stream) manner(m *measured, t *Template) manner {
	w := manner{step: 2, gap: 2, space: " "}
	if m.doc.json {
		w.keys, w.texts = true, true
		if root := m.doc.root; len(root.keys) > 0 && s.text[root.items[0].start-1] == ':' {
			w.space = ""
		}
		return w
	}
	w.texts = m.doc.root.flow
	spec := t.fields.own("spec")
	if t.fields.flow || spec < 0 || t.fields.items[spec].flow || t.fields.items[spec].kind != mapKind {
		return w
	}
	inner := t.fields.items[spec]
	w.step = max(m.column(m.content(inner))-m.column(t.fields.keys[spec].start), 1)
	if i := inner.own("containers"); i >= 0 && !inner.items[i].flow && inner.items[i].kind == listKind {
		list := inner.items[i]
		w.list = max(m.column(m.content(list))-m.column(inner.keys[i].start), 0)
		w.gap = max((&inserter{measured: m}).gap(list.items[0], w.gap), 2)
	}
	return w
}

// removal is what is to be taken out of a template.
type removal struct {
	template *Template
	losses   []loss
}

// at is where in its document a loss of the template is.
func (r removal) at(l loss) []any {
	return append(slices.Clip(r.template.fieldsPlace()), anys(l.path)...)
}

// from is a document's value without what is lost.
func (r removal) from(value any) any {
	for _, l := range r.losses {
		replace(&value, r.at(l), l.from)
	}
	return value
}

// tidy takes out what the losses leave empty.
func (r removal) tidy(value any) {
	for _, l := range r.losses {
		prune(value, r.at(l), len(l.path))
	}
}

// removeAll makes the edits of a document that take out of its templates.
func (s *Stream) removeAll(d *document, removals []removal) error {
	r := &remover{measured: measure(s.text, d), gone: map[*node]bool{}}
	var all []*node // several templates may be one, by an alias
	for _, removal := range removals {
		fields := removal.template.fields
		if slices.Contains(all, fields) {
			continue
		}
		all = append(all, fields)
		for _, l := range removal.losses {
			r.mark(fields, l)
			r.shorten(fields, l)
		}
	}
	for _, fields := range all {
		r.cut(fields)
	}
	if r.lost {
		return errLost
	}
	commit := func(edits []edit) error {
		want := d.root.value()
		for _, removal := range removals {
			want = removal.from(want)
		}
		return s.commit(d, edits, want, func(value any) {
			for _, removal := range removals {
				removal.tidy(value)
			}
		})
	}
	plain := r.joined()
	if r.share(d.root) && commit(r.joined()) == nil {
		return nil
	}
	return commit(plain)
}

// from is a value without what is lost.
func (l loss) from(value any) any {
	gone := map[string]bool{}
	for _, name := range l.names {
		gone[name] = true
	}
	switch value := value.(type) {
	case map[string]any:
		for name := range gone {
			delete(value, name)
		}
		for name, text := range l.shorter {
			value[name] = text
		}
	case []any:
		var kept []any
		for _, item := range value {
			fields, _ := item.(map[string]any)
			if name, _ := fields["name"].(string); !gone[name] {
				kept = append(kept, item)
			}
		}
		return kept
	}
	return value
}

// prune takes out what is empty at a place, and then around it, for some levels:
// nothing, null, an empty map and an empty list are the same to Kubernetes.
func prune(value any, place []any, levels int) {
	for ; levels > 0; levels-- {
		parent := value
		for _, step := range place[:len(place)-1] {
			switch step := step.(type) {
			case string:
				m, _ := parent.(map[string]any)
				parent = m[step]
			case int:
				list, _ := parent.([]any)
				if step >= len(list) {
					return
				}
				parent = list[step]
			}
		}
		m, _ := parent.(map[string]any)
		key, _ := place[len(place)-1].(string)
		if inner := reflect.ValueOf(m[key]); m != nil && (!inner.IsValid() || (inner.Kind() == reflect.Map || inner.Kind() == reflect.Slice) && inner.Len() == 0) {
			delete(m, key)
		}
		place = place[:len(place)-1]
	}
}

func anys(path []string) []any {
	var out []any
	for _, key := range path {
		out = append(out, key)
	}
	return out
}

// lossesOf are what the template's pod has and the given pod has not.
func lossesOf(t *Template, pod *corev1.Pod) []loss {
	all := []loss{
		{[]string{"spec", "containers"}, missing(containerNames(t.Pod.Spec.Containers), containerNames(pod.Spec.Containers)), nil},
		{[]string{"spec", "initContainers"}, missing(containerNames(t.Pod.Spec.InitContainers), containerNames(pod.Spec.InitContainers)), nil},
		{[]string{"spec", "volumes"}, missing(volumeNames(t.Pod), volumeNames(pod)), nil},
		{[]string{"spec", "imagePullSecrets"}, missing(pullNames(t.Pod), pullNames(pod)), nil},
		{[]string{"metadata", "labels"}, missing(keys(t.Pod.Labels), keys(pod.Labels)), nil},
		{[]string{"metadata", "annotations"}, missing(keys(t.Pod.Annotations), keys(pod.Annotations)), shorter(t.Pod.Annotations, pod.Annotations)},
	}
	var some []loss
	for _, l := range all {
		if len(l.names)+len(l.shorter) > 0 {
			some = append(some, l)
		}
	}
	return some
}
