// +kubebuilder:object:generate=true
// +groupName=outrider.dev

package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Exporter describes one Prometheus exporter and the workload it belongs to.
// Its name is the word that users write into outrider.dev/inject, the suffix
// of the injected container's name, and the job label of its target.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:scope=Cluster,shortName=oexp
// +kubebuilder:subresource:status
// +kubebuilder:printcolumn:name=Type,type=string,JSONPath=`.spec.type`
// +kubebuilder:printcolumn:name=Image,type=string,JSONPath=`.spec.image`
// +kubebuilder:printcolumn:name=Port,type=integer,JSONPath=`.spec.port`
// +kubebuilder:printcolumn:name=Ready,type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name=Missed,type=integer,priority=1,JSONPath=`.status.coverage.missed`
// +kubebuilder:printcolumn:name=Down,type=integer,priority=1,JSONPath=`.status.coverage.down`
// +kubebuilder:printcolumn:name=Age,type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name=Message,type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
// +kubebuilder:validation:XValidation:rule="self.metadata.name.size() <= 54 && self.metadata.name.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",message="metadata.name names a container behind outrider-: at most 54 lower case letters, digits and dashes, no dots"
// +kubebuilder:validation:XValidation:rule="!(self.metadata.name in ['auto', 'false'])",message="metadata.name: auto and false have a meaning of their own in outrider.dev/inject"
type Exporter struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   ExporterSpec   `json:"spec"`
	Status ExporterStatus `json:"status,omitzero"`
}

// ExporterList is a list of Exporters.
//
// +kubebuilder:object:root=true
type ExporterList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []Exporter `json:"items"`
}

// ExporterType says how a workload comes by its metrics.
//
// +kubebuilder:validation:Enum=sidecar;native
type ExporterType string

const (
	// Sidecar is an exporter that is injected as a container. The default.
	Sidecar ExporterType = "sidecar"
	// Native is a workload that serves metrics itself: nothing is injected, the
	// pod is only made known to Prometheus.
	Native ExporterType = "native"
)

