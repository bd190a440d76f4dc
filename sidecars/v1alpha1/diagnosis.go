package v1alpha1

// Diagnosis says how to learn from an exporter why it does not reach its
// workload, so that a wrong password, a missing status page and a closed port
// are distinguished. It changes nothing in a pod.
type Diagnosis struct {
	// ErrorMetric is a series of the exporter with a label that holds its last
	// error, where it has one.
	ErrorMetric *ErrorMetric `json:"errorMetric,omitempty"`
	// Causes are looked for in what the exporter says, of which the kubelet knows
	// some; the last one counts.
	// +kubebuilder:validation:MaxItems=16
	Causes []Cause `json:"causes,omitempty"`
}

// ErrorMetric is a series whose label is an error's text.
type ErrorMetric struct {
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:Pattern=`^[a-zA-Z_:][a-zA-Z0-9_:]*$`
	Name string `json:"name"`
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:Pattern=`^[a-zA-Z_][a-zA-Z0-9_]*$`
	Label string `json:"label"`
}

// Cause is one thing that goes wrong, and the way out.
type Cause struct {
	// Pattern is a regular expression (RE2) that matches anywhere in a text of
	// the exporter, without regard to case.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Pattern string `json:"pattern"`
	// Cause in a few words, such as: authentication failed. The text that
	// matched is never shown, because it may hold a secret.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	Cause string `json:"cause"`
	// Remedy is what the user can do about it, in one sentence.
	// +kubebuilder:validation:MaxLength=512
	Remedy string `json:"remedy,omitempty"`
}
