package sidecars

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
)

// userParameter names the account where the pod does not.
const userParameter = "user"

// login is one account as the exporter gets it.
type login struct {
	user, password reference
	defaultUser    string
	nobody         bool // the server has one password, and no users
	among          []string
}

// credentials are the exporter's variables that it logs in with: those of the
// named Secret, or of one account that the server shows, or of the namespace's
// Secret. User and password never are of two accounts.
func (p *planner) credentials(e *entry, s *shown) ([]corev1.EnvVar, bool) {
	c := e.spec.Credentials
	if c == nil || len(c.Unless) > 0 && e.seenAny(s, c.Unless) {
		return nil, true
	}
	named, ok := p.namedSecret(e, p.parameters, "")
	if !ok {
		return nil, false
	}
	account := login{}
	if s.server != nil && named == nil {
		if account, ok = p.account(e, s); !ok {
			return nil, false
		}
	}
	var ofNamespace string // the user that belongs to the namespace's Secret
	if named == nil && !s.account {
		if named, ok = p.namedSecret(e, p.defaults, inNamespace); !ok {
			return nil, false
		}
		if named != nil {
			ofNamespace = p.defaults[e.name][userParameter]
		}
	}
	switch {
	case named != nil:
		s.account, s.secret = true, true
		account = login{user: p.shownUser(e, s), password: reference{found: true, env: secretEnv("", named.Name, cmp.Or(named.Key, c.SecretKey, "password"))}}
	case s.account:
		return p.login(e, s, account)
	case c.Required:
		p.refuse(e.name, MissingCredential, "%s: nothing in the pod shows what the exporter logs in with; name a Secret: %s: NAME/KEY",
			e.name, parameterKey(e.name, secretParameter))
		return nil, false
	case s.server != nil && p.refuseUnused(e, s):
		return nil, false
	default:
		account.user = p.shownUser(e, s)
	}
	if user, ok := p.parameters[e.name][userParameter]; ok {
		account.user = reference{found: true, env: corev1.EnvVar{Value: user}}
	} else if ofNamespace != "" {
		account.user = reference{found: true, env: corev1.EnvVar{Value: ofNamespace}}
	} else if !account.user.found && (s.account || c.UserFallback != "" || p.defaults[e.name][userParameter] != "") {
		account.user = reference{found: true, env: corev1.EnvVar{Value: s.values[userParameter]}}
	}
	return p.variables(e, account), true
}

// login completes an account that the server shows with its user. A user that
// the pod's annotation names must be that account's.
func (p *planner) login(e *entry, s *shown, account login) ([]corev1.EnvVar, bool) {
	named, annotated := p.parameters[e.name][userParameter]
	if len(account.among) > 0 && !annotated {
		if !p.mayAsk(e, s, account) {
			return nil, false
		}
	}
	switch {
	case e.spec.Credentials.User == "":
	case annotated && !account.password.found, annotated && (account.user.unsure || !account.user.found && account.defaultUser == "" && !account.nobody):
		account.user = reference{found: true, env: corev1.EnvVar{Value: named}}
	case annotated && (account.user.found && (account.user.env.ValueFrom != nil || account.user.env.Value != named) || !account.user.found && account.defaultUser != named):
		p.refuse(e.name, OtherAccount, "%s: %s names a user, and the password in the pod is that of another account; name the user's Secret too: %s: NAME/KEY",
			e.name, parameterKey(e.name, userParameter), parameterKey(e.name, secretParameter))
		return nil, false
	case account.user.lost != "" && account.user.where != "":
		p.refuse(e.name, UnfollowedCredential, "%s: the user in %s of container %q cannot be followed: %s; name it: %s",
			e.name, account.user.where, s.server.Name, account.user.lost, parameterKey(e.name, userParameter))
		return nil, false
	case account.user.unsure && e.spec.Credentials.UserFallback == "":
		p.refuse(e.name, UnfollowedCredential, "%s: nothing says whether the user is in the same Secret as the password (envFrom of container %q); name it: %s: %s",
			e.name, s.server.Name, parameterKey(e.name, userParameter), account.defaultUser)
		return nil, false
	case !account.user.found && account.defaultUser == "" && !account.nobody && account.password.found:
		p.refuse(e.name, MissingCredential, "%s: the pod shows a password and not whose it is; name the user: %s", e.name, parameterKey(e.name, userParameter))
		return nil, false
	case !account.user.found:
		account.user.env.Value = account.defaultUser
	}
	return p.variables(e, account), true
}

