package sidecars

import (
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Workload is a kind of Kubernetes' own that holds a pod template.
type Workload struct {
	schema.GroupVersionKind
	// Resource is the kind's name in paths of the API.
	Resource string
	// Template is where the pod template is, such as spec, template.
	Template []string
}

// workloads returns the kinds with a pod template. Other kinds, such as those of
// custom resources, are known by the shape of their objects.
func workloads() []Workload {
	spec := []string{"spec", "template"}
	return []Workload{
		{schema.GroupVersionKind{Version: "v1", Kind: "PodTemplate"}, "podtemplates", []string{"template"}},
		{schema.GroupVersionKind{Version: "v1", Kind: "ReplicationController"}, "replicationcontrollers", spec},
		{schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}, "deployments", spec},
		{schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "ReplicaSet"}, "replicasets", spec},
		{schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "StatefulSet"}, "statefulsets", spec},
		{schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "DaemonSet"}, "daemonsets", spec},
		{schema.GroupVersionKind{Group: "batch", Version: "v1", Kind: "Job"}, "jobs", spec},
		{schema.GroupVersionKind{Group: "batch", Version: "v1", Kind: "CronJob"}, "cronjobs", []string{"spec", "jobTemplate", "spec", "template"}},
	}
}

// WorkloadOf finds the workload of a kind; false where it is none.
func WorkloadOf(kind schema.GroupVersionKind) (Workload, bool) {
	all := workloads()
	i := slices.IndexFunc(all, func(w Workload) bool { return w.GroupVersionKind == kind })
	if i < 0 {
		return Workload{}, false
	}
	return all[i], true
}

// GroupVersionResource is where the API server serves the workload's objects.
func (w Workload) GroupVersionResource() schema.GroupVersionResource {
	return w.GroupVersion().WithResource(w.Resource)
}
