package sidecars

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// noTokenVolume is an empty volume that covers the place of the ServiceAccount
// token in a sidecar.
const noTokenVolume = ContainerPrefix + "no-token"

// tokenPath is where the API server mounts the token in every container that
// has nothing mounted there.
const tokenPath = "/var/run/secrets/kubernetes.io/serviceaccount"

// needsCover reports whether the API server would mount the application's
// token into a sidecar. A ServiceAccount that says no is not seen from here;
// the cover does no harm then.
func needsCover(pod *corev1.Pod) bool {
	automount := pod.Spec.AutomountServiceAccountToken
	return automount == nil || *automount
}

// keepTokenOut covers the token's place in a sidecar. It also saves a call: if
// the API server had to add its mount to what we added, it would ask us again.
func (p *planner) keepTokenOut(c *corev1.Container) {
	if !needsCover(p.Pod) {
		return
	}
	c.VolumeMounts = append(c.VolumeMounts, corev1.VolumeMount{Name: noTokenVolume, MountPath: tokenPath, ReadOnly: true})
	if !hasVolume(p.Pod, noTokenVolume) && !slices.ContainsFunc(p.volumes, isCover) {
		// Not an emptyDir: a pod with one keeps the cluster autoscaler from removing its node.
		p.volumes = append(p.volumes, corev1.Volume{Name: noTokenVolume, VolumeSource: corev1.VolumeSource{DownwardAPI: &corev1.DownwardAPIVolumeSource{}}})
	}
}

// refuseVolume refuses where the cover's name is taken by a volume of the user's.
func (p *planner) refuseVolume(e *entry) bool {
	if !needsCover(p.Pod) || slices.ContainsFunc(p.earlier, func(d Decision) bool { return d.Outcome == Injected }) || !hasVolume(p.Pod, noTokenVolume) {
		return false
	}
	p.refuse(e.name, VolumeCollision, "%s: the pod already has a volume %q that Outrider did not add; rename it", e.name, noTokenVolume)
	return true
}

func isCover(v corev1.Volume) bool { return v.Name == noTokenVolume }

func hasVolume(pod *corev1.Pod, name string) bool {
	return slices.ContainsFunc(pod.Spec.Volumes, func(v corev1.Volume) bool { return v.Name == name })
}
