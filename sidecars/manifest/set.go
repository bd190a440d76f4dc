package manifest

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"strings"

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

	options    Options
	namespaces map[string]sidecars.Namespace
}

// NewSet reads the Namespaces and Exporters of the streams. An error names
// every Exporter that cannot be used, and why.
func NewSet(o Options, streams ...*Stream) (*Set, error) {
	o.Namespace = cmp.Or(o.Namespace, "default")
	s := &Set{Streams: streams, options: o, namespaces: map[string]sidecars.Namespace{}}
	var exporters []v1alpha1.Exporter
	var errs []error
	for _, stream := range streams {
		for _, object := range stream.Objects() {
			switch {
			case object.APIVersion() == "v1" && object.Kind == "Namespace":
				s.namespaces[object.Name] = sidecars.Namespace{Labels: object.Labels(), Annotations: object.Annotations()}
			case object.APIVersion() == v1alpha1.GroupVersion.String() && object.Kind == v1alpha1.Kind:
				e, err := exporter(object)
				errs = append(errs, err)
				exporters = append(exporters, e)
			}
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	var err error
	s.Catalog, err = sidecars.Builtin().With(exporters...)
	return s, err
}

func exporter(o Object) (v1alpha1.Exporter, error) {
	raw, err := o.JSON()
	if err != nil {
		return v1alpha1.Exporter{}, err
	}
	e, err := sidecars.Parse(raw)
	if err != nil {
		return e, fmt.Errorf("%s: %w", o, err)
	}
	return e, nil
}

// Templates are the pods and pod templates of all streams, in their order.
func (s *Set) Templates() ([]*Template, error) {
	var all []*Template
	for _, stream := range s.Streams {
		for _, object := range stream.Objects() {
			t, err := object.Template(s.options.Namespace)
			if err != nil {
				return nil, err
			}
			if t != nil {
				all = append(all, t)
			}
		}
	}
	return all, nil
}

// Plan decides for a template as the webhook would for its pods.
func (s *Set) Plan(t *Template) sidecars.Plan { return sidecars.NewPlan(s.input(t), s.Catalog) }

// Explain decides as Plan does, and reports where every setting comes from.
func (s *Set) Explain(t *Template) (sidecars.Plan, []sidecars.Setting) {
	return sidecars.Explain(s.input(t), s.Catalog)
}

// input is what the decision about a template may depend on.
func (s *Set) input(t *Template) sidecars.Input {
	n := s.namespaces[t.Namespace]
	return sidecars.Input{
		Pod: t.Pod,
		Namespace: sidecars.Namespace{
			Labels:      over(n.Labels, s.options.NamespaceLabels),
			Annotations: over(n.Annotations, s.options.NamespaceAnnotations),
		},
		Size:     t.Size,
		Settings: s.options.Settings,
	}
}

// over is a map with another one's entries over its own.
func over(m, top map[string]string) map[string]string {
	out := map[string]string{}
	maps.Copy(out, m)
	maps.Copy(out, top)
	return out
}

// Inject adds to each template what is decided for it, and returns the plans in
// the order of Templates.
func (s *Set) Inject(templates []*Template) ([]sidecars.Plan, error) {
	plans := make([]sidecars.Plan, len(templates))
	for i, t := range templates {
		plans[i] = s.Plan(t)
		if err := t.Add(plans[i].Patch()); err != nil {
			return nil, err
		}
	}
	return plans, nil
}

// Misplaced are the keys of ours that stand on the object itself where they
// have no effect: they belong on its pod template.
func (o Object) Misplaced() []string {
	if path, _ := o.TemplatePath(); path == "" {
		return nil
	}
	return Misplaced(o.Annotations())
}

// Misplaced are the keys among a workload's own annotations that belong on its
// pod template.
func Misplaced(annotations map[string]string) []string {
	var found []string
	for _, key := range keys(annotations) {
		domain, _, _ := strings.Cut(key, "/")
		ours := domain == sidecars.Domain || strings.HasSuffix(domain, "."+sidecars.Domain)
		if ours && key != sidecars.RepairKey { // which is for workloads
			found = append(found, key)
		}
	}
	return found
}

// Move says where a misplaced key belongs.
func Move(key, path string) string {
	return fmt.Sprintf("%s has no effect here; move it to %s.metadata.annotations", key, path)
}
