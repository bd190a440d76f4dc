package sidecars

import (
	"cmp"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
)

// credentials are the exporter's variables that it logs in with. None of them
// holds a secret: each refers to where the server has its own from.
func (p *planner) credentials(e *entry, server *corev1.Container, values map[string]string) ([]corev1.EnvVar, bool) {
	named, ok := p.namedSecret(e, p.parameters, "")
	if !ok {
		return nil, false
	}
	var env []corev1.EnvVar
	for i := range e.spec.Credentials {
		c := &e.spec.Credentials[i]
		var v corev1.EnvVar
		switch {
		case named != nil && c.SecretKey != "":
			v = secretEnv(c.Env, named.Name, cmp.Or(named.Key, c.SecretKey))
		case server != nil && !p.setByAnnotation(e, c):
			if v, ok = p.inferred(e, c, server); !ok {
				return nil, false
			}
		}
		if v.Name == "" && c.SecretKey != "" {
			if v, ok = p.defaultSecret(e, c); !ok {
				return nil, false
			}
		}
		if v.Name == "" && c.Default != "" {
			v = corev1.EnvVar{Name: c.Env, Value: expand(c.Default, values)}
		}
		if v.Name == "" && c.Required {
			p.refuse(e.name, MissingCredential, "%s: nothing in the pod shows what the exporter logs in with; name a Secret: %s: NAME/KEY",
				e.name, parameterKey(e.name, secretParameter))
			return nil, false
		}
		if v.Name != "" {
			env = append(env, v)
			p.traceCredential(e, v)
		}
	}
	return env, true
}

// namedSecret reads the secret annotation, NAME or NAME/KEY, of the pod or of
// its namespace, as where says.
func (p *planner) namedSecret(e *entry, annotations map[string]map[string]string, where string) (*corev1.SecretKeySelector, bool) {
	value, ok := annotations[e.name][secretParameter]
	if !ok || len(e.spec.Credentials) == 0 {
		return nil, true
	}
	name, key, _ := strings.Cut(value, "/")
	if len(validation.IsDNS1123Subdomain(name)) > 0 || strings.HasSuffix(value, "/") || key != "" && len(validation.IsConfigMapKey(key)) > 0 {
		// The value is not repeated: someone may have written a password there.
		p.refuse(e.name, BadValue, "%s%s names no Secret; write NAME or NAME/KEY of a Secret in the pod's namespace", where, parameterKey(e.name, secretParameter))
		return nil, false
	}
	return &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: name}, Key: key}, true
}

// defaultSecret is the credential from the Secret that the namespace names for
// pods that show none. It has no name where there is no such default.
func (p *planner) defaultSecret(e *entry, c *v1alpha1.Credential) (corev1.EnvVar, bool) {
	named, ok := p.namedSecret(e, p.defaults, inNamespace)
	if !ok || named == nil {
		return corev1.EnvVar{}, ok
	}
	return secretEnv(c.Env, named.Name, cmp.Or(named.Key, c.SecretKey)), true
}

// setByAnnotation reports whether the default of a public credential is made of
// a parameter that the pod's annotations set.
func (p *planner) setByAnnotation(e *entry, c *v1alpha1.Credential) bool {
	for _, m := range placeholder.FindAllStringSubmatch(c.Default, -1) {
		if _, ok := p.parameters[e.name][m[1]]; ok {
			return true
		}
	}
	return false
}

// inferred finds what the server itself uses. Not finding anything is fine; a
// literal secret is not.
func (p *planner) inferred(e *entry, c *v1alpha1.Credential, server *corev1.Container) (corev1.EnvVar, bool) {
	literal := func(where string) (corev1.EnvVar, bool) {
		p.refuse(e.name, LiteralCredential, "%s: %s of container %q holds a credential in plain text, which is not copied; put it into a Secret and refer to that, or name one: %s: NAME/KEY",
			e.name, where, server.Name, parameterKey(e.name, secretParameter))
		return corev1.EnvVar{}, false
	}
	for _, name := range c.FromEnv {
		v, ok := lookup(p.Pod, server, name)
		switch {
		case !ok:
		case v.ValueFrom != nil || c.Public && !strings.HasSuffix(name, fileSuffix):
			v.Name = c.Env
			return v, true
		case !strings.HasSuffix(name, fileSuffix):
			return literal("variable " + name)
		}
	}
	if len(c.FromArgs) > 0 {
		words := words(server)
		for _, flag := range c.FromArgs {
			value, ok := flagValue(words, flag)
			if !ok || value == "" {
				continue
			}
			name, isVariable := variable(value)
			if !isVariable {
				return literal("argument " + flag)
			}
			if v, ok := lookup(p.Pod, server, name); ok && (v.ValueFrom != nil || c.Public) {
				v.Name = c.Env
				return v, true
			} else if ok {
				return literal("variable " + name)
			}
			if v, ok := fromEnvFrom(server, c.Env, name); ok {
				return v, true
			}
		}
	}
	if len(c.FromEnv) > 0 {
		if v, ok := fromEnvFrom(server, c.Env, c.FromEnv[0]); ok {
			return v, true
		}
	}
	return corev1.EnvVar{}, true
}

