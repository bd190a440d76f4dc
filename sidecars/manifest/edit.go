package manifest

import (
	"fmt"
	"slices"
	"strings"

	"gomodules.xyz/jsonpatch/v2"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/kustomize/kyaml/yaml"
	sigsyaml "sigs.k8s.io/yaml"
)

// Add makes the additions of a plan for the template's pod: JSON patch
// operations that all are "add".
func (t *Template) Add(ops []jsonpatch.Operation) error {
	for _, op := range ops {
		t.in.changed = true
		if err := add(t.fields, op); err != nil {
			return fmt.Errorf("%s: add %s: %w", t, op.Path, err)
		}
	}
	return nil
}

// add puts a value behind the end of a list, or under a key that has none.
func add(fields *yaml.RNode, op jsonpatch.Operation) error {
	if op.Operation != "add" {
		return fmt.Errorf("operation %q is not an addition", op.Operation)
	}
	value, err := toNode(op.Value)
	if err != nil {
		return err
	}
	path := strings.Split(strings.TrimPrefix(op.Path, "/"), "/")
	for i := range path {
		path[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(path[i])
	}
	parents, last := path[:len(path)-1], path[len(path)-1]
	if last == "-" {
		list, err := fields.Pipe(yaml.Lookup(parents...))
		if err != nil {
			return err
		}
		return list.PipeE(yaml.Append(value.YNode()))
	}
	parent, err := fields.Pipe(yaml.LookupCreate(yaml.MappingNode, parents...))
	if err != nil {
		return err
	}
	return parent.PipeE(yaml.SetField(last, value))
}

// toNode makes a YAML node in block style of a Go value.
func toNode(value any) (*yaml.RNode, error) {
	text, err := sigsyaml.Marshal(value)
	if err != nil {
		return nil, err
	}
	return yaml.Parse(string(text))
}

// Become takes away what the template's pod has and the given pod has not:
// containers, volumes, pull Secrets, labels and annotations. Maps and lists
// that become empty go too. It reports whether anything went.
func (t *Template) Become(pod *corev1.Pod) (bool, error) {
	gone := []removal{
		{[]string{"spec", "containers"}, missing(containerNames(t.Pod.Spec.Containers), containerNames(pod.Spec.Containers))},
		{[]string{"spec", "initContainers"}, missing(containerNames(t.Pod.Spec.InitContainers), containerNames(pod.Spec.InitContainers))},
		{[]string{"spec", "volumes"}, missing(volumeNames(t.Pod), volumeNames(pod))},
		{[]string{"spec", "imagePullSecrets"}, missing(pullNames(t.Pod), pullNames(pod))},
		{[]string{"metadata", "labels"}, missing(keys(t.Pod.Labels), keys(pod.Labels))},
		{[]string{"metadata", "annotations"}, missing(keys(t.Pod.Annotations), keys(pod.Annotations))},
	}
	changed := false
	for _, r := range gone {
		if len(r.names) == 0 {
			continue
		}
		changed, t.in.changed = true, true
		if err := r.from(t.fields); err != nil {
			return changed, fmt.Errorf("%s: remove from %s: %w", t, strings.Join(r.path, "."), err)
		}
	}
	return changed, nil
}

// removal takes entries out of one list of named items, or out of one map.
type removal struct {
	path  []string
	names []string
}

func (r removal) from(fields *yaml.RNode) error {
	node, err := fields.Pipe(yaml.Lookup(r.path...))
	if err != nil || node == nil {
		return err
	}
	y := node.YNode()
	if y.Kind == yaml.SequenceNode {
		y.Content = slices.DeleteFunc(y.Content, func(item *yaml.Node) bool {
			name, err := yaml.NewRNode(item).GetString("name")
			return err == nil && slices.Contains(r.names, name)
		})
	} else {
		for _, name := range r.names {
			if err := node.PipeE(yaml.Clear(name)); err != nil {
				return err
			}
		}
	}
	if len(y.Content) > 0 {
		return nil
	}
	parent, err := fields.Pipe(yaml.Lookup(r.path[:len(r.path)-1]...))
	if err != nil {
		return err
	}
	return parent.PipeE(yaml.Clear(r.path[len(r.path)-1]))
}

func missing(before, after []string) []string {
	return slices.DeleteFunc(before, func(name string) bool { return slices.Contains(after, name) })
}

func containerNames(list []corev1.Container) []string {
	var names []string
	for i := range list {
		names = append(names, list[i].Name)
	}
	return names
}

func volumeNames(pod *corev1.Pod) []string {
	var names []string
	for i := range pod.Spec.Volumes {
		names = append(names, pod.Spec.Volumes[i].Name)
	}
	return names
}

func pullNames(pod *corev1.Pod) []string {
	var names []string
	for _, r := range pod.Spec.ImagePullSecrets {
		names = append(names, r.Name)
	}
	return names
}

func keys(m map[string]string) []string {
	var names []string
	for k := range m {
		names = append(names, k)
	}
	slices.Sort(names)
	return names
}
