package sidecars

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// passwordPattern matches names of variables that hold a password.
const passwordPattern = `(?i)PASS|PWD|(?:^|_)(?:PW|AUTH)$`

var passwordLike = regexp.MustCompile(passwordPattern)

// refuseUnused refuses where the server has a password from a Secret in a
// variable that no account has, or in the file that it names: a configuration
// file or script uses it.
func (p *planner) refuseUnused(e *entry, s *shown) bool {
	for i := range s.server.Env {
		v := &s.server.Env[i]
		if !passwordLike.MatchString(v.Name) || s.flagged(v.Name) {
			continue
		}
		from := v.ValueFrom
		if strings.HasPrefix(v.Value, "/") {
			env, _ := s.file(v.Value)
			from = env.ValueFrom
		}
		if from == nil || from.SecretKeyRef == nil {
			continue
		}
		p.refuse(e.name, UnfollowedCredential, "%s: container %q has a password in variable %s, and nothing says whose; name it: %s: %s/%s",
			e.name, s.server.Name, v.Name, parameterKey(e.name, secretParameter), from.SecretKeyRef.Name, from.SecretKeyRef.Key)
		return true
	}
	if file, secret := s.secretConfiguration(); file != "" {
		p.warn(fmt.Sprintf("%s: container %q reads %s of the Secret %s, and the exporter has no password; if there is one in it, name a Secret with it: %s: NAME/KEY",
			e.name, s.server.Name, shorten(file), secret, parameterKey(e.name, secretParameter)))
	}
	if file := s.script.secrets; file != "" {
		p.refuse(e.name, UnfollowedCredential, "%s: the script of container %q reads %s, and nothing says which is the server's password; name a Secret: %s: NAME/KEY",
			e.name, s.server.Name, shorten(file), parameterKey(e.name, secretParameter))
		return true
	}
	if key := p.agent(); key != "" {
		p.refuse(e.name, UnfollowedCredential, "%s: an agent writes secrets into the pod (%s), and nothing says which is the server's password; name a Secret: %s: NAME/KEY",
			e.name, key, parameterKey(e.name, secretParameter))
		return true
	}
	return false
}

// configurationPattern matches files of which a server reads its configuration.
const configurationPattern = `[.](?:conf|cnf|cfg|ini|ya?ml|json)$`

var isConfiguration = regexp.MustCompile(configurationPattern)

// secretConfiguration is a file of the server's configuration that is in a Secret, which
// few people use for what holds no password.
func (s *shown) secretConfiguration() (file, secret string) {
	for _, word := range s.words() {
		if _, value, ok := strings.Cut(word, "="); ok {
			word = value
		}
		if isConfiguration.MatchString(word) {
			if env, lost := s.file(word); lost == "" {
				return word, env.ValueFrom.SecretKeyRef.Name
			}
		}
	}
	return "", ""
}

// flagged reports whether a variable is the value of a flag, which says what it is for:
// --masterauth $(PASSWORD). A flag for the account has been looked for.
func (s *shown) flagged(name string) bool {
	before := ""
	for _, word := range slices.Concat(s.words(), commandLine(s.server)) {
		flag, value, ok := strings.Cut(word, "=")
		if !ok {
			flag, value = before, word
		}
		if of, ok := variable(value); ok && of == name && strings.HasPrefix(flag, "-") {
			return true
		}
		before = word
	}
	return false
}

// agent is the annotation by which an agent writes secrets into the pod.
func (p *planner) agent() string {
	for _, key := range agents {
		if isSet(p.Pod.Annotations[key]) {
			return key
		}
	}
	return ""
}

// agents are annotations by which programs write secrets into a pod's files.
var agents = []string{"vault.hashicorp.com/agent-inject", "vault.security.banzaicloud.io/vault-addr", "secrets-injector.1password.io/inject", "operator.1password.io/inject", "akeyless/enabled", "conjur.org/inject"}
