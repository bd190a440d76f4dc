package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// APIVersion and Kind stand at the head of every Exporter manifest.
const (
	APIVersion = "outrider.dev/v1alpha1"
	Kind       = "Exporter"
)

// Exporter describes one Prometheus exporter and the workload it belongs to.
// Its name is the word that users write into outrider.dev/inject, the suffix
// of the injected container's name, and the job label of its target.
type Exporter struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec ExporterSpec `json:"spec"`
}

// ExporterSpec is what rides along, and how it is set up.
type ExporterSpec struct {
	// Image is the exporter's image with a pinned tag or a digest. Required.
	Image string `json:"image"`
	// Port is the TCP port on which the exporter serves /metrics. Required.
	Port int32 `json:"port"`
	// UpMetric is the gauge that is 1 while the exporter reaches its workload,
	// for example redis_up. Required.
	UpMetric string `json:"upMetric"`
	// RunAsUser is the numeric user of the container; zero is refused, because
	// Pod Security "restricted" does. Required.
	RunAsUser int64 `json:"runAsUser"`
	// Args of the container. ${name} stands for a parameter's value.
	Args []string `json:"args,omitempty"`
	// Env of the container. ${name} stands for a parameter's value.
	Env []EnvVar `json:"env,omitempty"`
	// Lockdown holds settings that close what the exporter should not offer.
	// They are appended after Args and Env and take no parameters.
	Lockdown Lockdown `json:"lockdown,omitempty"`
	// Parameters are what users may set by annotation, as
	// <exporter>.outrider.dev/<parameter>.
	Parameters []Parameter `json:"parameters,omitempty"`
	// Recognize says how the workload is told from its pod, for
	// outrider.dev/inject: auto and for opted-in namespaces.
	Recognize Recognition `json:"recognize,omitempty"`
	// Resources of the container. Requests and limits of cpu and memory are
	// required: a pod must stay acceptable to a quota and an autoscaler.
	Resources corev1.ResourceRequirements `json:"resources"`
}

// EnvVar is one environment variable with a literal value.
type EnvVar struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Lockdown is what closes an exporter's dangerous features.
type Lockdown struct {
	Args []string `json:"args,omitempty"`
	Env  []EnvVar `json:"env,omitempty"`
}

// Parameter is one value that a pod's annotation may set.
type Parameter struct {
	// Name is the part of the annotation key behind the slash.
	Name string `json:"name"`
	// Default is the value where no annotation sets one.
	Default string `json:"default"`
	// Pattern is a regular expression (RE2) that the whole value must match.
	Pattern string `json:"pattern"`
	// Doc is one sentence for users.
	Doc string `json:"doc"`
}

// Recognition tells a workload from its containers.
type Recognition struct {
	// Images are repository base names: redis matches docker.io/library/redis:7
	// and bitnami/redis@sha256:…, never my-redis-client.
	Images []string `json:"images,omitempty"`
}
