package sidecars

import (
	"cmp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
)

// mountedAt is the folder in which a sidecar's volumes are.
const mountedAt = "/etc/outrider/"

// volumeName is the name of a definition's volume in a pod.
func volumeName(exporter, volume string) string { return ContainerPrefix + exporter + "-" + volume }

// mountVolumes adds the definition's volumes to a sidecar, those that have a
// Secret or ConfigMap here. It refuses where a name is none, or is taken.
func (p *planner) mountVolumes(e *entry, s *shown, added *corev1.Container) ([]corev1.Volume, bool) {
	var volumes []corev1.Volume
	for i := range e.spec.Volumes {
		v := &e.spec.Volumes[i]
		value, whole := expand(cmp.Or(v.Secret, v.ConfigMap), s.values)
		if !whole {
			continue
		}
		named, ok := keyRef(value)
		if !ok {
			p.refuse(e.name, BadValue, "%s: the value for its volume %s names no Secret or ConfigMap; write NAME or NAME/KEY of one in the pod's namespace", e.name, v.Name)
			return nil, false
		}
		name := volumeName(e.name, v.Name)
		if hasVolume(p.Pod, name) {
			p.refuse(e.name, VolumeCollision, "%s: the pod already has a volume %q that Outrider did not add; rename it", e.name, name)
			return nil, false
		}
		volumes = append(volumes, corev1.Volume{Name: name, VolumeSource: source(v, named)})
		added.VolumeMounts = append(added.VolumeMounts, corev1.VolumeMount{Name: name, MountPath: mountedAt + v.Name, ReadOnly: true})
	}
	return volumes, true
}

// source is the Secret or ConfigMap of a volume, optional so that what is
// missing does not keep the pod from starting.
func source(v *v1alpha1.Volume, named corev1.SecretKeySelector) corev1.VolumeSource {
	yes := true
	var items []corev1.KeyToPath
	if v.Key != "" {
		items = []corev1.KeyToPath{{Key: cmp.Or(named.Key, v.Key), Path: v.Key}}
	}
	if v.Secret != "" {
		return corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: named.Name, Items: items, Optional: &yes}}
	}
	return corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: named.LocalObjectReference, Items: items, Optional: &yes}}
}

// isOwnVolume reports whether a volume is one that some of our sidecars were
// given: it has their prefix, and is mounted at its place in one of them.
func isOwnVolume(v corev1.Volume, sidecars []corev1.Container) bool {
	return slices.ContainsFunc(sidecars, func(c corev1.Container) bool {
		name, ok := strings.CutPrefix(v.Name, c.Name+"-")
		return ok && slices.ContainsFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool { return m.Name == v.Name && m.MountPath == mountedAt+name })
	})
}
