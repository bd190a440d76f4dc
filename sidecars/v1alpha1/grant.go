package v1alpha1

// Grant is how the least account that an exporter needs is made, with the rights
// of who asks for it, by a client program in the server's container.
//
// ${user} stands for the account's name, ${password} for its password, and
// ${scram-sha-256}, ${mysql-native-password} and ${sha256} for what servers store
// of it. Neither needs quotes beyond those of the language: a name is letters,
// digits and underscores, a password letters and digits.
type Grant struct {
	// User is the account that is made. Default outrider.
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^[a-z][a-z0-9_]*$`
	User string `json:"user,omitempty"`
	// Superusers are the accounts that may do everything. The empty name is the
	// account of a client that names none. Default none.
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MaxLength=128
	Superusers []string `json:"superusers,omitempty"`
	// SuperuserVariables name, in the server's container, the account that its image
	// makes and that may do everything. Default none.
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MaxLength=128
	SuperuserVariables []string `json:"superuserVariables,omitempty"`
	// Unneeded says why the exporter needs no account. Default: it needs one.
	// +kubebuilder:validation:MaxLength=256
	Unneeded string `json:"unneeded,omitempty"`
	// Manual says what to do where no client program can make the account.
	// +kubebuilder:validation:MaxLength=1024
	Manual string `json:"manual,omitempty"`
	// Ways to make it, of which the first that applies to the server is taken.
	// +kubebuilder:validation:MaxItems=8
	Ways []GrantWay `json:"ways,omitempty"`
}

// GrantWay is one way to make an account.
type GrantWay struct {
	// When must all be seen of the server. Default: it always applies.
	// +kubebuilder:validation:MaxItems=8
	When []Sign `json:"when,omitempty"`
	// Shell is a script for sh in the server's container that runs the statements
	// on its standard input as an administrator, and ends with another code than 0
	// where one is refused. The administrator's password must come from the
	// container's environment or files and must not become an argument.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	Shell string `json:"shell"`
	// Grant are the statements that make the account, or set it right.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=4096
	Grant string `json:"grant"`
	// Revoke are the statements that remove it; no error where it is gone.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=4096
	Revoke string `json:"revoke"`
	// EveryPod says that servers do not share their accounts: each is asked.
	// Default false: the first that accepts the statements.
	EveryPod bool `json:"everyPod,omitempty"`
	// Note is what else is to be done, for people.
	// +kubebuilder:validation:MaxLength=512
	Note string `json:"note,omitempty"`
}
