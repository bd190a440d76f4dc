package manifest

import (
	"encoding/json"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
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
		return nil, nil
	}
	fields, err := o.node.Pipe(yaml.Lookup(path...))
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", o, strings.Join(path, "."), err)
	}
	if fields == nil || fields.YNode().Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%s: there is no pod template at %s", o, strings.Join(path, "."))
	}
	raw, err := fields.MarshalJSON()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o, err)
	}
	t := &Template{Object: o, Pod: &corev1.Pod{}, fields: fields}
	if err := kjson.UnmarshalCaseSensitivePreserveInts(raw, t.Pod); err != nil {
		return nil, fmt.Errorf("%s: decode its pod: %w", o, err)
	}
	t.complete(namespace)
	whole, err := json.Marshal(t.Pod)
	if err != nil {
		return nil, fmt.Errorf("%s: encode its pod: %w", o, err)
	}
	t.Size = len(whole)
	return t, nil
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
