package discovery

import (
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/util/strutil"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// meta prefixes the labels that Prometheus' Kubernetes discovery gives to what it finds.
const meta = "__meta_kubernetes_"

// podLabels are the discovered labels that all of a pod's targets share.
func podLabels(pod *corev1.Pod) map[string]string {
	ls := map[string]string{
		meta + "namespace":     pod.Namespace,
		meta + "pod_name":      pod.Name,
		meta + "pod_uid":       string(pod.UID),
		meta + "pod_ip":        pod.Status.PodIP,
		meta + "pod_host_ip":   pod.Status.HostIP,
		meta + "pod_node_name": pod.Spec.NodeName,
		meta + "pod_phase":     string(pod.Status.Phase),
		meta + "pod_ready":     ready(pod),
	}
	addMap(ls, "pod_label", pod.Labels)
	addMap(ls, "pod_annotation", pod.Annotations)
	if c := metav1.GetControllerOfNoCopy(pod); c != nil {
		ls[meta+"pod_controller_kind"] = c.Kind
		ls[meta+"pod_controller_name"] = c.Name
	}
	return ls
}

// portLabels are the discovered labels of each of a pod's candidate targets: one for each port of each container, and
// one for each container without ports.
func portLabels(pod *corev1.Pod) []map[string]string {
	var all []map[string]string
	add := func(containers []corev1.Container, statuses []corev1.ContainerStatus, init bool) {
		for _, c := range containers {
			all = append(all, containerLabels(pod.Status.PodIP, c, statuses, init)...)
		}
	}
	add(pod.Spec.Containers, pod.Status.ContainerStatuses, false)
	add(pod.Spec.InitContainers, pod.Status.InitContainerStatuses, true)
	return all
}

func containerLabels(ip string, c corev1.Container, statuses []corev1.ContainerStatus, init bool) []map[string]string {
	base := func(address string) map[string]string {
		return map[string]string{
			model.AddressLabel:           address,
			meta + "pod_container_name":  c.Name,
			meta + "pod_container_image": c.Image,
			meta + "pod_container_id":    containerID(statuses, c.Name),
			meta + "pod_container_init":  strconv.FormatBool(init),
		}
	}
	if len(c.Ports) == 0 {
		return []map[string]string{base(ip)}
	}
	all := make([]map[string]string, 0, len(c.Ports))
	for _, p := range c.Ports {
		number := strconv.Itoa(int(p.ContainerPort))
		ls := base(net.JoinHostPort(ip, number))
		ls[meta+"pod_container_port_name"] = p.Name
		ls[meta+"pod_container_port_number"] = number
		ls[meta+"pod_container_port_protocol"] = string(p.Protocol)
		all = append(all, ls)
	}
	return all
}

func containerID(statuses []corev1.ContainerStatus, name string) string {
	i := slices.IndexFunc(statuses, func(s corev1.ContainerStatus) bool { return s.Name == name })
	if i < 0 {
		return ""
	}
	return statuses[i].ContainerID
}

// addMap adds a pod's labels or annotations, and for each that it is present. Where two keys become the same label
// name, either may win, as in Prometheus.
func addMap(ls map[string]string, kind string, m map[string]string) {
	for k, v := range m {
		name := strutil.SanitizeLabelName(k)
		ls[meta+kind+"_"+name] = v
		ls[meta+kind+"present_"+name] = "true"
	}
}

func ready(pod *corev1.Pod) string {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady {
			return strings.ToLower(string(c.Status))
		}
	}
	return "unknown"
}