// fileSuffix ends the names of variables that hold the path of a file.
const fileSuffix = "_FILE"

// lookup finds a variable of a container, through $(OTHER) and, for a path,
// through the mounted Secret, and returns it as a reference where it is one.
func lookup(pod *corev1.Pod, c *corev1.Container, name string) (corev1.EnvVar, bool) {
	for range 4 { // $(A) may name $(B); a cycle ends here
		i := slices.IndexFunc(c.Env, func(v corev1.EnvVar) bool { return v.Name == name })
		if i < 0 {
			return corev1.EnvVar{}, false
		}
		v := c.Env[i]
		if v.ValueFrom != nil {
			return corev1.EnvVar{Name: name, ValueFrom: optional(v.ValueFrom)}, true
		}
		if v.Value == "" {
			return corev1.EnvVar{}, false
		}
		other, isVariable := variable(v.Value)
		if !isVariable {
			if strings.HasSuffix(name, fileSuffix) {
				return mountedSecret(pod, c, v.Value)
			}
			return v, true
		}
		name = other
	}
	return corev1.EnvVar{}, false
}

// optional copies a reference so that what is missing behind it cannot keep
// the sidecar, and with it the pod, from starting.
func optional(from *corev1.EnvVarSource) *corev1.EnvVarSource {
	yes := true
	from = from.DeepCopy()
	if from.SecretKeyRef != nil {
		from.SecretKeyRef.Optional = &yes
	}
	if from.ConfigMapKeyRef != nil {
		from.ConfigMapKeyRef.Optional = &yes
	}
	return from
}

func secretEnv(name, secret, key string) corev1.EnvVar {
	yes := true
	return corev1.EnvVar{Name: name, ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
		LocalObjectReference: corev1.LocalObjectReference{Name: secret}, Key: key, Optional: &yes,
	}}}
}

// fromEnvFrom supposes that a variable comes from the one Secret whose keys all
// become variables. With several, nothing shows which.
func fromEnvFrom(c *corev1.Container, env, name string) (corev1.EnvVar, bool) {
	var found []corev1.EnvVar
	for _, from := range c.EnvFrom {
		key, ok := strings.CutPrefix(name, from.Prefix)
		if from.SecretRef != nil && ok {
			found = append(found, secretEnv(env, from.SecretRef.Name, key))
		}
	}
	if len(found) != 1 {
		return corev1.EnvVar{}, false
	}
	return found[0], true
}

// mountedSecret turns the path of a file in a mounted Secret into a reference
// to the same key.
func mountedSecret(pod *corev1.Pod, c *corev1.Container, file string) (corev1.EnvVar, bool) {
	for _, mount := range c.VolumeMounts {
		inside, ok := strings.CutPrefix(path.Clean(file), path.Clean(mount.MountPath)+"/")
		if mount.SubPath != "" && path.Clean(file) == path.Clean(mount.MountPath) {
			inside, ok = mount.SubPath, true
		}
		i := slices.IndexFunc(pod.Spec.Volumes, func(v corev1.Volume) bool { return v.Name == mount.Name })
		if !ok || i < 0 || pod.Spec.Volumes[i].Secret == nil {
			continue
		}
		secret := pod.Spec.Volumes[i].Secret
		if len(secret.Items) == 0 {
			return secretEnv(fileSuffix, secret.SecretName, inside), true
		}
		for _, item := range secret.Items {
			if item.Path == inside {
				return secretEnv(fileSuffix, secret.SecretName, item.Key), true
			}
		}
	}
	return corev1.EnvVar{}, false
}
