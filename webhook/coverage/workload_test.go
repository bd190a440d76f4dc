package coverage

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func owned(kind, owner, pod string, labels map[string]string) *metav1.ObjectMeta {
	m := &metav1.ObjectMeta{Namespace: "shop", Name: pod, UID: "pod", Labels: labels}
	if kind != "" {
		yes := true
		m.OwnerReferences = []metav1.OwnerReference{{Kind: "ConfigMap", Name: "no-controller"}, {Kind: kind, Name: owner, UID: "owner", Controller: &yes}}
	}
	return m
}

func TestWorkloadOf(t *testing.T) {
	hash := map[string]string{"pod-template-hash": "7d9c"}
	revisions := map[string]string{"controller-revision-hash": "db-5f"}
	for name, tc := range map[string]struct {
		pod                *metav1.ObjectMeta
		kind, of, revision string
		regarded           corev1.ObjectReference
	}{
		"bare pod":          {owned("", "", "redis", nil), "Pod", "redis", "pod", corev1.ObjectReference{Kind: "Pod", Name: "redis", UID: "pod"}},
		"static pod":        {owned("Node", "node-a", "etcd-node-a", nil), "Pod", "etcd-node-a", "pod", corev1.ObjectReference{Kind: "Pod", Name: "etcd-node-a", UID: "pod"}},
		"Deployment":        {owned("ReplicaSet", "web-7d9c", "web-7d9c-x2", hash), "Deployment", "web", "7d9c", corev1.ObjectReference{Kind: "ReplicaSet", Name: "web-7d9c", UID: "owner"}},
		"ReplicaSet alone":  {owned("ReplicaSet", "web", "web-x2", nil), "ReplicaSet", "web", "owner", corev1.ObjectReference{Kind: "ReplicaSet", Name: "web", UID: "owner"}},
		"hash of another's": {owned("ReplicaSet", "web-0000", "web-0000-x2", hash), "ReplicaSet", "web-0000", "7d9c", corev1.ObjectReference{Kind: "ReplicaSet", Name: "web-0000", UID: "owner"}},
		"DaemonSet":         {owned("DaemonSet", "agent", "agent-0", revisions), "DaemonSet", "agent", "db-5f", corev1.ObjectReference{Kind: "DaemonSet", Name: "agent", UID: "owner"}},
		"first of a set":    {owned("StatefulSet", "db", "db-0", revisions), "StatefulSet", "db", "db-5f first", corev1.ObjectReference{Kind: "StatefulSet", Name: "db", UID: "owner"}},
		"second of a set":   {owned("StatefulSet", "db", "db-1", revisions), "StatefulSet", "db", "db-5f", corev1.ObjectReference{Kind: "StatefulSet", Name: "db", UID: "owner"}},
		"Job":               {owned("Job", "backup-28", "backup-28-x", nil), "Job", "backup-28", "owner", corev1.ObjectReference{Kind: "Job", Name: "backup-28", UID: "owner"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got, want := workloadOf(tc.pod), (Workload{"shop", tc.kind, tc.of}); got != want {
				t.Errorf("workload %v, want %v", got, want)
			}
			if got := revision(tc.pod); got != tc.revision {
				t.Errorf("revision %q, want %q", got, tc.revision)
			}
			r := regarded(tc.pod)
			if r.Kind != tc.regarded.Kind || r.Name != tc.regarded.Name || r.UID != tc.regarded.UID || r.Namespace != "shop" {
				t.Errorf("event on %+v, want on %+v", r, tc.regarded)
			}
			before := workloadOf(tc.pod)
			slimMetadata(tc.pod)
			if workloadOf(tc.pod) != before || revision(tc.pod) != tc.revision || regarded(tc.pod) != r {
				t.Error("slimming loses what is read")
			}
		})
	}
}
