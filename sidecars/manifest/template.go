package manifest

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// Template is a pod, or the pod template of a workload, in an Object.
type Template struct {
	Object
	// Pod is what becomes of it, as the API server would hand it to a webhook.
	Pod *corev1.Pod
	// Size of the pod as JSON, in bytes.
	Size int

	fields *yaml.RNode // the map that holds metadata and spec
}

// templatePaths say where a kind holds its pod template; a Pod is one itself.
var templatePaths = map[string][]string{
	"v1/Pod":                   {},
	"v1/PodTemplate":           {"template"},
	"v1/ReplicationController": {"spec", "template"},
	"apps/v1/Deployment":       {"spec", "template"},
	"apps/v1/ReplicaSet":       {"spec", "template"},
	"apps/v1/StatefulSet":      {"spec", "template"},
	"apps/v1/DaemonSet":        {"spec", "template"},
	"batch/v1/Job":             {"spec", "template"},
	"batch/v1/CronJob":         {"spec", "jobTemplate", "spec", "template"},
}

func trimList(kind string) string { return strings.TrimSuffix(kind, "List") }

// TemplatePath is where the object's kind holds its pod template, such as
// spec.template; empty for a Pod. It is false for kinds that make no pods.
func (o Object) TemplatePath() (string, bool) {
	path, ok := templatePaths[o.APIVersion()+"/"+o.Kind]
	return strings.Join(path, "."), ok
}

// Template returns the object's pod template, or nil where its kind has none.
// namespace is that of objects which name none. An error names the object and
// the field.
func (o Object) Template(namespace string) (*Template, error) {
	path, ok := templatePaths[o.APIVersion()+"/"+o.Kind]
	if !ok {
		if _, core := templatePaths["v1/"+o.Kind]; core && o.APIVersion() == "" {
			return nil, fmt.Errorf("%s: there is no apiVersion", o)
		}
		return nil, nil
	}
	if kind := o.metadata(); kind != yaml.MappingNode && kind != 0 {
		return nil, fmt.Errorf("%s: metadata is %s, want a map", o, kindName(kind))
	}
	fields, err := o.node.Pipe(yaml.Lookup(path...))
	if err != nil || fields == nil || fields.YNode().Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%s: there is no pod template at %s", o, strings.Join(path, "."))
	}
	raw, err := fields.MarshalJSON()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o, err)
	}
	t := &Template{Object: o, Pod: &corev1.Pod{}, fields: fields}
	if err := kjson.UnmarshalCaseSensitivePreserveInts(raw, t.Pod); err != nil {
		return nil, fmt.Errorf("%s: decode its pod: %w", o, wrongType(path, fields, err))
	}
	t.complete(namespace)
	whole, err := json.Marshal(t.Pod)
	if err != nil {
		return nil, fmt.Errorf("%s: encode its pod: %w", o, err)
	}
	t.Size = len(whole)
	return t, nil
}

// wrongType says in the manifest's terms, and not in Go's, which field has a
// value of a wrong type.
func wrongType(path []string, fields *yaml.RNode, err error) error {
	var wrong *json.UnmarshalTypeError
	if !errors.As(err, &wrong) {
		if field, value := wrongQuantity(nil, fields.YNode()); field != nil {
			return fmt.Errorf("%s is %q, want a quantity such as 100m or 64Mi", strings.Join(append(slices.Clone(path), field...), "."), value)
		}
		return err
	}
	want := wrong.Type.String()
	switch wrong.Type.Kind() {
	case reflect.Slice:
		want = "a list"
	case reflect.Map, reflect.Struct:
		want = "a map"
	case reflect.String:
		want = "a string"
	case reflect.Bool:
		want = "true or false"
	case reflect.Int, reflect.Int32, reflect.Int64:
		want = "a whole number"
	}
	value := map[string]string{"object": "map", "array": "list"}[wrong.Value]
	return fmt.Errorf("%s is a %s, want %s", strings.Join(append(slices.Clone(path), wrong.Field), "."), cmp.Or(value, wrong.Value), want)
}

// wrongQuantity finds the first request or limit that is no quantity, of which
// the decoder does not say where it stands.
func wrongQuantity(path []string, node *yaml.Node) (field []string, value string) {
	for i := 0; node.Kind == yaml.MappingNode && i+1 < len(node.Content); i += 2 {
		under, content := append(slices.Clone(path), node.Content[i].Value), node.Content[i+1]
		if last := len(path) - 1; last >= 0 && (path[last] == "requests" || path[last] == "limits") && content.Kind == yaml.ScalarNode {
			if _, err := resource.ParseQuantity(content.Value); err != nil {
				return under, content.Value
			}
		}
		if field, value := wrongQuantity(under, content); field != nil {
			return field, value
		}
	}
	for i := 0; node.Kind == yaml.SequenceNode && i < len(node.Content); i++ {
		if field, value := wrongQuantity(append(slices.Clone(path), strconv.Itoa(i)), node.Content[i]); field != nil {
			return field, value
		}
	}
	return nil, ""
}

// complete gives a template what the pods that are made from it have.
func (t *Template) complete(namespace string) {
	t.Pod.APIVersion, t.Pod.Kind = "v1", "Pod"
	if t.Namespace == "" {
		t.Namespace = namespace
	}
	t.Pod.Namespace = t.Namespace
	if t.Kind == "Pod" {
		return
	}
	owner, group := t.Kind, "apps/v1"
	switch t.Kind {
	case "Deployment":
		owner = "ReplicaSet"
	case "CronJob":
		owner = "Job"
	}
	if owner == "Job" {
		group = "batch/v1"
	}
	yes := true
	t.Pod.GenerateName = t.Name + "-"
	t.Pod.OwnerReferences = []metav1.OwnerReference{{APIVersion: group, Kind: owner, Name: t.Name, UID: "template", Controller: &yes}}
}