// ExporterSpec is what is injected, and how it is set up.
//
// +kubebuilder:validation:XValidation:rule="self.type == 'native' || has(self.image)",message="a sidecar needs an image",fieldPath=.image
// +kubebuilder:validation:XValidation:rule="self.type == 'native' || has(self.runAsUser)",message="a sidecar needs a runAsUser above zero, or Pod Security restricted refuses its pods",fieldPath=.runAsUser
// +kubebuilder:validation:XValidation:rule="self.type == 'native' || has(self.resources) && ['cpu', 'memory'].all(r, has(self.resources.requests) && r in self.resources.requests && has(self.resources.limits) && r in self.resources.limits)",message="a sidecar needs requests and limits of cpu and memory",fieldPath=.resources
// +kubebuilder:validation:XValidation:rule="self.type != 'native' || !has(self.image) && !has(self.runAsUser) && !has(self.command) && !has(self.args) && !has(self.env) && !has(self.secretEnv) && !has(self.credentials) && !has(self.lockdown) && !has(self.essential) && !has(self.socket) && !has(self.volumes) && !has(self.resources) && !has(self.sampleLimit)",message="a native entry has no container: image, runAsUser, command, args, env, secretEnv, credentials, lockdown, essential, socket, volumes, resources and sampleLimit must not be set"
// +kubebuilder:validation:XValidation:rule="self.type == 'native' || !has(self.path) || self.path == '/metrics'",message="only a native entry has a path; a sidecar serves /metrics",fieldPath=.path
type ExporterSpec struct {
	// Type of the entry: sidecar (the default) or native. A native entry has a
	// port, a path and a way to be recognized, and nothing that makes a container.
	// +kubebuilder:default=sidecar
	Type ExporterType `json:"type,omitempty"`
	// Image is the exporter's image with a pinned tag or a digest. Required for
	// a sidecar.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^[^@: ]+(:[0-9]+/[^@: ]+)?(:[a-zA-Z0-9_][a-zA-Z0-9_.-]*)?@sha256:[0-9a-f]{64}$') || self.matches('^[^@: ]+(:[0-9]+/[^@: ]+)?:[a-zA-Z0-9_][a-zA-Z0-9_.-]*$') && !self.endsWith(':latest')",message="the image must be pinned: a tag other than latest, or a sha256 digest"
	Image string `json:"image,omitempty"`
	// Port is the TCP port on which metrics are served. Required.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	Port int32 `json:"port"`
	// Path of the metrics of a native entry. Default /metrics, which is where a
	// sidecar always serves them.
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:Pattern=`^/[A-Za-z0-9/_.~-]*$`
	Path string `json:"path,omitempty"`
	// UpMetric is the series that shows that the workload is reached: the gauge
	// that is 1 while the exporter reaches it, for example redis_up, or for a
	// native entry any series it always has. Required.
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:Pattern=`^[a-zA-Z_:][a-zA-Z0-9_:]*$`
	UpMetric string `json:"upMetric"`
	// RunAsUser is the numeric user of the container; zero is refused, because
	// Pod Security "restricted" does. Required for a sidecar.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=2147483647
	RunAsUser int64 `json:"runAsUser,omitempty"`
	// Command of the container. Default: the image's own. ${name} as in Args.
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MaxLength=1024
	Command []string `json:"command,omitempty"`
	// Args of the container. ${name} stands for a parameter's value, ${name:+text}
	// for the text where the parameter has a value that is not false, $(NAME) for a
	// variable of Env or of the credentials, as everywhere in Kubernetes. An
	// argument that mentions a parameter without a value, or is empty, is left out.
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=1024
	Args []string `json:"args,omitempty"`
	// Env of the container, after the credentials. ${name} and $(NAME) as in Args.
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=64
	Env []EnvVar `json:"env,omitempty"`
	// SecretEnv are variables from Secrets that parameters name, such as an API key.
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=8
	SecretEnv []SecretEnv `json:"secretEnv,omitempty"`
	// Lockdown holds settings that close what the exporter should not offer.
	// They are appended after Args and Env and take no parameters.
	Lockdown Lockdown `json:"lockdown,omitzero"`
	// Essential holds what the profile essential adds after Args and Env: settings
	// by which the exporter leaves out what neither rules nor dashboards ask for.
	// They take no parameters.
	Essential Essential `json:"essential,omitzero"`
	// Parameters are what users may set by annotation, as
	// <exporter>.outrider.dev/<parameter>.
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=32
	Parameters []Parameter `json:"parameters,omitempty"`
	// Credentials say what the exporter logs in with. Default: it does not.
	Credentials *Credentials `json:"credentials,omitempty"`
	// Obstacles are ways to set up the server that the exporter cannot work with.
	// +kubebuilder:validation:MaxItems=16
	Obstacles []Obstacle `json:"obstacles,omitempty"`
	// Volumes are Secrets and ConfigMaps that are mounted into the sidecar.
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=8
	Volumes []Volume `json:"volumes,omitempty"`
	// Socket is how the server is reached where it listens on a Unix socket and
	// on no TCP port, or where a parameter says so. Its folder must be a volume of the server's container.
	Socket *Socket `json:"socket,omitempty"`
	// ArgsEnv are variables of the server's container whose value its image adds to
	// the server's command line, such as MYSQL_EXTRA_FLAGS: flags are looked for
	// in them too.
	// +kubebuilder:validation:MaxItems=8
	// +kubebuilder:validation:items:MaxLength=256
	ArgsEnv []string `json:"argsEnv,omitempty"`
	// Recognize says how the workload is recognized from its pod, for
	// outrider.dev/inject: auto and for opted-in namespaces.
	Recognize Recognition `json:"recognize,omitzero"`
	// OncePerSet is for exporters that report on a whole cluster: they are
	// injected into the first pod of a StatefulSet only, and into the pods of a
	// Deployment with a warning. Default false.
	OncePerSet bool `json:"oncePerSet,omitempty"`
	// Resources of the container. Requests and limits of cpu and memory are
	// required for a sidecar: a pod must stay acceptable to a quota and an
	// autoscaler.
	Resources corev1.ResourceRequirements `json:"resources,omitzero"`
	// SampleLimit is how many samples one scrape of a sidecar may bring; a scrape with
	// more fails, and no other. Prometheus limits jobs and not targets, so there are
	// three to choose from: take the first that a large server does not reach. A pod
	// with several exporters has the largest of their limits. A namespace's budget does
	// not lower it: beyond a limit all samples are lost, beyond a budget those outside
	// the profile essential. Default 100000.
	// +kubebuilder:validation:Enum=5000;20000;100000
	SampleLimit int32 `json:"sampleLimit,omitempty"`
	// Grant says how the least account that the exporter needs is made. Default: not
	// known, or it needs none.
	Grant *Grant `json:"grant,omitempty"`
	// Cost is what the exporter is expected to take. Default unknown.
	Cost *Cost `json:"cost,omitempty"`
	// Diagnosis says how to learn why the exporter does not reach its workload.
	Diagnosis Diagnosis `json:"diagnosis,omitzero"`
}