// variables are the exporter's variables for an account.
func (p *planner) variables(e *entry, account login) []corev1.EnvVar {
	c := e.spec.Credentials
	env := make([]corev1.EnvVar, 0, 4)
	add := func(name string, v corev1.EnvVar) {
		if name == "" || v.Value == "" && v.ValueFrom == nil {
			return
		}
		v.Name, v.Value = name, strings.ReplaceAll(v.Value, "$", "$$")
		env = append(env, v)
		p.traceCredential(e, v)
	}
	if account.user.unsure {
		add(c.UserFallback, corev1.EnvVar{Value: account.defaultUser})
	}
	add(c.User, account.user.env)
	add(c.Password, account.password.env)
	return env
}

// account is the first one of the definition that the server shows. A literal
// password, or one that leads nowhere, refuses the exporter: what the server
// wants is there then, and cannot be had.
func (p *planner) account(e *entry, s *shown) (login, bool) {
	accounts := e.spec.Credentials.Accounts
	for i := range accounts {
		a := &accounts[i]
		if len(a.When) > 0 && !e.seen(s, a.When, nil) {
			continue
		}
		password := s.variable(a.Password)
		for j := 0; j < len(a.PasswordArgs) && !password.found; j++ {
			if value, ok := flagValue(s.words(), a.PasswordArgs[j], func(v string) bool { return v != "" }); ok {
				password = s.argument(value, "argument "+a.PasswordArgs[j])
			}
		}
		if password.found || a.Password == "" && len(a.PasswordArgs) == 0 {
			return p.foundAccount(e, s, a, password)
		}
	}
	if len(s.server.EnvFrom) == 0 {
		return login{}, true
	}
	a := e.vocabulary(s)
	if a == nil {
		return login{}, true
	}
	switch from := s.allFrom(a.Password); {
	case len(from) > 0 && strings.TrimSpace(s.server.Image) == "":
		return p.foundAccount(e, s, a, reference{found: true, where: "envFrom", lost: "the pod shows no image, which says what its variable is called"})
	case len(from) == 1 && from[0].ValueFrom.SecretKeyRef == nil && p.agent() != "":
		// The agent brings the password, and the ConfigMap the rest.
	case len(from) == 1:
		return p.foundAccount(e, s, a, reference{env: from[0], found: true})
	case len(from) > 1 && from[0].ValueFrom.SecretKeyRef != nil:
		return p.foundAccount(e, s, a, reference{found: true, where: "variable " + a.Password, lost: "it may be in several Secrets (envFrom)"})
	}
	return login{}, true
}

// vocabulary is the account whose variables the server's image reads, for what
// comes from a Secret as a whole.
func (e *entry) vocabulary(s *shown) *v1alpha1.Account {
	var general *v1alpha1.Account
	for i := range e.spec.Credentials.Accounts {
		a := &e.spec.Credentials.Accounts[i]
		switch {
		case a.Password == "" || len(a.When) > 0 && (len(a.Images) == 0 || !e.seen(s, a.When, nil)):
		case s.isImage(a.Images):
			return a
		case len(a.Images) == 0 && general == nil:
			general = a
		}
	}
	return general
}

