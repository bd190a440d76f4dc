package manifest

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
)

// Options stand for what a cluster would know.
type Options struct {
	// Namespace of objects that name none. Default "default".
	Namespace string
	// NamespaceLabels and NamespaceAnnotations are those of namespaces that no
	// manifest describes, and are added to those of the ones that are.
	NamespaceLabels, NamespaceAnnotations map[string]string
	// Settings are those of the controller.
	Settings sidecars.Settings
}

// Set is streams that belong together: the Namespaces and Exporters in any of
// them hold for the pods of all.
type Set struct {
	Streams []*Stream
	// Catalog is the built-in one with the Exporters of the streams over it.
	Catalog sidecars.Catalog
	// Notes are sentences about documents that cannot be read and pass through.
	Notes []string

	// Templates are the pods and pod templates of all streams, in their order.
	Templates []*Template

	options    Options
	namespaces map[string]sidecars.Namespace
}

// NewSet reads the Namespaces, Exporters and pods of the streams. An error names
// every document that cannot be read and matters, every Exporter that cannot be
// used, and every field with a value of a wrong type of a pod that asks for something.
func NewSet(o Options, streams ...*Stream) (*Set, error) {
	o.Namespace = cmp.Or(o.Namespace, "default")
	s := &Set{Streams: streams, options: o, namespaces: map[string]sidecars.Namespace{}}
	var exporters []v1alpha1.Exporter
	var errs problems
	for _, stream := range streams {
		for _, object := range stream.Objects() {
			switch {
			case object.isNamespace():
				s.namespaces[object.Name] = sidecars.Namespace{Labels: object.Labels(), Annotations: object.Annotations()}
			case object.kind().Group == v1alpha1.GroupVersion.Group && object.Kind == v1alpha1.Kind:
				e, err := exporter(object)
				if err != nil {
					errs.add(err)
					continue
				}
				exporters = append(exporters, e)
			}
		}
	}
	for _, stream := range streams {
		bad, notes := stream.problems(s.matters)
		errs.add(bad...)
		s.Notes = append(s.Notes, notes...)
	}
	catalog, err := sidecars.Builtin().With(exporters...)
	if err != nil {
		errs.add(err)
	}
	s.Catalog = catalog
	for _, o := range s.Objects() {
		if o.Kind == "Pod" && o.APIVersion() == "" && len(Misplaced(o.Annotations())) > 0 {
			errs.add(fmt.Errorf("%s: there is no apiVersion; write apiVersion: v1", o.At(o.object)))
			continue
		}
		s.Templates = append(s.Templates, o.templates(s.options.Namespace, s.asks, &errs)...)
	}
	return s, errs.join()
}

// matters reports whether a document that cannot be read may ask for something:
// it has a key of ours, or containers while some namespace is opted in.
func (s *Set) matters(text []byte) bool {
	if mentions(text) {
		return true
	}
	optedIn := s.options.NamespaceLabels[sidecars.InjectKey] == sidecars.InjectEnabled
	for _, n := range s.namespaces {
		optedIn = optedIn || n.Labels[sidecars.InjectKey] == sidecars.InjectEnabled
	}
	return optedIn && containersKey.Match(text)
}

// containersKey finds containers where the text cannot be read.
var containersKey = regexp.MustCompile(`(?m)(?:^|[\s{,"'])containers["']?[ \t]*:`)

func exporter(o Object) (v1alpha1.Exporter, error) {
	if o.APIVersion() != v1alpha1.GroupVersion.String() {
		return v1alpha1.Exporter{}, fmt.Errorf("%s: apiVersion %s of Exporter is not known; write %s", o.At(o.object), o.APIVersion(), v1alpha1.GroupVersion)
	}
	if errs := o.wrongTypes(o.object, reflect.TypeFor[v1alpha1.Exporter](), nil, true); len(errs) > 0 {
		return v1alpha1.Exporter{}, errors.Join(errs...)
	}
	raw, err := o.JSON()
	if err != nil {
		return v1alpha1.Exporter{}, err
	}
	e, err := sidecars.Parse(raw)
	if err == nil {
		_, err = sidecars.Builtin().With(e)
	}
	if err != nil {
		return e, fmt.Errorf("%s: %w", o.At(o.object), err)
	}
	return e, nil
}

// Objects are those of all streams, in their order.
func (s *Set) Objects() []Object {
	var all []Object
	for _, stream := range s.Streams {
		all = append(all, stream.Objects()...)
	}
	return all
}

// asks reports whether a pod, or its namespace, asks for something.
func (s *Set) asks(t *Template) bool {
	return len(Misplaced(t.Pod.Annotations)) > 0 || s.options.Settings.OptedIn(s.input(t).Namespace.Labels)
}

// Plan decides for a template as the webhook would for its pods.
func (s *Set) Plan(t *Template) sidecars.Plan { return sidecars.NewPlan(s.input(t), s.Catalog) }

// Explain decides as Plan does, and says where every setting comes from.
func (s *Set) Explain(t *Template) (sidecars.Plan, []sidecars.Setting) {
	return sidecars.Explain(s.input(t), s.Catalog)
}

// input is what the decision about a template may depend on.
func (s *Set) input(t *Template) sidecars.Input {
	return sidecars.Input{Pod: t.Pod, Namespace: s.NamespaceOf(t), Size: t.Size, Settings: s.options.Settings}
}

// NamespaceOf gives the labels and annotations of the namespace of a template, as far
// as the input and the options know them.
func (s *Set) NamespaceOf(t *Template) sidecars.Namespace {
	n := s.namespaces[t.Namespace]
	return sidecars.Namespace{Labels: over(n.Labels, s.options.NamespaceLabels), Annotations: over(n.Annotations, s.options.NamespaceAnnotations)}
}

// over is a map with another one's entries over its own.
func over(m, top map[string]string) map[string]string {
	out := map[string]string{}
	maps.Copy(out, m)
	maps.Copy(out, top)
	return out
}
