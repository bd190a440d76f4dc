package sidecars

// Outcome is what became of one request or key.
type Outcome string

// The outcomes of a Decision.
const (
	Injected   Outcome = "injected"   // the exporter is injected
	Discovered Outcome = "discovered" // the pod serves metrics itself and is made known to Prometheus
	Refused    Outcome = "refused"    // it was asked for and is not injected, see the Reason
	Skipped    Outcome = "skipped"    // nothing was to be done
	Ignored    Outcome = "ignored"    // an annotation has no effect
)

// Reason is why, as one word for machines: it is a label of a metric, the
// reason of an event, and never changes its meaning.
type Reason string

// The reasons of a Decision.
const (
	Annotated            Reason = "Annotated"            // the pod's annotation names the exporter
	Recognized           Reason = "Recognized"           // a container's image belongs to the exporter's workload
	Attached             Reason = "Attached"             // the exporter was attached to the running pod
	NotRecognized        Reason = "NotRecognized"        // no container's image belongs to any workload of the catalog
	UnknownExporter      Reason = "UnknownExporter"      // no exporter of that name
	UnknownKey           Reason = "UnknownKey"           // no such key under the domain
	UnknownParameter     Reason = "UnknownParameter"     // the exporter declares no such parameter
	UnusedParameter      Reason = "UnusedParameter"      // a parameter of an exporter that is not injected
	BadValue             Reason = "BadValue"             // a value does not match its pattern
	NotAllowed           Reason = "NotAllowed"           // the namespace's lists leave the recognized exporter out
	AlreadyMonitored     Reason = "AlreadyMonitored"     // the pod carries an exporter for the workload
	Ambiguous            Reason = "Ambiguous"            // several containers run the workload
	LiteralCredential    Reason = "LiteralCredential"    // the pod holds a password in plain text
	MissingCredential    Reason = "MissingCredential"    // nothing shows what the exporter logs in with
	UnfollowedCredential Reason = "UnfollowedCredential" // the pod has a password that cannot be followed to a Secret
	OtherAccount         Reason = "OtherAccount"         // the password in the pod is not that of the user who is named, or needed
	UnknownSetting       Reason = "UnknownSetting"       // the pod does not show a setting that the exporter needs
	Unsupported          Reason = "Unsupported"          // the server is set up in a way that the exporter cannot work with
	OncePerSet           Reason = "OncePerSet"           // the exporter is injected into the first pod of a set only
	ComparingOwner       Reason = "ComparingOwner"       // the pod's owner would delete it if anything were added
	NameCollision        Reason = "NameCollision"        // the pod has a container of the sidecar's name
	PortCollision        Reason = "PortCollision"        // the exporter's port is taken in the pod
	VolumeCollision      Reason = "VolumeCollision"      // the pod has a volume of the name that the sidecar needs
	SocketNotShared      Reason = "SocketNotShared"      // the server has a Unix socket only, in no volume
	Suspended            Reason = "Suspended"            // the exporter does not work at present, and its injection is suspended
	OverBudget           Reason = "OverBudget"           // a LimitRange or quota leaves no room for the sidecar
	BudgetExhausted      Reason = "BudgetExhausted"      // the namespace has used up its budget of series
	TooLarge             Reason = "TooLarge"             // the pod has no room for additions
	HostNetwork          Reason = "HostNetwork"          // the exporter's port would open on the node
	UnsupportedOS        Reason = "UnsupportedOS"        // the pod is not for Linux
	NoContainers         Reason = "NoContainers"         // the pod has no container, and an exporter must not make it one that has
	MirrorPod            Reason = "MirrorPod"            // the pod mirrors a static pod of a kubelet
	WouldNotComplete     Reason = "WouldNotComplete"     // a plain container would keep the pod from ending
	LeftByPolicies       Reason = "LeftByPolicies"       // the API server's policies leave the pod, and there is no webhook
)

// Decision is the answer to one request, or about one annotation.
type Decision struct {
	// Exporter is the exporter's name as it was asked for; empty where the
	// decision is about a key.
	Exporter string `json:"exporter,omitempty"`
	// Key is the annotation that the decision is about; empty where the
	// decision is about an exporter as such.
	Key     string  `json:"key,omitempty"`
	Outcome Outcome `json:"outcome"`
	Reason  Reason  `json:"reason"`
	// Definition is the hash of the injected definition, 8 hexadecimal digits.
	Definition string `json:"definition,omitempty"`
	// Endpoint is where a native workload serves metrics, as it stands in the
	// scrape annotation.
	Endpoint string `json:"endpoint,omitempty"`
	// Profile is essential where Prometheus does not keep all that the exporter
	// serves.
	Profile Profile `json:"profile,omitempty"`
	// Message is one sentence for the user, with the way out. It is empty for
	// an injection that needs no explanation.
	Message string `json:"message,omitempty"`

	earlier bool // carried over from an earlier admission
}

// New reports whether the decision was made now, and not by an earlier
// admission of the same pod.
func (d Decision) New() bool { return !d.earlier }

// Warns reports whether the user should be told: something that was asked for
// did not happen.
func (d Decision) Warns() bool {
	return d.Outcome == Refused || d.Outcome == Ignored || d.Reason == NotRecognized ||
		(d.Outcome == Injected || d.Outcome == Discovered) && d.Message != "" && d.Reason != Attached
}
