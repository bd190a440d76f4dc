package manifest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/outrider-dev/outrider/sidecars"
)

// mistyped are the fields of the template that have values of a wrong type, in
// the manifest's terms and not in Go's. The decoder's error stands in where none
// is found.
func (t *Template) mistyped(err error) []error {
	errs := t.wrongTypes(t.fields, reflect.TypeFor[corev1.Pod](), t.path, false)
	if len(errs) == 0 {
		return []error{fmt.Errorf("%s: its pod cannot be read: %w", t.At(t.fields), err)}
	}
	return errs
}

// wrongTypes are errors about all values below a node that a Go type does not
// have, in the order of the text; where it is strict, about unknown fields too.
func (o Object) wrongTypes(n *node, t reflect.Type, path []any, strict bool) []error {
	c := typeCheck{object: o, strict: strict}
	c.check(n, t, path)
	slices.SortStableFunc(c.found, func(a, b mistype) int { return cmp.Compare(a.at, b.at) })
	var errs []error
	for _, f := range c.found {
		errs = append(errs, f.err)
	}
	return errs
}

type typeCheck struct {
	object Object
	strict bool
	found  []mistype
}

// mistype is an error at a place of the text.
type mistype struct {
	at  int
	err error
}

func (c *typeCheck) wrong(n *node, path []any, want string) {
	what := n.kind.String()
	remedy := ""
	if n.kind == scalarKind {
		switch v := n.scalar().(type) {
		case bool:
			what = fmt.Sprint(v)
		case json.Number:
			what = "the number " + v.String()
		case string:
			what = strconv.Quote(sidecars.Shorten(v, 60))
		}
		if strings.Contains(n.text, "{{") {
			remedy = "; " + renderFirst
		} else if strings.Contains(n.text, "${") {
			remedy = "; " + replaceFirst
		} else if want == aText {
			remedy = fmt.Sprintf("; quote it: %q", n.text)
		}
	}
	c.found = append(c.found, mistype{n.start, fmt.Errorf("%s: %s is %s, want %s%s", c.object.At(n), quotedPath(path), what, want, remedy)})
}

const aText = "a string"

var (
	quantityType = reflect.TypeFor[resource.Quantity]()
	portType     = reflect.TypeFor[intstr.IntOrString]()
	decoderType  = reflect.TypeFor[json.Unmarshaler]()
)

func (c *typeCheck) check(n *node, t reflect.Type, path []any) {
	n = n.real()
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if n.isNull() {
		return
	}
	scalar := n.scalar()
	switch {
	case t == quantityType:
		if _, err := resource.ParseQuantity(fmt.Sprint(scalar)); n.kind != scalarKind || err != nil {
			c.wrong(n, path, "a quantity such as 100m or 64Mi")
		}
		return
	case t == portType:
		if _, wrong := scalar.(bool); n.kind != scalarKind || wrong {
			c.wrong(n, path, "a number or a name")
		}
		return
	case reflect.PointerTo(t).Implements(decoderType):
		return
	}
	switch t.Kind() {
	case reflect.Struct:
		c.fields(n, t, path)
	case reflect.Map:
		if n.kind != mapKind {
			c.wrong(n, path, "a map")
			return
		}
		for i, key := range n.keys {
			c.check(n.items[i], t.Elem(), under(path, key.keyText()))
		}
	case reflect.Slice:
		if n.kind != listKind {
			c.wrong(n, path, "a list")
			return
		}
		for i, item := range n.items {
			c.check(item, t.Elem(), under(path, i))
		}
	case reflect.String:
		if !n.isString() {
			c.wrong(n, path, aText)
		}
	case reflect.Bool:
		if _, ok := scalar.(bool); !ok {
			c.wrong(n, path, "true or false")
		}
	default:
		number, ok := scalar.(json.Number)
		if _, err := number.Int64(); !ok || err != nil {
			c.wrong(n, path, "a whole number")
		}
	}
}

func (c *typeCheck) fields(n *node, t reflect.Type, path []any) {
	if n.kind != mapKind {
		c.wrong(n, path, "a map")
		return
	}
	known := map[string]bool{}
	for _, field := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "" || name == "-" || field.Anonymous && strings.Contains(field.Tag.Get("json"), "inline") {
			continue
		}
		known[name] = true
		if i := n.own(name); i >= 0 {
			c.check(n.items[i], field.Type, under(path, name))
		}
	}
	for _, key := range n.keys {
		if name := key.keyText(); c.strict && !known[name] {
			c.found = append(c.found, mistype{key.start, fmt.Errorf("%s: %s is not a field that is known", c.object.At(key), quotedPath(under(path, name)))})
		}
	}
}

func under(path []any, step any) []any { return append(slices.Clip(path), step) }
