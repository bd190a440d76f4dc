package coverage

import (
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Workload is what a user would restart to get new pods: a Deployment rather
// than its ReplicaSet, and the pod itself where nothing controls it.
type Workload struct{ Namespace, Kind, Name string }

// workloadOf reads a pod's workload from the pod alone. That of a ReplicaSet is
// recognized by the hash that both names end in, so that nothing has to be asked for.
func workloadOf(pod *metav1.ObjectMeta) Workload {
	owner := controllerOf(pod)
	if owner == nil {
		return Workload{pod.Namespace, "Pod", pod.Name}
	}
	if owner.Kind == "ReplicaSet" {
		if hash := pod.Labels[appsv1.DefaultDeploymentUniqueLabelKey]; hash != "" {
			if name, ok := strings.CutSuffix(owner.Name, "-"+hash); ok {
				return Workload{pod.Namespace, "Deployment", name}
			}
		}
	}
	return Workload{pod.Namespace, owner.Kind, owner.Name}
}

// controllerOf is the pod's controller; a static pod, whose controller is a
// node, has none.
func controllerOf(pod *metav1.ObjectMeta) *metav1.OwnerReference {
	owner := metav1.GetControllerOf(pod)
	if owner == nil || owner.Kind == "Node" {
		return nil
	}
	return owner
}

// regarded is what an event about a pod stands on: its direct controller, whose
// UID the pod knows, or else itself.
func regarded(pod *metav1.ObjectMeta) corev1.ObjectReference {
	if owner := controllerOf(pod); owner != nil {
		return corev1.ObjectReference{APIVersion: owner.APIVersion, Kind: owner.Kind, Namespace: pod.Namespace, Name: owner.Name, UID: owner.UID}
	}
	return corev1.ObjectReference{APIVersion: "v1", Kind: "Pod", Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID}
}

// revision tells the templates of a workload's pods apart, as far as a decision
// about them may differ.
func revision(pod *metav1.ObjectMeta) string {
	owner := controllerOf(pod)
	if owner == nil {
		return string(pod.UID)
	}
	for _, label := range []string{appsv1.DefaultDeploymentUniqueLabelKey, appsv1.ControllerRevisionHashLabelKey} {
		if hash := pod.Labels[label]; hash != "" {
			if owner.Kind == "StatefulSet" && strings.HasSuffix(pod.Name, "-0") {
				return hash + " first" // some exporters are injected into the first pod only
			}
			return hash
		}
	}
	return string(owner.UID)
}
