package faults_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// testDiskPressure has a pod fill the disk of its node: the kubelet evicts that one, and none of the apps with exporters, nor
// any pod of the release. Some room is left, without which a kubelet can end no pod.
func testDiskPressure(t *testing.T, e *env) {
	const namespace = "faults-diskpressure"
	node := e.cluster.Nodes()[2]
	eventually(t, func() string { return e.leaving(t.Context(), node) })
	began := time.Now()
	if err := e.cluster.Kill(node); err != nil {
		t.Fatal(err)
	}
	restore, err := e.cluster.SmallDisk(t.Context(), node, "400m")
	if err != nil {
		t.Fatal(err)
	}
	whole := sync.OnceValue(func() error { // also where the test fails: the faults after it need the node
		_ = e.cluster.Kill(node)
		return errors.Join(restore(), e.cluster.Restart(context.Background(), node))
	})
	t.Cleanup(func() {
		if err := whole(); err != nil {
			t.Error(err)
		}
	})
	if err := e.cluster.Restart(t.Context(), node); err != nil {
		t.Fatal(err)
	}
	e.restarted(t, node, began)
	e.namespace(t, namespace, false)
	apps := deployment("beside")
	apps.Spec.Template.Spec.NodeSelector = map[string]string{corev1.LabelHostname: node}
	if _, err := e.client.AppsV1().Deployments(namespace).Create(t.Context(), apps, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := e.applier.Settle(t.Context(), namespace, patience); err != nil {
		t.Fatal(err)
	}
	filler := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "filler"},
		Spec: corev1.PodSpec{
			NodeSelector: apps.Spec.Template.Spec.NodeSelector, RestartPolicy: corev1.RestartPolicyNever,
			Volumes: []corev1.Volume{{Name: "data", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}},
			Containers: []corev1.Container{{
				Name: "filler", Image: redisImage, Command: []string{"sh", "-c", "dd if=/dev/zero of=/data/half bs=1M count=200; sleep 3600"},
				VolumeMounts: []corev1.VolumeMount{{Name: "data", MountPath: "/data"}},
			}},
		},
	}
	if _, err := e.client.CoreV1().Pods(namespace).Create(t.Context(), filler, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	free := e.measured(t, node, filler.Name)
	rest := fmt.Sprintf("count=%d", (free-2<<20)>>10)
	if _, err := e.cluster.Kubectl(t.Context(), "exec", "-n", namespace, filler.Name, "--", "dd", "if=/dev/zero", "of=/data/rest", "bs=1024", rest); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() string {
		pod, err := e.client.CoreV1().Pods(namespace).Get(t.Context(), filler.Name, metav1.GetOptions{})
		if err != nil || pod.Status.Reason != "Evicted" {
			return fmt.Sprintf("the pod that fills the disk is not evicted: %v (%v)", pod.Status.Phase, err)
		}
		return ""
	})
	evicted := e.evicted(t, node, filler.Name)
	c, err := e.counted(t.Context(), namespace)
	if err != nil || c.injected != int(*apps.Spec.Replicas) {
		t.Errorf("%+v of the pods beside it (%v), want %d with an exporter", c, err, *apps.Spec.Replicas)
	}
	say(t, "a pod fills the disk of its node: it is evicted, and of the others there %d", evicted)
	if evicted > 0 {
		t.Errorf("%d other pods were evicted", evicted)
	}
	if err := e.client.AppsV1().Deployments(namespace).Delete(t.Context(), apps.Name, metav1.DeleteOptions{PropagationPolicy: new(metav1.DeletePropagationForeground)}); err != nil {
		t.Fatal(err)
	}
	if err := whole(); err != nil {
		t.Fatal(err)
	}
	e.whole(t)
	e.apps.settle(t)
}

// measured waits until the kubelet knows that a pod uses half of its node's disk, and returns how many bytes are free. It measures
// volumes once a minute, and evicts other pods before it has.
func (e *env) measured(t *testing.T, node, name string) (free int64) {
	t.Helper()
	eventually(t, func() string {
		raw, err := e.client.CoreV1().RESTClient().Get().AbsPath("/api/v1/nodes/" + node + "/proxy/stats/summary").DoRaw(t.Context())
		if err != nil {
			return err.Error()
		}
		var summary struct {
			Node struct {
				FS struct{ AvailableBytes, CapacityBytes int64 }
			}
			Pods []struct {
				PodRef  struct{ Name string }
				Storage struct{ UsedBytes int64 } `json:"ephemeral-storage"`
			}
		}
		if err := json.Unmarshal(raw, &summary); err != nil {
			return err.Error()
		}
		free = summary.Node.FS.AvailableBytes
		for _, pod := range summary.Pods {
			if half := summary.Node.FS.CapacityBytes / 2; pod.PodRef.Name == name && pod.Storage.UsedBytes >= half && free <= half {
				return ""
			}
		}
		return fmt.Sprintf("the kubelet of %s does not know how much %s uses: %s", node, name, raw)
	})
	return free
}

// leaving names a pod of an earlier fault that is still leaving a node, which could not end it without its files; "" is none.
func (e *env) leaving(ctx context.Context, node string) string {
	pods, err := e.client.CoreV1().Pods("").List(ctx, metav1.ListOptions{FieldSelector: "spec.nodeName=" + node})
	if err != nil {
		return err.Error()
	}
	for _, pod := range pods.Items {
		if pod.DeletionTimestamp != nil {
			return fmt.Sprintf("pod %s/%s is leaving %s", pod.Namespace, pod.Name, node)
		}
	}
	return ""
}

// evicted is how many pods of a node were evicted, other than the one of this name.
func (e *env) evicted(t *testing.T, node, but string) int {
	t.Helper()
	pods, err := e.client.CoreV1().Pods("").List(t.Context(), metav1.ListOptions{FieldSelector: "spec.nodeName=" + node})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, pod := range pods.Items {
		if pod.Status.Reason == "Evicted" && pod.Name != but {
			n++
			t.Logf("%s/%s was evicted: %s", pod.Namespace, pod.Name, pod.Status.Message)
		}
	}
	return n
}
