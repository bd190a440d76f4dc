package manifest

import (
	"bytes"
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	kjson "sigs.k8s.io/json"

	"github.com/outrider-dev/outrider/sidecars"
)

// Template is a pod, or a pod template, in an Object.
type Template struct {
	Object
	// Pod is what becomes of it, as the API server would hand it to a webhook.
	Pod *corev1.Pod
	// Size of the pod as JSON, in bytes.
	Size int
	// Path is where the object holds it, such as spec.template; empty for a Pod.
	Path string

	path   []any // the same, as keys and indexes
	fields *node // the map that holds metadata and spec
}

// kind of the object, with its group.
func (o Object) kind() schema.GroupVersionKind {
	return schema.FromAPIVersionAndKind(o.APIVersion(), o.Kind)
}

// templatePaths are where an object holds pods with containers. Kinds that
// Kubernetes does not have are known by their shape: some map called template,
// podTemplate or the like, with containers that have names.
func (o Object) templatePaths() [][]any {
	if o.isPod() {
		return only(o.object, nil)
	}
	if w, ok := sidecars.WorkloadOf(o.kind()); ok {
		return only(o.object, anys(w.Template))
	}
	if o.Kind == "" || o.APIVersion() == "" {
		return nil
	}
	if o.kind().Group == sidecars.Knative {
		return shaped(o.object, nil, nil, isItems)
	}
	return shaped(o.object, nil, nil, isContainers)
}

// HoldsPods reports whether the object is a pod, or has a template of pods.
func (o Object) HoldsPods() bool { return len(o.templatePaths()) > 0 }

func (o Object) isPod() bool { return o.kind() == corev1.SchemeGroupVersion.WithKind("Pod") }

// only is a path, if it leads to containers.
func only(n *node, path []any) [][]any {
	if n.follow(path).at("spec", "containers").isNull() {
		return nil
	}
	return [][]any{path}
}

// deepestTemplate is how deep in an object templates are looked for; batch
// frameworks have them in a list of roles, in the template of a Job.
const deepestTemplate = 8

// shaped are the paths of maps called template, or something-template, whose
// containers are what fits says.
func shaped(n *node, path []any, found [][]any, fits func(*node) bool) [][]any {
	n = n.real()
	if n == nil || len(path) > deepestTemplate {
		return found
	}
	for i, item := range n.items {
		var step any = i
		if n.kind == mapKind {
			step = n.keys[i].keyText()
		}
		under := append(path[:len(path):len(path)], step)
		key, _ := step.(string)
		if containers := item.real().at("spec", "containers"); strings.HasSuffix(strings.ToLower(key), "template") && fits(containers) {
			found = append(found, under)
			continue
		}
		if len(path) > 0 || key == "spec" || key == "template" {
			found = shaped(item, under, found, fits)
		}
	}
	return found
}

// isItems reports whether a value is a list with something in it.
func isItems(n *node) bool { return n != nil && n.kind == listKind && len(n.items) > 0 }

// isContainers reports whether a value is a list of maps with names.
func isContainers(n *node) bool {
	return isItems(n) && !slices.ContainsFunc(n.items, func(item *node) bool { return item.get("name").string() == "" })
}

// follow is the value at a path of keys and indexes, or nil.
func (n *node) follow(path []any) *node {
	for _, step := range path {
		n = n.real()
		switch step := step.(type) {
		case string:
			n = n.get(step)
		case int:
			if n == nil || n.kind != listKind || step >= len(n.items) {
				return nil
			}
			n = n.items[step]
		}
	}
	return n.real()
}

// dotted is a path for people.
func dotted(path []any) string {
	var parts []string
	for _, step := range path {
		parts = append(parts, fmt.Sprint(step))
	}
	return strings.Join(parts, ".")
}

// templates are the object's pods. What cannot be decoded is an error only
// where it asks for something, as asks decides; it is left out otherwise.
func (o Object) templates(namespace string, asks func(*Template) bool, errs *problems) []*Template {
	var all []*Template
	for _, path := range o.templatePaths() {
		t := &Template{Object: o, Pod: &corev1.Pod{}, Path: dotted(path), path: path, fields: o.object.follow(path)}
		if t.Namespace == "" {
			t.Namespace = namespace
		}
		raw, err := t.fields.json()
		if err == nil {
			err = decode(raw, t.Pod)
		}
		if err != nil {
			annotations := t.fields.at("metadata", "annotations")
			if t.Pod.Annotations = annotations.texts(); annotations.ownKey() != "" || asks(t) {
				errs.add(t.mistyped(err)...)
			}
			continue
		}
		t.complete()
		t.Size = len(raw)
		all = append(all, t)
	}
	return all
}

// decode reads a pod. Quantities may be parameters, as ${MEMORY_LIMIT}, which another
// program replaces: nothing that is decided depends on them.
func decode(raw []byte, pod *corev1.Pod) error {
	err := kjson.UnmarshalCaseSensitivePreserveInts(raw, pod)
	if without := parameterized.ReplaceAll(raw, []byte("${1}0")); err != nil && !bytes.Equal(without, raw) {
		*pod = corev1.Pod{}
		err = kjson.UnmarshalCaseSensitivePreserveInts(without, pod)
	}
	return err
}

// parameterized matches quantities with parameters in them.
var parameterized = regexp.MustCompile(`("(?:cpu|memory|ephemeral-storage|sizeLimit)":)"[^"\\]*\$\{[^"\\]*"`)

// complete gives a template what the pods that are made from it have.
func (t *Template) complete() {
	t.Pod.APIVersion, t.Pod.Kind = "v1", "Pod"
	t.Pod.Namespace = t.Namespace
	if len(t.path) == 0 {
		return
	}
	if c := t.Pod.Spec.Containers; len(c) == 1 {
		c[0].Name = cmp.Or(c[0].Name, "user-container") // as Knative does
	}
	owner := metav1.OwnerReference{APIVersion: t.APIVersion(), Kind: t.Kind, Name: cmp.Or(t.Name, "template"), UID: "template", Controller: new(bool)}
	*owner.Controller = true
	switch {
	case strings.Contains(t.Path, "jobTemplate"):
		owner.APIVersion, owner.Kind = "batch/v1", "Job"
	case t.Kind == "Deployment", t.Kind == "Rollout":
		owner.APIVersion, owner.Kind = "apps/v1", "ReplicaSet"
	}
	t.Pod.GenerateName = t.Name + "-"
	t.Pod.OwnerReferences = []metav1.OwnerReference{owner}
}

// First is the template with the first pod of a StatefulSet, which alone gets an exporter that reports on the whole
// set; of another kind it is the template.
func (t *Template) First() *Template {
	owner := metav1.GetControllerOf(t.Pod)
	if owner == nil || owner.Kind != "StatefulSet" {
		return t
	}
	first := *t
	first.Pod = t.Pod.DeepCopy()
	first.Pod.Name = owner.Name + "-0"
	return &first
}

// fieldsPlace is where in its document the template's fields are.
func (t *Template) fieldsPlace() []any { return append(t.place[:len(t.place):len(t.place)], t.path...) }

// quotedPath is a path of fields as messages have it: keys that hold dots are in
// brackets.
func quotedPath(path []any) string {
	var b strings.Builder
	for _, step := range path {
		switch step := step.(type) {
		case int:
			fmt.Fprintf(&b, "[%d]", step)
		case string:
			switch {
			case strings.ContainsAny(step, "./"):
				b.WriteString("[" + strconv.Quote(step) + "]")
			case b.Len() > 0:
				b.WriteString("." + step)
			default:
				b.WriteString(step)
			}
		}
	}
	return b.String()
}
