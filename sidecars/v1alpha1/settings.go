package v1alpha1

// Parameter is one value that a pod's annotation may set. Where none does, it
// is looked up in the server's container, in the order of the fields From…;
// what is found there and does not match Pattern is passed over. Then come the
// namespace's annotation, Defaults and Default. It must change something: a
// parameter that no argument, variable, volume or endpoint mentions is refused.
type Parameter struct {
	// Name is the part of the annotation key behind the slash. "container",
	// "secret", "profile" and the names of resources have a meaning of their own and are
	// refused.
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	// +kubebuilder:validation:XValidation:rule="!(self in ['container', 'secret', 'profile', 'cpu-request', 'cpu-limit', 'memory-request', 'memory-limit'])",message="container, secret, profile and the names of resources have a meaning of their own"
	Name string `json:"name"`
	// Default is the value where nothing else sets one. An argument or variable
	// that mentions a parameter without a value is left out.
	// +kubebuilder:validation:MaxLength=1024
	Default string `json:"default"`
	// Pattern is a regular expression (RE2) that the whole value must match.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Pattern string `json:"pattern"`
	// Doc is one sentence for users.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Doc string `json:"doc"`
	// FromArgs are flags of the server whose value is taken: of the first flag
	// that is found, the last value. --port stands for --port 6380, --port=6380
	// and -p for -p 6380, -p6380; "-c port" for -c port=6380. ${name} stands for
	// the value of a parameter declared before.
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MaxLength=256
	FromArgs []string `json:"fromArgs,omitempty"`
	// FromEnv are variables of the server's container whose literal value is
	// taken, the first found; ${name} in one stands for the value of a parameter
	// declared before, in upper case.
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MaxLength=256
	FromEnv []string `json:"fromEnv,omitempty"`
	// Part says that flags and variables hold addresses to listen on, such as
	// http://0.0.0.0:2379 or $(POD_IP), several separated by commas or blanks:
	// taken is the host, port or scheme of the one that can be reached.
	// +kubebuilder:validation:Enum=host;port;scheme
	Part string `json:"part,omitempty"`
	// NotScheme is a regular expression (RE2) of the schemes, without regard to
	// case, of addresses that are passed over, such as CONTROLLER of
	// CONTROLLER://:9093. Default none.
	// +kubebuilder:validation:MaxLength=512
	NotScheme string `json:"notScheme,omitempty"`
	// FromSigns give a value where the server's container shows something, the
	// first that applies.
	// +kubebuilder:validation:MaxItems=16
	FromSigns []SignedValue `json:"fromSigns,omitempty"`
	// FromPorts takes a TCP port that the server's container declares: the
	// default if it is among them, else one named in PortNames, else the only
	// one. Several of which none is meant refuse the exporter. Default false.
	FromPorts bool `json:"fromPorts,omitempty"`
	// PortNames are the names of the declared port that is meant, in order; they
	// may follow other words or come before port: http is meant by nginx-http-port.
	// A native entry's own are metrics and what is usual besides.
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MaxLength=63
	PortNames []string `json:"portNames,omitempty"`
	// Defaults take the place of Default where the server's container shows
	// something, such as an image that listens on another port; the first that
	// applies.
	// +kubebuilder:validation:MaxItems=16
	Defaults []SignedValue `json:"defaults,omitempty"`
	// Required refuses the exporter where nothing but Default gives a value.
	// Default false.
	Required bool `json:"required,omitempty"`
}

// SignedValue is the value of a parameter where a server shows something.
type SignedValue struct {
	// +kubebuilder:validation:MaxLength=1024
	Value string `json:"value"`
	// When must all be seen.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	When []Sign `json:"when"`
	// Unless must not be seen, none of them.
	// +kubebuilder:validation:MaxItems=16
	Unless []Sign `json:"unless,omitempty"`
}

