package main

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// newPod returns a pod of the size that pods of a Deployment have, with what the
// ServiceAccount plugin adds to them: its AdmissionReview is of about 9 KB.
func newPod(namespace string, labels, annotations map[string]string) *corev1.Pod {
	yes, mode, lifetime := true, int32(0o644), int64(3607)
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			GenerateName: "checkout-6f7d9c5b8-", Namespace: namespace,
			Labels: map[string]string{
				"app.kubernetes.io/name": "checkout", "app.kubernetes.io/part-of": "shop", "app.kubernetes.io/version": "1.2.3", "pod-template-hash": "6f7d9c5b8",
			},
			Annotations: map[string]string{
				"kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00Z", "checksum/config": strings.Repeat("a", 64),
			},
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "checkout-6f7d9c5b8", UID: "5b0f1a52-3b0c-4d5e-9d1e-0a1b2c3d4e5f", Controller: &yes, BlockOwnerDeletion: &yes,
			}},
		},
		Spec: corev1.PodSpec{
			ServiceAccountName: "checkout",
			Volumes: []corev1.Volume{
				{Name: "config", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "checkout"}}}},
				{Name: "data", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
				{Name: "kube-api-access-x7k2p", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{DefaultMode: &mode, Sources: []corev1.VolumeProjection{
					{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{ExpirationSeconds: &lifetime, Path: "token"}},
					{ConfigMap: &corev1.ConfigMapProjection{LocalObjectReference: corev1.LocalObjectReference{Name: "kube-root-ca.crt"}, Items: []corev1.KeyToPath{{Key: "ca.crt", Path: "ca.crt"}}}},
				}}}},
			},
		},
	}
	for key, value := range labels {
		p.Labels[key] = value
	}
	for key, value := range annotations {
		p.Annotations[key] = value
	}
	p.Spec.Containers = []corev1.Container{newContainer("checkout", "registry.example.com/shop/checkout:1.2.3", 8080), newContainer("proxy", "registry.example.com/shop/proxy:4.5.6", 8443)}
	return p
}

func newContainer(name, image string, port int32) corev1.Container {
	c := corev1.Container{
		Name: name, Image: image, Args: []string{"serve", "--config=/etc/checkout/config.yaml"},
		Ports: []corev1.ContainerPort{{Name: name, ContainerPort: port}},
		Resources: corev1.ResourceRequirements{
			Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("100m"), corev1.ResourceMemory: resource.MustParse("128Mi")},
			Limits:   corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("256Mi")},
		},
		VolumeMounts: []corev1.VolumeMount{
			{Name: "config", MountPath: "/etc/checkout", ReadOnly: true}, {Name: "data", MountPath: "/var/lib/checkout"},
			{Name: "kube-api-access-x7k2p", MountPath: "/var/run/secrets/kubernetes.io/serviceaccount", ReadOnly: true},
		},
		ReadinessProbe: &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/ready", Port: intstr.FromInt32(port)}}},
		LivenessProbe:  &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/healthz", Port: intstr.FromInt32(port)}}},
	}
	for i := range settings {
		c.Env = append(c.Env, corev1.EnvVar{Name: fmt.Sprintf("%s_SETTING_%d", strings.ToUpper(name), i), Value: "a value of ordinary length"})
	}
	return c
}

// settings is how many variables each container has. With it the review of an
// annotated pod is as large as the one that performance is measured with elsewhere.
const settings = 6