// EnvVar is one environment variable with a literal value.
type EnvVar struct {
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:Pattern=`^[-._a-zA-Z][-._a-zA-Z0-9]*$`
	Name string `json:"name"`
	// +kubebuilder:validation:MaxLength=4096
	Value string `json:"value"`
}

// SecretEnv is one environment variable from a key of a Secret. It is left out
// where there is none.
type SecretEnv struct {
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:Pattern=`^[-._a-zA-Z][-._a-zA-Z0-9]*$`
	Name string `json:"name"`
	// Secret is ${name} of a parameter that holds NAME or NAME/KEY.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Secret string `json:"secret"`
	// Key is the one where the parameter names none.
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[-._a-zA-Z0-9]+$`
	Key string `json:"key"`
}

// Lockdown is what closes an exporter's dangerous features.
type Lockdown struct {
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=1024
	Args []string `json:"args,omitempty"`
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=64
	Env []EnvVar `json:"env,omitempty"`
}

// Essential is what makes an exporter serve less.
type Essential struct {
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=1024
	Args []string `json:"args,omitempty"`
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=64
	Env []EnvVar `json:"env,omitempty"`
}

// Recognition tells a workload from its containers. An image, or a program, is
// enough; a port is where a name says the same. What contradicts is named: a
// program that is not listed anywhere contradicts nothing.
type Recognition struct {
	// Images are repository base names: redis matches docker.io/library/redis:7,
	// bitnami/redis@sha256:… and sclorg/redis-6-c9s, never my-redis-client. They
	// also name containers and ports.
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=128
	// +kubebuilder:validation:items:Pattern=`^[a-z0-9]+([._-]+[a-z0-9]+)*$`
	Images []string `json:"images,omitempty"`
	// Tagged are images that are several things, each with the word of the tag
	// that says which: php:fpm matches php:8.4-fpm-alpine, *:fpm any image with
	// that word that is not known otherwise.
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MaxLength=192
	// +kubebuilder:validation:items:Pattern=`^([a-z0-9]+([._-]+[a-z0-9]+)*|\*):[a-z0-9]+$`
	Tagged []string `json:"tagged,omitempty"`
	// Ports are the workload's usual TCP ports. They count where the container,
	// the port or the image also has one of the Images as its name, or ends in
	// one: tcp-redis, my-redis-master.
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:Minimum=1
	// +kubebuilder:validation:items:Maximum=65535
	Ports []int32 `json:"ports,omitempty"`
	// Commands are the base names of the programs that are the server, whatever
	// the image.
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MaxLength=128
	// +kubebuilder:validation:items:Pattern=`^[-._a-zA-Z0-9]+$`
	Commands []string `json:"commands,omitempty"`
	// NotCommands are the base names of programs of the same images that are not
	// the server, such as a client or a backup.
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=128
	// +kubebuilder:validation:items:Pattern=`^[-._a-zA-Z0-9]+$`
	NotCommands []string `json:"notCommands,omitempty"`
	// Env are variables that only the server reads, such as PGDATA. One counts as
	// much as a name, beside a usual port.
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MaxLength=128
	// +kubebuilder:validation:items:Pattern=`^[-._a-zA-Z][-._a-zA-Z0-9]*$`
	Env []string `json:"env,omitempty"`
	// NotArgs are words among the arguments of containers that are not the
	// server, such as --sentinel.
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MaxLength=256
	// +kubebuilder:validation:items:Pattern=`^[^\n]+$`
	NotArgs []string `json:"notArgs,omitempty"`
	// NotEnv are variables with their values of containers that are not the
	// server, such as SENTINEL=true.
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MaxLength=256
	// +kubebuilder:validation:items:Pattern=`^[-._a-zA-Z][-._a-zA-Z0-9]*=[^\n]*$`
	NotEnv []string `json:"notEnv,omitempty"`
	// NotPorts are ports of containers that are not the server, where they
	// declare no other: 26379 is a sentinel's.
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:Minimum=1
	// +kubebuilder:validation:items:Maximum=65535
	NotPorts []int32 `json:"notPorts,omitempty"`
	// Exporters are repository base names of exporters for this workload that do
	// not have exporter and one of the Images in their names: a pod that carries
	// one already is left alone.
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MaxLength=128
	// +kubebuilder:validation:items:Pattern=`^[a-z0-9]+([._-]+[a-z0-9]+)*$`
	Exporters []string `json:"exporters,omitempty"`
}
