package manifest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
)

// Mistakes are sentences about keys of ours where they have no effect, and about
// values that a namespace does not know, and keys that are repeated, each with what to write instead.
func (o Object) Mistakes() []string {
	all := append(o.repeated(), o.unread()...)
	paths := o.templatePaths()
	if len(paths) > 0 {
		all = append(all, o.strayed(paths)...)
	}
	switch {
	case o.APIVersion() == v1alpha1.GroupVersion.String():
	case o.isNamespace():
		all = append(all, namespaceMistakes(o.Labels(), o.Annotations())...)
	case o.isPod():
		all = append(all, labelMistakes(o.Labels(), "metadata", "metadata")...)
	case len(paths) > 0:
		where := templateMetadata(paths[0])
		for _, key := range Misplaced(o.Annotations()) {
			all = append(all, Move(key, where))
		}
		all = append(all, labelMistakes(o.Labels(), "metadata", where)...)
		for _, path := range paths {
			where := templateMetadata(path)
			all = append(all, labelMistakes(o.object.follow(path).at("metadata", "labels").texts(), where, where)...)
		}
	default:
		all = append(all, o.elsewhere()...)
	}
	return all
}

// elsewhere are mistakes of an object that holds no pod: an annotation of ours
// on a Service, or in a patch that has the annotation but no containers.
func (o Object) elsewhere() []string {
	all := o.nameless()
	for _, key := range Misplaced(o.Annotations()) {
		switch {
		case !isPodKey(key):
		case o.Kind == "":
			all = append(all, fmt.Sprintf("%s has no effect on an object without a kind; write its kind, such as kind: Pod", key))
		default:
			all = append(all, fmt.Sprintf("%s has no effect on a %s; write it as an annotation of the pod, or of a workload's pod template", key, o.Kind))
		}
	}
	return append(all, labelMistakes(o.Labels(), "metadata", "the pod template's metadata")...)
}

// nameless are sentences about templates that ask for something and have containers
// without names.
func (o Object) nameless() []string {
	var all []string
	for _, path := range shaped(o.object, nil, nil, isItems) {
		template := o.object.follow(path)
		if slices.ContainsFunc(keys(template.at("metadata", "annotations").texts()), isPodKey) {
			all = append(all, fmt.Sprintf("%s.spec.containers has one without a name, so nothing is added to it; name it", quotedPath(path)))
		}
	}
	return all
}

// Partial reports whether the object asks for something in a pod template that
// has no containers, as a patch of kustomize does.
func (o Object) Partial() bool {
	w, ok := sidecars.WorkloadOf(o.kind())
	if !ok && !o.isPod() || len(o.templatePaths()) > 0 {
		return false
	}
	template := o.object.follow(anys(w.Template))
	return slices.ContainsFunc(keys(template.at("metadata", "annotations").texts()), isPodKey)
}

func (o Object) isNamespace() bool { return o.APIVersion() == "v1" && o.Kind == "Namespace" }

func templateMetadata(path []any) string { return quotedPath(append(slices.Clip(path), "metadata")) }

// Misplaced are the keys among a workload's own annotations that belong on its
// pod template.
func Misplaced(annotations map[string]string) []string {
	var found []string
	for _, key := range keys(annotations) {
		if sidecars.OwnKey(key) && key != sidecars.RepairKey { // which is for workloads
			found = append(found, key)
		}
	}
	return found
}

// Move says where a misplaced key belongs.
func Move(key, metadata string) string {
	return fmt.Sprintf("%s has no effect here; move it to %s.annotations", key, metadata)
}

// isPodKey reports whether a key may be an annotation of a pod, and is not
// written by Outrider.
func isPodKey(key string) bool {
	domain, _, _ := strings.Cut(key, "/")
	return strings.HasSuffix(domain, "."+sidecars.Domain) || slices.ContainsFunc(sidecars.Keys(), func(k sidecars.Key) bool {
		return k.Name == key && k.Place == sidecars.PodAnnotation && !k.Written
	})
}

// labelMistakes are about labels in here that belong among the annotations of where.
func labelMistakes(labels map[string]string, here, where string) []string {
	var all []string
	for _, key := range keys(labels) {
		switch {
		case isPodKey(key):
			all = append(all, fmt.Sprintf("%s has no effect in %s.labels; write it as an annotation, in %s.annotations", key, here, where))
		case key == sidecars.EnforceKey:
			all = append(all, fmt.Sprintf("%s has no effect in %s.labels; it is a label of namespaces", key, here))
		}
	}
	return all
}

func namespaceMistakes(labels, annotations map[string]string) []string {
	var all []string
	for _, key := range keys(annotations) {
		switch key {
		case sidecars.InjectKey, sidecars.EnforceKey:
			all = append(all, fmt.Sprintf("%s is an annotation here, and has no effect; write it as a label of the namespace: labels: {%s: %s}", key, key, namespaceValues[key][0]))
		case sidecars.ScrapeKey, sidecars.PlacementKey, sidecars.ExemptKey:
			all = append(all, fmt.Sprintf("%s has no effect on a namespace; it is an annotation of pods", key))
		}
	}
	for _, key := range keys(labels) {
		if problem := NamespaceLabelProblem(key, labels[key]); problem != "" {
			all = append(all, problem)
		}
	}
	return all
}

// namespaceValues are what the labels of namespaces may say.
var namespaceValues = map[string][]string{
	sidecars.InjectKey:  {sidecars.InjectEnabled, sidecars.InjectDisabled},
	sidecars.EnforceKey: {sidecars.EnforceAudit, sidecars.EnforceWarn, sidecars.EnforceDeny},
}

// NamespaceLabelProblem says what is wrong with a label of a namespace, and what
// to write, or is "".
func NamespaceLabelProblem(key, value string) string {
	values, known := namespaceValues[key]
	switch {
	case known && slices.Contains(values, value):
		return ""
	case key == sidecars.InjectKey:
		return fmt.Sprintf("%s: %q has no effect on a namespace; write %s, and its pods are recognized, or %s; a pod names its exporter itself, with an annotation", key, value, sidecars.InjectEnabled, sidecars.InjectDisabled)
	case known:
		return fmt.Sprintf("%s: %q has no effect on a namespace; write %s", key, value, strings.Join(values, ", "))
	case key == sidecars.AllowKey, key == sidecars.DenyKey:
		return fmt.Sprintf("%s is a label here, and has no effect; write it as an annotation of the namespace", key)
	case sidecars.OwnKey(key):
		return fmt.Sprintf("%s has no effect as a label of a namespace", key)
	}
	return ""
}
