package sidecars

import (
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func (p *planner) refuse(exporter string, reason Reason, format string, args ...any) {
	p.answer(exporter, Refused, reason, format, args...)
}

func (p *planner) answer(exporter string, outcome Outcome, reason Reason, format string, args ...any) {
	p.Decisions = append(p.Decisions, Decision{Exporter: exporter, Outcome: outcome, Reason: reason, Message: fmt.Sprintf(format, args...)})
}

// skip leaves pods alone that need nothing from us.
func (p *planner) skip(e *entry) bool {
	if name := exporterOf(p.Pod, e); name != "" {
		p.answer(e.name, Skipped, AlreadyMonitored, "%s: container %q is already an exporter for it; make it a target with %s: PORT, or remove it", e.name, name, ScrapeKey)
		return true
	}
	owner := metav1.GetControllerOf(p.Pod)
	switch {
	case !e.spec.OncePerSet || owner == nil || firstOfSet(p.Pod, owner) || alike(owner):
		return false
	case owner.Kind == "StatefulSet":
		p.answer(e.name, Skipped, OncePerSet, "%s: it reports on the whole cluster and is injected into the first pod of the set only", e.name)
	default:
		p.refuse(e.name, OncePerSet, "%s: it reports on the whole cluster, and a %s has no first pod; use a StatefulSet, or run the exporter as its own Deployment", e.name, owner.Kind)
	}
	return true
}

// alike reports whether an owner's pods cannot be told apart. A cluster's server in
// one is the only one, or its replicas would share a name and a volume.
func alike(owner *metav1.OwnerReference) bool {
	return owner.Kind == "ReplicaSet" || owner.Kind == "ReplicationController" || owner.Kind == "DeploymentConfig"
}

// warnAlike warns that every replica reports on the whole cluster.
func (p *planner) warnAlike(e *entry) {
	if !e.spec.OncePerSet {
		return
	}
	if owner := metav1.GetControllerOf(p.Pod); owner != nil && alike(owner) {
		p.warn(fmt.Sprintf("%s: it reports on the whole cluster, from every replica; keep it at one replica, or use a StatefulSet, whose first pod alone gets it", e.name))
	}
}

// firstOfSet reports whether a pod is number zero of a StatefulSet.
func firstOfSet(pod *corev1.Pod, owner *metav1.OwnerReference) bool {
	return owner.Kind == "StatefulSet" && (pod.Labels[appsv1.PodIndexLabel] == "0" || pod.Name == owner.Name+"-0")
}

// refusePod refuses pods into which no exporter can be injected.
func (p *planner) refusePod(e *entry) bool {
	pod := p.Pod
	switch {
	case pod.Annotations[corev1.MirrorPodAnnotationKey] != "":
		p.refuse(e.name, MirrorPod, "%s: a static pod cannot be changed through the API; add the exporter to its manifest on the node", e.name)
	case pod.Spec.OS != nil && pod.Spec.OS.Name != corev1.Linux, onWindows(pod):
		p.refuse(e.name, UnsupportedOS, "%s: the exporter runs on Linux and the pod is for another system", e.name)
	case pod.Spec.HostNetwork && !isNative(e):
		p.refuse(e.name, HostNetwork, "%s: with hostNetwork the exporter's port %d would open on the node; use the pod's own network", e.name, e.spec.Port)
	case len(pod.Spec.Containers) == 0: // the API server refuses it, and would take one with nothing but the exporter
		p.refuse(e.name, NoContainers, "%s: the pod has no containers", e.name)
	default:
		return false
	}
	return true
}

// onWindows reports whether a pod's nodes are chosen to run Windows, by the label
// or by its old name, which is still on every node.
func onWindows(pod *corev1.Pod) bool {
	for _, label := range osLabels {
		if pod.Spec.NodeSelector[label] == string(corev1.Windows) {
			return true
		}
	}
	affinity := pod.Spec.Affinity
	if affinity == nil || affinity.NodeAffinity == nil || affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution == nil {
		return false
	}
	terms := affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms
	return len(terms) > 0 && !slices.ContainsFunc(terms, func(term corev1.NodeSelectorTerm) bool { // any one of the terms is enough
		return !slices.ContainsFunc(term.MatchExpressions, requiresWindows)
	})
}

var osLabels = []string{corev1.LabelOSStable, "beta.kubernetes.io/os"}

// requiresWindows reports whether no node but those of Windows meets a requirement.
func requiresWindows(r corev1.NodeSelectorRequirement) bool {
	linux := slices.Contains(r.Values, string(corev1.Linux))
	return slices.Contains(osLabels, r.Key) && (r.Operator == corev1.NodeSelectorOpIn && !linux || r.Operator == corev1.NodeSelectorOpNotIn && linux)
}

// refuseBudget fits a sidecar into what the namespace's LimitRanges and quotas
// leave, or refuses it: they would refuse the pod.
func (p *planner) refuseBudget(e *entry, added *corev1.Container) bool {
	why := p.Budget.fit(&added.Resources)
	if why == "" {
		why = p.Budget.room(p.Pod, p.containers, p.native, []corev1.Container{*added})
	}
	if why == "" {
		return false
	}
	p.refuse(e.name, OverBudget, "%s: the namespace leaves no room for it: %s", e.name, why)
	return true
}

// refuseSuspended refuses what is suspended at present. It comes last:
// what is wrong with the pod itself lasts longer than a suspension.
func (p *planner) refuseSuspended(e *entry) bool {
	why, suspended := p.Suspended[e.name]
	if suspended {
		p.refuse(e.name, Suspended, "%s: its injection is suspended: %s; the pod starts without it", e.name, why)
	}
	return suspended
}

// refuseCollision refuses where the sidecar's name or port is taken.
func (p *planner) refuseCollision(e *entry) bool {
	name := ContainerPrefix + e.name
	for _, taken := range containerNames(p.Pod) {
		if taken == name {
			p.refuse(e.name, NameCollision, "%s: the pod already has a container %q that Outrider did not add; rename or remove it", e.name, name)
			return true
		}
	}
	for _, list := range [][]corev1.Container{p.Pod.Spec.Containers, p.Pod.Spec.InitContainers, p.containers, p.native} {
		for i := range list {
			for _, port := range list[i].Ports {
				if port.ContainerPort == e.spec.Port && (port.Protocol == corev1.ProtocolTCP || port.Protocol == "") {
					p.refuse(e.name, PortCollision, "%s: port %d is taken by container %q; move that container to another port, or leave %s out if it is the exporter itself", e.name, e.spec.Port, list[i].Name, e.name)
					return true
				}
			}
		}
	}
	return false
}

func containerNames(pod *corev1.Pod) []string {
	var names []string
	for _, list := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range list {
			names = append(names, list[i].Name)
		}
	}
	for i := range pod.Spec.EphemeralContainers {
		names = append(names, pod.Spec.EphemeralContainers[i].Name)
	}
	return names
}

// placed decides between a plain container and a native sidecar. A plain
// container would keep a pod that runs to completion from ending; a native one
// whose image cannot be pulled keeps any pod from starting.
func (p *planner) placed(e *entry) (native, ok bool) {
	ends := completes(p.Pod)
	if p.placement == PlacementContainer && ends {
		p.refuse(e.name, WouldNotComplete, "%s: %s: %s would keep a pod with restartPolicy %s from ending; remove the annotation", e.name, PlacementKey, PlacementContainer, p.Pod.Spec.RestartPolicy)
		return false, false
	}
	return p.placement == PlacementNative || ends, true
}
