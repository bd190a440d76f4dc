package decider

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
)

// merged is the built-in catalog with the custom Exporters over it, and what
// became of each of them.
type merged struct {
	catalog sidecars.Catalog
	customs map[string]custom
}

// custom is what became of one custom Exporter.
type custom struct {
	seen v1alpha1.Exporter  // as it was when the catalog was made
	good *v1alpha1.Exporter // the definition in force; nil where none is
	err  error              // why that is not the one that was seen
}

// about reports whether e is the very definition that was judged.
func (c custom) about(e *v1alpha1.Exporter) bool {
	return c.seen.UID == e.UID && c.seen.Generation == e.Generation
}

// merge adds the exporters to the built-in catalog in the order of their
// names, each on its own, so that a bad one costs none of the others. In its
// place stays the last good definition of the same object, as before or its status
// knows it, or else the built-in one of that name.
func merge(builtin sidecars.Catalog, before merged, exporters []v1alpha1.Exporter) merged {
	after := merged{catalog: builtin, customs: make(map[string]custom, len(exporters))}
	exporters = slices.SortedFunc(slices.Values(exporters), func(a, b v1alpha1.Exporter) int { return cmp.Compare(a.Name, b.Name) })
	for i := range exporters {
		e := &exporters[i]
		c := custom{seen: *e, good: e}
		next, err := with(after.catalog, *e)
		if err != nil {
			c.err, c.good = err, nil
			if last := lastGood(before, e); last != nil {
				if next, err = with(after.catalog, *last); err == nil {
					c.good = last
				}
			}
		}
		if c.good != nil {
			after.catalog = next
		}
		after.customs[e.Name] = c
	}
	return after
}

// Catalog is the built-in one with an API server's custom Exporters over it, as
// every replica of Outrider makes it.
func Catalog(exporters []v1alpha1.Exporter) sidecars.Catalog {
	return merge(sidecars.Builtin(), merged{}, exporters).catalog
}

// lastGood is the last good definition of an Exporter: what this process has seen,
// or else what the status says.
func lastGood(before merged, e *v1alpha1.Exporter) *v1alpha1.Exporter {
	if last := before.customs[e.Name]; last.good != nil && last.seen.UID == e.UID {
		return last.good
	}
	if e.Status.LastGood == nil {
		return nil
	}
	last := &v1alpha1.Exporter{ObjectMeta: metav1.ObjectMeta{Name: e.Name, UID: e.UID, Generation: e.Status.LastGood.Generation}}
	if err := json.Unmarshal(e.Status.LastGood.Spec.Raw, &last.Spec); err != nil {
		return nil
	}
	return last
}

// with is Catalog.With for definitions that anybody may have written: a panic
// would end every replica, at every start.
func with(c sidecars.Catalog, e v1alpha1.Exporter) (next sidecars.Catalog, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the definition makes Outrider panic: %v", p)
		}
	}()
	return c.With(e)
}

// of reports whether these are the exporters that were merged.
func (m merged) of(exporters []v1alpha1.Exporter) bool {
	if len(exporters) != len(m.customs) {
		return false
	}
	for i := range exporters {
		if c, ok := m.customs[exporters[i].Name]; !ok || !c.about(&exporters[i]) {
			return false
		}
	}
	return true
}

// passedOver are the image names of the named exporter that are recognized as
// another's, because that comes first by name, in words.
func (m merged) passedOver(name string) string {
	spec, _ := m.catalog.Spec(name)
	var taken []string
	for _, image := range spec.Recognize.Images {
		for _, other := range m.catalog.Names() {
			if others, _ := m.catalog.Spec(other); slices.Contains(others.Recognize.Images, image) {
				if other != name {
					taken = append(taken, fmt.Sprintf("image %s is recognized as %s", image, other))
				}
				break
			}
		}
	}
	return strings.Join(taken, ", ")
}
