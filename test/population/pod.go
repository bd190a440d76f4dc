package population

import (
	"fmt"
	"strings"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/outrider-dev/outrider/sidecars"
)

const (
	// Replicas is how many pods a Deployment has.
	Replicas = 10
	// Every is of how many Deployments one is monitored.
	Every = 20
	// Nodes is how many nodes the pods are on.
	Nodes = 50
)

// catalog is read once: that takes longer than all else about a pod.
var catalog = sync.OnceValue(sidecars.Builtin)

// Monitored says whether the pod of this number is one that is monitored.
func Monitored(i int) bool { return i/Replicas%Every == 0 }

// Count is how many of the first n pods are monitored.
func Count(n int) int {
	whole := Replicas * Every
	return n/whole*Replicas + min(n%whole, Replicas)
}

// Pod returns the pod of a number, of a Deployment, and in an injected form where it is monitored.
func Pod(ns string, i int) *corev1.Pod {
	deployment, hash, yes := deployment(i), hash(i), true
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: ns, Name: name(i),
			Labels: map[string]string{
				appsv1.DefaultDeploymentUniqueLabelKey: hash, "app.kubernetes.io/name": deployment, "app.kubernetes.io/part-of": "shop",
				"app.kubernetes.io/version": "1.2.3", "team": "checkout", "environment": "production",
			},
			Annotations:     map[string]string{"kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00Z", "checksum/config": strings.Repeat("a", 64), "example.org/note": strings.Repeat("x", 300)},
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: deployment + "-" + hash, UID: "5b0f1a52-3b0c-4d5e-9d1e-0a1b2c3d4e5f", Controller: &yes}},
		},
		Spec: corev1.PodSpec{NodeName: node(i % Nodes)},
	}
	image := "example.org/checkout:1.2.3"
	if Monitored(i) {
		image = "redis:7"
		p.Annotations[sidecars.InjectKey] = "redis"
		p.Labels[sidecars.RequestedKey] = sidecars.RequestedByPolicy // as the API server's policy writes it
		p.Annotations["prometheus.io/scrape"], p.Annotations["prometheus.io/port"] = "true", "9121"
	}
	for j := range 2 {
		c := corev1.Container{Name: fmt.Sprintf("app-%d", j), Image: image, Ports: []corev1.ContainerPort{{Name: fmt.Sprintf("http-%d", j), ContainerPort: int32(8080 + j)}}}
		for k := range 15 {
			c.Env = append(c.Env, corev1.EnvVar{Name: fmt.Sprintf("SETTING_%d", k), Value: "a value of ordinary length"})
		}
		p.Spec.Containers = append(p.Spec.Containers, c)
		image = "example.org/proxy:1"
	}
	if Monitored(i) {
		p = sidecars.NewPlan(sidecars.Input{Pod: p}, catalog()).Apply(p)
	}
	return p
}

// Running is the status that a kubelet gives a pod that was created, once its containers all run, on this address.
func Running(p *corev1.Pod, address string, since time.Time) corev1.PodStatus {
	at := metav1.NewTime(since.Truncate(time.Second))
	status := corev1.PodStatus{Phase: corev1.PodRunning, HostIP: "127.0.0.1", PodIP: address, StartTime: &at, QOSClass: p.Status.QOSClass}
	for _, kind := range []corev1.PodConditionType{"PodReadyToStartContainers", corev1.PodInitialized, corev1.PodReady, corev1.ContainersReady, corev1.PodScheduled} {
		status.Conditions = append(status.Conditions, corev1.PodCondition{Type: kind, Status: corev1.ConditionTrue, LastTransitionTime: at})
	}
	yes := true
	for j, c := range p.Spec.Containers {
		status.ContainerStatuses = append(status.ContainerStatuses, corev1.ContainerStatus{
			Name: c.Name, Image: c.Image, Ready: true, Started: &yes,
			ImageID:     "example.org/image@sha256:" + strings.Repeat(fmt.Sprint(j), 64),
			ContainerID: "containerd://" + strings.Repeat(fmt.Sprint(j), 64),
			State:       corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: at}},
		})
	}
	return status
}

// Address is the one of the pod of a number, on the loopback network, where nobody listens.
func Address(i int) string { return fmt.Sprintf("127.%d.%d.%d", 64+i>>16, i>>8&255, i&255) }

func deployment(i int) string { return fmt.Sprintf("checkout-service-%d", i/Replicas) }

// hash is what a ReplicaSet adds to the name of its Deployment.
func hash(i int) string { return fmt.Sprintf("%09x", 7919*(i/Replicas)) }

func name(i int) string { return fmt.Sprintf("%s-%s-%05d", deployment(i), hash(i), i) }

func node(i int) string { return fmt.Sprintf("node-%d", i) }