// Sign is something that can be seen of a server. Exactly one of Arg, Env,
// Image, Port, Mount, Parameter and Given says where to look.
//
// +kubebuilder:validation:XValidation:rule="[has(self.arg), has(self.env), has(self.image), has(self.port), has(self.mount), has(self.parameter), has(self.given)].filter(x, x).size() == 1",message="a sign is exactly one of arg, env, image, port, mount, parameter and given"
type Sign struct {
	// Arg is a flag on the server's command line, as in FromArgs.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	Arg string `json:"arg,omitempty"`
	// Env is a variable of the server's container.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	Env string `json:"env,omitempty"`
	// Image is the image's base name, or the last two parts of its repository;
	// a tag may follow, and * stands for any text: bitnami*/redis, elasticsearch:8*.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	Image string `json:"image,omitempty"`
	// Port is a pattern of the name under which the server's container declares
	// the port that the parameter port stands for.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	Port string `json:"port,omitempty"`
	// Mount is a folder of which the server's container has a volume: there, below
	// it, or above it.
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:Pattern=`^(/[A-Za-z0-9_.-]+)+$`
	Mount string `json:"mount,omitempty"`
	// Given is a declared parameter that an annotation sets.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Given string `json:"given,omitempty"`
	// Parameter is one declared before, or "secret".
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Parameter string `json:"parameter,omitempty"`
	// Matches is a regular expression (RE2) that the whole value must match,
	// without regard to case. Without it anything but nothing, false, no, off and
	// 0 does; a value that is not in the pod itself does too.
	// +kubebuilder:validation:MaxLength=512
	Matches string `json:"matches,omitempty"`
}

// Effect is what an obstacle does.
//
// +kubebuilder:validation:Enum=refuse;warn;hint;skip
type Effect string

const (
	// Refuse refuses the exporter. The default.
	Refuse Effect = "refuse"
	// Warn lets it be injected, with a warning.
	Warn Effect = "warn"
	// Hint is a Warn about something that is likely and not sure: the API server's
	// policies, which cannot warn, inject it all the same.
	Hint Effect = "hint"
	// Skip leaves the workload alone: there is nothing to monitor.
	Skip Effect = "skip"
)

// Obstacle is a way in which a server can be set up that the exporter cannot
// work with.
type Obstacle struct {
	// When must all be seen. Default: it always applies.
	// +kubebuilder:validation:MaxItems=8
	When []Sign `json:"when,omitempty"`
	// Unless must not be seen, none of them: a parameter that is the way out.
	// +kubebuilder:validation:MaxItems=8
	Unless []Sign `json:"unless,omitempty"`
	// Effect is refuse (the default), warn, hint or skip.
	Effect Effect `json:"effect,omitempty"`
	// Message says what stands in the way and what to do about it, in one sentence.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Message string `json:"message"`
}

// FlagValue is a flag of the server and its value.
type FlagValue struct {
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	Flag string `json:"flag"`
	// +kubebuilder:validation:MaxLength=1024
	Value string `json:"value"`
}

// Socket is how a server is reached by a Unix socket.
type Socket struct {
	// PathFrom is the flag of the server whose value is the socket's path.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	PathFrom string `json:"pathFrom,omitempty"`
	// Without are the flags, with their values, that turn the server's TCP ports
	// off; all of them must be there. Default: PathFrom alone does.
	// +kubebuilder:validation:MaxItems=8
	Without []FlagValue `json:"without,omitempty"`
	// Unless are flags that open a TCP port all the same.
	// +kubebuilder:validation:MaxItems=8
	// +kubebuilder:validation:items:MaxLength=256
	Unless []string `json:"unless,omitempty"`
	// Parameter is the one with which users name the socket's path. Default none.
	// +kubebuilder:validation:MaxLength=63
	Parameter string `json:"parameter,omitempty"`
	// Env and Args take the place of variables of the same name and of arguments
	// of the same flag; ${socket} is the path, ${name} a parameter's value.
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=16
	Env []EnvVar `json:"env,omitempty"`
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MaxLength=1024
	Args []string `json:"args,omitempty"`
}

// Volume is a Secret or ConfigMap of the pod's namespace that is mounted
// read-only into the sidecar, at /etc/outrider/<name>. It is optional for the
// kubelet: what is missing does not keep the pod from starting.
//
// +kubebuilder:validation:XValidation:rule="has(self.secret) != has(self.configMap)",message="a volume is either a secret or a configMap"
type Volume struct {
	// Name is the last part of the path; the pod's volume is named
	// outrider-<exporter>-<name>.
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name"`
	// Secret is the name of a Secret, or ${name} of a parameter that holds it, as
	// NAME or NAME/KEY. Without a value there is no volume.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Secret string `json:"secret,omitempty"`
	// ConfigMap is the same for a ConfigMap.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	ConfigMap string `json:"configMap,omitempty"`
	// Key is the one file in the volume: its key where NAME is given alone, and
	// the file's name always. Default: a file for every key.
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[-._a-zA-Z0-9]+$`
	Key string `json:"key,omitempty"`
}
