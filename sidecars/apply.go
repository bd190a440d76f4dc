package sidecars

import (
	"maps"
	"slices"
	"strings"

	"gomodules.xyz/jsonpatch/v2"
	corev1 "k8s.io/api/core/v1"
)

// Apply returns a copy of the pod with the plan's additions. The pod is the one
// that the plan was made for; nothing in it is edited or reordered.
func (p Plan) Apply(pod *corev1.Pod) *corev1.Pod {
	out := pod.DeepCopy()
	for i := range p.containers {
		out.Spec.Containers = append(out.Spec.Containers, *p.containers[i].DeepCopy())
	}
	for i := range p.native {
		out.Spec.InitContainers = append(out.Spec.InitContainers, *p.native[i].DeepCopy())
	}
	out.Spec.ImagePullSecrets = append(out.Spec.ImagePullSecrets, p.references()...)
	for i := range p.volumes {
		out.Spec.Volumes = append(out.Spec.Volumes, *p.volumes[i].DeepCopy())
	}
	if p.label {
		out.Labels = with(out.Labels, MonitoredKey, MonitoredTrue)
	}
	for _, a := range p.annotations() {
		out.Annotations = with(out.Annotations, a.key, a.value)
	}
	return out
}

func with(m map[string]string, key, value string) map[string]string {
	if m == nil {
		m = map[string]string{}
	}
	m[key] = value
	return m
}

// Patch returns the plan's additions as JSON patch operations (RFC 6902) for
// the pod that the plan was made for: all of them "add"; nil where there is
// nothing to add.
func (p Plan) Patch() []jsonpatch.Operation {
	var ops []jsonpatch.Operation
	ops = appendList(ops, "/spec/imagePullSecrets", len(p.pod.Spec.ImagePullSecrets), p.references())
	ops = appendList(ops, "/spec/volumes", len(p.pod.Spec.Volumes), p.volumes)
	ops = appendList(ops, "/spec/initContainers", len(p.pod.Spec.InitContainers), p.native)
	ops = appendList(ops, "/spec/containers", len(p.pod.Spec.Containers), p.containers)
	if p.label {
		ops = addEntries(ops, "/metadata/labels", len(p.pod.Labels), []pair{{MonitoredKey, MonitoredTrue}})
	}
	return addEntries(ops, "/metadata/annotations", len(p.pod.Annotations), p.annotations())
}

// pair is an entry of a map.
type pair struct{ key, value string }

// annotations that the plan writes, in their order.
func (p Plan) annotations() []pair {
	var pairs []pair
	if p.endpoints != "" {
		pairs = append(pairs, pair{ScrapeKey, p.endpoints})
	}
	if p.essential != "" {
		pairs = append(pairs, pair{EssentialKey, p.essential})
	}
	if p.samples != "" {
		pairs = append(pairs, pair{SampleLimitKey, p.samples})
	}
	if p.status != "" {
		pairs = append(pairs, pair{StatusKey, p.status})
	}
	for _, e := range p.excluded {
		pairs = append(pairs, pair{e.Annotation, p.pod.Annotations[e.Annotation] + e.Added})
	}
	return pairs
}

// appendList adds items behind the present ones. A list that is empty or
// missing is added whole, since "-" needs a list to point into.
func appendList[T any](ops []jsonpatch.Operation, path string, present int, added []T) []jsonpatch.Operation {
	if len(added) == 0 {
		return ops
	}
	if present == 0 {
		return append(ops, jsonpatch.NewOperation("add", path, added))
	}
	for i := range added {
		ops = append(ops, jsonpatch.NewOperation("add", path+"/-", &added[i]))
	}
	return ops
}

// addEntries adds to a map; one that is empty or missing is added whole.
func addEntries(ops []jsonpatch.Operation, path string, present int, added []pair) []jsonpatch.Operation {
	if present == 0 && len(added) > 0 {
		whole := make(map[string]string, len(added))
		for _, a := range added {
			whole[a.key] = a.value
		}
		return append(ops, jsonpatch.NewOperation("add", path, whole))
	}
	for _, a := range added {
		ops = append(ops, jsonpatch.NewOperation("add", path+"/"+strings.ReplaceAll(a.key, "/", "~1"), a.value))
	}
	return ops
}

// Remove returns a copy of the pod without anything that Outrider added: the
// containers that the status annotation names, their volume, pull Secrets and
// endpoints, the annotation itself and the label. It is the mirror of Apply: a
// pod that was injected and then removed from serializes as it did before.
func Remove(pod *corev1.Pod) *corev1.Pod {
	before := statusBefore(pod)
	ours := map[string]bool{}
	for _, d := range before.Decisions {
		if d.Outcome == Injected {
			ours[ContainerPrefix+d.Exporter] = true
		}
	}
	endpoints := ownEndpoints(before.Decisions) != ""
	out := pod.DeepCopy()
	var removed []corev1.Container
	isOurs := func(c corev1.Container) bool {
		if ours[c.Name] {
			removed = append(removed, c)
		}
		return ours[c.Name]
	}
	out.Spec.Containers = slices.DeleteFunc(out.Spec.Containers, isOurs)
	out.Spec.InitContainers = slices.DeleteFunc(out.Spec.InitContainers, isOurs)
	if len(ours) > 0 {
		out.Spec.Volumes = slices.DeleteFunc(out.Spec.Volumes, func(v corev1.Volume) bool { return isCover(v) || isOwnVolume(v, removed) })
	}
	out.Spec.ImagePullSecrets = slices.DeleteFunc(out.Spec.ImagePullSecrets, func(r corev1.LocalObjectReference) bool { return slices.Contains(before.PullSecrets, r.Name) })
	claimed := claimsLabel(pod)
	maps.DeleteFunc(out.Labels, func(key, _ string) bool { return key == MonitoredKey && claimed })
	maps.DeleteFunc(out.Annotations, func(key, _ string) bool {
		return key == StatusKey || key == EssentialKey || key == SampleLimitKey || key == ScrapeKey && endpoints
	})
	for _, e := range before.Exclusions {
		e.include(out.Annotations)
	}
	return out
}
