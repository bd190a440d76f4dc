package sidecars

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// mesh is a service mesh whose proxy takes what comes in on a pod's ports. Where
// it asks for mTLS, Prometheus gets nothing, so that the exporters' ports are left
// out; the workload's own ports never are.
type mesh struct {
	name string
	// ports is the annotation with the ports that the proxy leaves alone.
	ports string
	// proxy is the name of its container.
	proxy string
	// joined says what brings the proxy to a pod, or "".
	joined func(pod *corev1.Pod, namespace Namespace) string
}

var meshes = []mesh{
	{name: "Istio", ports: "traffic.sidecar.istio.io/excludeInboundPorts", proxy: "istio-proxy", joined: joinsIstio},
	{name: "Linkerd", ports: "config.linkerd.io/skip-inbound-ports", proxy: "linkerd-proxy", joined: joinsLinkerd},
}

// Labels and annotations by which pods join a mesh.
const (
	istioInject    = "sidecar.istio.io/inject"
	istioRevision  = "istio.io/rev"
	istioNamespace = "istio-injection"
	linkerdInject  = "linkerd.io/inject"
)

// meshOptIns are the labels and annotations by which a namespace joins a mesh.
var meshOptIns = []string{istioNamespace, istioRevision, linkerdInject}

func joinsIstio(pod *corev1.Pod, namespace Namespace) string {
	switch choice := cmp.Or(pod.Labels[istioInject], pod.Annotations[istioInject]); {
	case choice == "true":
		return "the pod's " + istioInject
	case choice != "" || namespace.Labels[istioNamespace] == "disabled":
		return ""
	case namespace.Labels[istioNamespace] == "enabled":
		return "the namespace's label " + istioNamespace
	case namespace.Labels[istioRevision] != "":
		return "the namespace's label " + istioRevision
	case pod.Labels[istioRevision] != "":
		return "the pod's label " + istioRevision
	}
	return ""
}

func joinsLinkerd(pod *corev1.Pod, namespace Namespace) string {
	joins := func(choice string) bool { return choice == "enabled" || choice == "ingress" }
	switch choice := pod.Annotations[linkerdInject]; {
	case joins(choice):
		return "the pod's annotation " + linkerdInject
	case choice == "" && joins(namespace.Annotations[linkerdInject]):
		return "the namespace's annotation " + linkerdInject
	}
	return ""
}

// Exclusion is what was added to a mesh's annotation.
type Exclusion struct {
	Annotation string `json:"annotation"`
	// Added is the end of its value that is Outrider's.
	Added string `json:"added"`
	// Kept says that the pod had the annotation before.
	Kept bool `json:"kept,omitempty"`
}

// excludePorts leaves the ports of what is injected now out of each mesh that the
// pod joins.
func (p *planner) excludePorts() {
	if p.mesh == MeshKeep || !p.Injects() {
		return
	}
	for _, m := range meshes {
		why := m.joined(p.Pod, p.Namespace)
		if why == "" {
			continue
		}
		value, present := p.Pod.Annotations[m.ports]
		listed := strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ' ' })
		added := ""
		for _, c := range slices.Concat(p.native, p.containers) {
			port := strconv.Itoa(int(c.Ports[0].ContainerPort))
			if slices.Contains(listed, port) {
				continue
			}
			if value+added != "" {
				added += ","
			}
			added += port
			p.traceExclusion(c.Name, m, port, why)
		}
		if added != "" {
			p.excluded = append(p.excluded, Exclusion{Annotation: m.ports, Added: added, Kept: present})
		}
	}
}

// traceExclusion says why a port is excluded, and where that comes too late: a
// proxy that is in the pod has read its annotation before.
func (p *planner) traceExclusion(container string, m mesh, port, why string) {
	if p.trace == nil {
		return
	}
	if slices.Contains(containerNames(p.Pod), m.proxy) {
		why += ", too late: the pod has the proxy of " + m.name + " already"
	}
	p.trace(Setting{Exporter: strings.TrimPrefix(container, ContainerPrefix), Name: m.ports, Value: port, From: why})
}

// exclusions are those that a status tells of and the pod still has.
func exclusions(pod *corev1.Pod, written []Exclusion) []Exclusion {
	var present []Exclusion
	for _, e := range written {
		known := slices.ContainsFunc(meshes, func(m mesh) bool { return m.ports == e.Annotation })
		twice := slices.ContainsFunc(present, func(o Exclusion) bool { return o.Annotation == e.Annotation })
		value, ok := pod.Annotations[e.Annotation]
		if known && !twice && ok && e.Added != "" && strings.HasSuffix(value, e.Added) && (e.Kept || value == e.Added) {
			present = append(present, e)
		}
	}
	return present
}

// merged are exclusions of an earlier admission and of this one, one for each
// annotation.
func merged(earlier, now []Exclusion) []Exclusion {
	all := slices.Clone(earlier)
	for _, e := range now {
		if i := slices.IndexFunc(all, func(o Exclusion) bool { return o.Annotation == e.Annotation }); i >= 0 {
			all[i].Added += e.Added
		} else {
			all = append(all, e)
		}
	}
	return all
}

// include takes back what was excluded.
func (e Exclusion) include(annotations map[string]string) {
	if !e.Kept {
		delete(annotations, e.Annotation)
		return
	}
	annotations[e.Annotation] = strings.TrimSuffix(annotations[e.Annotation], e.Added)
}
