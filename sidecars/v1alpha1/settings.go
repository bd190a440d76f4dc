package v1alpha1

// Parameter is one value that a pod's annotation may set. Where none does, it
// is looked up in the server's container, in the order of the fields From…;
// what is found there and does not match Pattern is passed over.
type Parameter struct {
	// Name is the part of the annotation key behind the slash. "container" and
	// "secret" have a meaning of their own and are refused.
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	// +kubebuilder:validation:XValidation:rule="!(self in ['container', 'secret'])",message="container and secret have a meaning of their own"
	Name string `json:"name"`
	// Default is the value where nothing else sets one.
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
	// FromArgs are flags of the server whose value is taken, the first found:
	// --port 6380 or --port=6380.
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MaxLength=256
	FromArgs []string `json:"fromArgs,omitempty"`
	// FromEnv are variables of the server's container whose literal value is
	// taken, the first found.
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MaxLength=256
	FromEnv []string `json:"fromEnv,omitempty"`
	// FromFlags give a value where the server has a flag.
	// +kubebuilder:validation:MaxItems=16
	FromFlags []FlagValue `json:"fromFlags,omitempty"`
	// FromPorts takes the server's declared TCP port, where it declares one
	// only and not the default. Default false.
	FromPorts bool `json:"fromPorts,omitempty"`
}

// FlagValue is the value of a parameter where the server has a flag.
type FlagValue struct {
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	Flag string `json:"flag"`
	// +kubebuilder:validation:MaxLength=1024
	Value string `json:"value"`
}

// Socket is how a server is reached that has no TCP port.
type Socket struct {
	// PathFrom is the flag of the server whose value is the socket's path.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	PathFrom string `json:"pathFrom"`
	// Without are the flags, with their values, that turn the server's TCP ports
	// off; all of them must be there.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	Without []FlagValue `json:"without"`
	// Unless are flags that open a TCP port all the same.
	// +kubebuilder:validation:MaxItems=8
	// +kubebuilder:validation:items:MaxLength=256
	Unless []string `json:"unless,omitempty"`
	// Env takes the place of variables of the same name; ${socket} is the path.
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Env []EnvVar `json:"env"`
}

// Credential is one thing the exporter logs in with. It is passed by reference:
// a variable of the server's container that comes from a Secret is reused, and
// the annotation <exporter>.outrider.dev/secret: name[/key] names another.
//
// +kubebuilder:validation:XValidation:rule="!has(self.default) || has(self.public) && self.public",message="only a public credential may have a default",fieldPath=.default
type Credential struct {
	// Env is the exporter's variable that takes it.
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:Pattern=`^[-._a-zA-Z][-._a-zA-Z0-9]*$`
	Env string `json:"env"`
	// FromEnv are variables of the server's container, the first found. One
	// that ends in _FILE names a file of a mounted Secret.
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MaxLength=256
	FromEnv []string `json:"fromEnv,omitempty"`
	// FromArgs are flags of the server whose value is $(VARIABLE).
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MaxLength=256
	FromArgs []string `json:"fromArgs,omitempty"`
	// SecretKey is the key in a Secret that is named without one, and marks the
	// credential that the annotation is about.
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[-._a-zA-Z0-9]+$`
	SecretKey string `json:"secretKey,omitempty"`
	// Public says that it is no secret, such as a user's name: a literal value
	// is copied. Default false: a literal is never copied, and refuses the exporter.
	Public bool `json:"public,omitempty"`
	// Default is the value of a public credential that is not found. ${name}
	// stands for a parameter's value.
	// +kubebuilder:validation:MaxLength=1024
	Default string `json:"default,omitempty"`
	// Required refuses the exporter where the credential is not found. Default false.
	Required bool `json:"required,omitempty"`
}
