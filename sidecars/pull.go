package sidecars

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// pullSecrets adds the platform's image pull Secrets to a pod with a sidecar.
func (p *planner) pullSecrets() {
	if !p.Injects() {
		return
	}
	for _, name := range p.Settings.ImagePullSecrets {
		if !pullsWith(p.Pod, name) {
			p.pull = append(p.pull, name)
		}
	}
}

func pullsWith(pod *corev1.Pod, name string) bool {
	return slices.Contains(pod.Spec.ImagePullSecrets, corev1.LocalObjectReference{Name: name})
}

// references are the plan's image pull Secrets as the pod holds them.
func (p Plan) references() []corev1.LocalObjectReference {
	var refs []corev1.LocalObjectReference
	for _, name := range p.pull {
		refs = append(refs, corev1.LocalObjectReference{Name: name})
	}
	return refs
}