// foundAccount adds the user to a password that was found.
func (p *planner) foundAccount(e *entry, s *shown, a *v1alpha1.Account, password reference) (login, bool) {
	switch {
	case password.literal:
		p.refuse(e.name, LiteralCredential, "%s: %s of container %q holds a credential in plain text, which is not copied; put it into a Secret and refer to that, or name one: %s: NAME/KEY",
			e.name, password.where, s.server.Name, parameterKey(e.name, secretParameter))
		return login{}, false
	case password.lost != "":
		p.refuse(e.name, UnfollowedCredential, "%s: the password in %s of container %q cannot be followed to a Secret: %s; name one: %s: NAME/KEY",
			e.name, password.where, s.server.Name, password.lost, parameterKey(e.name, secretParameter))
		return login{}, false
	}
	s.account = true
	found := login{password: password, defaultUser: a.DefaultUser, nobody: a.User == "" && a.DefaultUser == "", among: a.Among}
	if a.User == "" {
		return found, true
	}
	if found.user = s.variable(a.User); found.user.found || len(s.server.EnvFrom) == 0 {
		return found, true
	}
	switch from := s.allFrom(a.User); {
	case len(from) == 1 && (a.DefaultUser != "" || !password.found):
		found.user = reference{env: from[0], found: true, unsure: a.DefaultUser != ""}
	case len(from) == 1:
		found.user = reference{env: from[0], found: true}
	case len(from) > 1:
		found.user = reference{found: true, unsure: true, where: "variable " + a.User, lost: "it may be in several Secrets (envFrom)"}
	}
	return found, true
}

// shownUser is the user that the server's container shows, without a password.
func (p *planner) shownUser(e *entry, s *shown) reference {
	if s.server == nil {
		return reference{}
	}
	for _, a := range e.spec.Credentials.Accounts {
		if len(a.When) > 0 && !e.seen(s, a.When, nil) {
			continue
		}
		if user := s.variable(a.User); user.found && user.lost == "" {
			return user
		}
	}
	return reference{}
}

// mayAsk refuses an account that is not in the lists of those who may ask for
// metrics, where the pod shows such a list.
func (p *planner) mayAsk(e *entry, s *shown, account login) bool {
	lists := 0
	for _, name := range account.among {
		users, ok := s.literal(name)
		if !ok || users == "" {
			continue
		}
		lists++
		if account.user.env.ValueFrom == nil && slices.Contains(listed(users), cmp.Or(account.user.env.Value, account.defaultUser)) {
			return true
		}
	}
	if lists == 0 {
		p.warn(fmt.Sprintf("%s: the account in container %q must be one of %s, or the server refuses it; name another with %s and %s",
			e.name, s.server.Name, strings.Join(account.among, " or "), parameterKey(e.name, userParameter), parameterKey(e.name, secretParameter)))
		return true
	}
	p.refuse(e.name, OtherAccount, "%s: the account in container %q is not one of %s; name one of them: %s, and its Secret: %s: NAME/KEY",
		e.name, s.server.Name, strings.Join(account.among, " or "), parameterKey(e.name, userParameter), parameterKey(e.name, secretParameter))
	return false
}

// namedSecret reads the secret annotation, NAME or NAME/KEY, of the pod or of
// its namespace, as where says.
func (p *planner) namedSecret(e *entry, annotations map[string]map[string]string, where string) (*corev1.SecretKeySelector, bool) {
	value, ok := annotations[e.name][secretParameter]
	if !ok || e.spec.Credentials == nil {
		return nil, true
	}
	named, ok := keyRef(value)
	if !ok {
		// The value is not repeated: someone may have written a password there.
		p.refuse(e.name, BadValue, "%s%s names no Secret; write NAME or NAME/KEY of a Secret in the pod's namespace", where, parameterKey(e.name, secretParameter))
		return nil, false
	}
	return &named, true
}

// keyRef reads NAME or NAME/KEY.
func keyRef(value string) (corev1.SecretKeySelector, bool) {
	name, key, _ := strings.Cut(value, "/")
	if len(validation.IsDNS1123Subdomain(name)) > 0 || strings.HasSuffix(value, "/") || key != "" && len(validation.IsConfigMapKey(key)) > 0 {
		return corev1.SecretKeySelector{}, false
	}
	return corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: name}, Key: key}, true
}
