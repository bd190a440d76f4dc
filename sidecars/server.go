package sidecars

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
)

// servers are the containers of a pod that run the workload of an exporter.
func servers(pod *corev1.Pod, r v1alpha1.Recognition) []*corev1.Container {
	var found []*corev1.Container
	for i := range pod.Spec.Containers {
		if c := &pod.Spec.Containers[i]; isServer(c, r) {
			found = append(found, c)
		}
	}
	return found
}

// isServer tells a server from everything else that its image is used for.
func isServer(c *corev1.Container, r v1alpha1.Recognition) bool {
	if !slices.Contains(r.Images, imageBaseName(c.Image)) && !looksLike(c, r) {
		return false
	}
	words := words(c)
	if slices.ContainsFunc(r.NotArgs, func(not string) bool { return slices.Contains(words, not) }) {
		return false
	}
	if len(r.Commands) == 0 {
		return true
	}
	programs, own := programs(c)
	return own || slices.ContainsFunc(programs, func(p string) bool { return slices.Contains(r.Commands, p) })
}

// looksLike is the second signal, for images with names of their own: a usual
// port, declared in a container or under a port name that says what it is.
func looksLike(c *corev1.Container, r v1alpha1.Recognition) bool {
	return slices.ContainsFunc(c.Ports, func(p corev1.ContainerPort) bool {
		return slices.Contains(r.Ports, p.ContainerPort) && (slices.Contains(r.Images, c.Name) || slices.Contains(r.Images, p.Name))
	})
}

// imageBaseName is the last part of an image's repository: redis of
// registry:5000/library/redis:7@sha256:….
func imageBaseName(image string) string {
	image, _, _ = strings.Cut(image, "@")
	image = image[strings.LastIndexByte(image, '/')+1:]
	image, _, _ = strings.Cut(image, ":")
	return image
}

// carriesExporter returns the name of a container that is an exporter for the
// workload and not ours, or "".
func carriesExporter(pod *corev1.Pod, r v1alpha1.Recognition) string {
	for _, list := range [][]corev1.Container{pod.Spec.Containers, pod.Spec.InitContainers} {
		for i := range list {
			if slices.Contains(r.Exporters, imageBaseName(list[i].Image)) {
				return list[i].Name
			}
		}
	}
	return ""
}

// declaredPort is the TCP port that a server must listen on, as far as its
// declared ports tell: the default if it is among them, else the only one.
func declaredPort(c *corev1.Container, usual int32) (int32, bool) {
	var only int32
	n := 0
	for _, p := range c.Ports {
		if p.Protocol != corev1.ProtocolTCP && p.Protocol != "" {
			continue
		}
		if p.ContainerPort == usual {
			return usual, true
		}
		only = p.ContainerPort
		n++
	}
	return only, n == 1
}
