package v1alpha1

// Credentials are the account that an exporter logs in with. They are passed by
// reference: what the server has from a Secret, the exporter has from the same
// key of the same Secret. User and password always are of one account; those of
// different ones are never put together.
//
// +kubebuilder:validation:XValidation:rule="!has(self.accounts) || has(self.user) || self.accounts.all(a, !has(a.user) && !has(a.defaultUser))",message="without the variable for a user no account has one",fieldPath=.accounts
type Credentials struct {
	// User is the exporter's variable for the user. Its value is that of the
	// parameter user where nothing in the pod says who the account is. Default
	// none: the exporter knows passwords only.
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:Pattern=`^[-._a-zA-Z][-._a-zA-Z0-9]*$`
	User string `json:"user,omitempty"`
	// UserFallback is a variable that the exporter reads where User is not set. It
	// takes the account's DefaultUser beside a reference to a key that may be
	// missing. Default none: such an account needs its user named then, and where
	// there is no account at all, no user is set either.
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:Pattern=`^[-._a-zA-Z][-._a-zA-Z0-9]*$`
	UserFallback string `json:"userFallback,omitempty"`
	// Password is the exporter's variable for the password.
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:Pattern=`^[-._a-zA-Z][-._a-zA-Z0-9]*$`
	Password string `json:"password"`
	// SecretKey is the password's key in a Secret that is named without one.
	// Default password.
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[-._a-zA-Z0-9]+$`
	SecretKey string `json:"secretKey,omitempty"`
	// Required refuses the exporter where no account is found. Default false.
	Required bool `json:"required,omitempty"`
	// Unless is what the exporter logs in with in another way, such as a parameter
	// for an API key; where one is seen, no account is looked for.
	// +kubebuilder:validation:MaxItems=8
	Unless []Sign `json:"unless,omitempty"`
	// Accounts are those that a server's container can show, in the order in which
	// they are looked for; the first that is found is taken as a whole.
	// +kubebuilder:validation:MaxItems=16
	Accounts []Account `json:"accounts,omitempty"`
}

// Account is one account of a server, as its container shows it. For every
// variable there is one whose name ends in _FILE too: it holds the path of a
// file in a mounted Secret.
//
// +kubebuilder:validation:XValidation:rule="has(self.password) || has(self.passwordArgs) || has(self.when)",message="an account needs password, passwordArgs or when"
type Account struct {
	// Images whose vocabulary this is, as in a Sign. Only theirs is supposed in a
	// Secret whose keys all become variables (envFrom); a variable that stands in
	// the container itself counts in every image. Default: every image that no
	// other account names.
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MaxLength=128
	Images []string `json:"images,omitempty"`
	// When must all be seen of the server.
	// +kubebuilder:validation:MaxItems=8
	When []Sign `json:"when,omitempty"`
	// User is the server's variable with the user.
	// +kubebuilder:validation:MaxLength=256
	User string `json:"user,omitempty"`
	// DefaultUser is the user where the variable User is not set, or there is
	// none. Default: the user is unknown, and the parameter user names it.
	// +kubebuilder:validation:MaxLength=256
	DefaultUser string `json:"defaultUser,omitempty"`
	// Password is the server's variable with the password. Without it and
	// PasswordArgs the account has none.
	// +kubebuilder:validation:MaxLength=256
	Password string `json:"password,omitempty"`
	// PasswordArgs are flags of the server whose value is the password, as
	// $(VARIABLE) or $(cat FILE).
	// +kubebuilder:validation:MaxItems=8
	// +kubebuilder:validation:items:MaxLength=256
	PasswordArgs []string `json:"passwordArgs,omitempty"`
	// Among are variables with lists of users who may ask for metrics; where one
	// is set, the account must be among them.
	// +kubebuilder:validation:MaxItems=8
	// +kubebuilder:validation:items:MaxLength=256
	Among []string `json:"among,omitempty"`
}
