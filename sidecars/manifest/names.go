package manifest

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// missing are the names of before that after has not.
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
