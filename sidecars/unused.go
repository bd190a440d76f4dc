package sidecars

import "regexp"

// passwordLike are names of variables that hold a password.
var passwordLike = regexp.MustCompile(`(?i)PASS|(^|_)AUTH$|REQUIREPASS`)

// refuseUnused refuses where the server has a password from a Secret in a
// variable that no account has: a configuration file or script uses it.
func (p *planner) refuseUnused(e *entry, s *shown) bool {
	for i := range s.server.Env {
		v := &s.server.Env[i]
		if v.ValueFrom == nil || v.ValueFrom.SecretKeyRef == nil || !passwordLike.MatchString(v.Name) {
			continue
		}
		p.refuse(e.name, UnfollowedCredential, "%s: container %q has a password in variable %s, and nothing says whose; name it: %s: %s/%s",
			e.name, s.server.Name, v.Name, parameterKey(e.name, secretParameter), v.ValueFrom.SecretKeyRef.Name, v.ValueFrom.SecretKeyRef.Key)
		return true
	}
	if key := p.agent(); key != "" {
		p.refuse(e.name, UnfollowedCredential, "%s: an agent writes secrets into the pod (%s), and nothing says which is the server's password; name a Secret: %s: NAME/KEY",
			e.name, key, parameterKey(e.name, secretParameter))
		return true
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
