package sidecars

import (
	"cmp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// istioAmbient is the label by which pods and namespaces join Istio without a
// proxy of their own: the node's takes what comes in on every port.
const istioAmbient = "istio.io/dataplane-mode"

// Capture is a mesh that takes what comes in on a port of a running pod.
type Capture string

// The meshes of a Capture; they differ in the policies that open a port.
const (
	CapturedByIstio   Capture = "Istio"
	CapturedByLinkerd Capture = "Linkerd"
)

// Captured is the mesh that takes what comes in on a port of a running pod, or "".
func Captured(pod *corev1.Pod, namespace Namespace, port string) Capture {
	for _, m := range meshes {
		excluded := strings.FieldsFunc(pod.Annotations[m.ports], func(r rune) bool { return r == ',' || r == ' ' })
		if slices.Contains(containerNames(pod), m.proxy) && !slices.Contains(excluded, port) {
			return Capture(m.name)
		}
	}
	if cmp.Or(pod.Labels[istioAmbient], namespace.Labels[istioAmbient]) == "ambient" && !slices.Contains(containerNames(pod), "istio-proxy") {
		return CapturedByIstio
	}
	return ""
}

// InMesh reports whether a namespace's pods may join a mesh.
func (n Namespace) InMesh() bool {
	return slices.ContainsFunc(append(meshOptIns[:len(meshOptIns):len(meshOptIns)], istioAmbient), func(key string) bool {
		return cmp.Or(n.Labels[key], n.Annotations[key]) != ""
	})
}
