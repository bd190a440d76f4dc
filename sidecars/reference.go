package sidecars

import (
	"fmt"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// reference is what is found of one part of an account in a pod.
type reference struct {
	env     corev1.EnvVar // without a name: a reference, or the literal value of a user
	found   bool
	literal bool   // a value in plain text
	unsure  bool   // the key may be missing
	where   string // it stands, for people: variable X
	lost    string // why it cannot be followed to a Secret; "" where it can
}

// fileSuffix ends the names of variables that hold the path of a file.
const fileSuffix = "_FILE"

// variable finds a variable of the server, or the file that its companion names.
func (s *shown) variable(name string) reference {
	if r := s.inContainer(name, 4); r.found {
		return r
	}
	if r := s.mentioned(name); r.found {
		return r
	}
	companion := name + fileSuffix
	v := s.env(companion)
	if name == "" || v == nil || v.ValueFrom == nil && v.Value == "" {
		return reference{}
	}
	r := reference{found: true, where: "variable " + companion}
	if file, ok := s.literal(companion); ok {
		r.env, r.lost = s.file(file)
	} else {
		r.lost = "the path of its file is not in the pod"
	}
	return r
}

// inContainer finds a variable that stands in the container, through $(OTHER).
func (s *shown) inContainer(name string, depth int) reference {
	v := s.env(name)
	switch {
	case v == nil || v.ValueFrom == nil && v.Value == "":
		return reference{}
	case v.ValueFrom != nil:
		return reference{env: corev1.EnvVar{ValueFrom: optional(v.ValueFrom)}, found: true, where: "variable " + name}
	case s.verbatim(v):
		return reference{found: true, where: "variable " + name, lost: "Kubernetes does not replace " + shorten(v.Value) + ", but $(NAME) where NAME stands before it"}
	}
	return s.value(v.Value, "variable "+name, depth-1)
}

// verbatim reports whether the kubelet leaves a reference in a variable of the pod as
// it is: it replaces $(NAME) only, by variables that stand before it.
func (s *shown) verbatim(v *corev1.EnvVar) bool {
	name, ok := variable(v.Value)
	if !ok {
		return false
	}
	for i := range s.server.Env {
		if &s.server.Env[i] == v {
			return v.Value[1] != '(' || last(s.server.Env[i:], name) != nil && last(s.server.Env[:i], name) == nil
		}
	}
	return false
}

// argument follows the value of a flag. Without a shell a server gets $NAME and ${NAME} as they are.
func (s *shown) argument(text, where string) reference {
	if _, ok := variable(text); ok && text[1] != '(' && !s.script.shell {
		return reference{found: true, where: where, lost: "without a shell nothing replaces " + shorten(text) + "; Kubernetes replaces $(NAME) only"}
	}
	return s.value(text, where, 4)
}

// value follows a text: what it refers to, or that it is the thing itself.
func (s *shown) value(text, where string, depth int) reference {
	r := reference{found: true, where: where}
	if file, ok := catOf(text); ok {
		if resolved, known := s.resolve(file); known {
			r.env, r.lost = s.file(resolved)
		} else {
			r.lost = "the path of its file is not in the pod"
		}
		return r
	}
	if name, ok := variable(text); ok {
		if depth > 0 {
			if at := s.inContainer(name, depth); at.found {
				return at
			}
		}
		if s.env(name) != nil {
			r.lost = fmt.Sprintf("variable %s leads nowhere", name)
			return r
		}
		switch from := s.allFrom(name); len(from) {
		case 0:
			r.lost = fmt.Sprintf("the pod does not set %s", name)
		case 1:
			r.env = from[0]
		default:
			r.lost = fmt.Sprintf("%s may be in several Secrets (envFrom)", name)
		}
		return r
	}
	resolved, whole := s.resolve(text)
	switch {
	case isForeign(text):
		r.lost = "it is a reference that another program resolves"
	case whole:
		r.env, r.literal = corev1.EnvVar{Value: resolved}, true
	case strings.Contains(text, "$(") || strings.Contains(text, "${") || strings.HasPrefix(text, "$") || strings.Contains(text, "`"):
		r.lost = "it is put together when the container starts"
	default:
		r.env, r.literal = corev1.EnvVar{Value: text}, true
	}
	return r
}

// isForeign reports whether a text is a reference in the syntax of a program
// that puts secrets into the environment of another.
func isForeign(text string) bool {
	return slices.ContainsFunc([]string{"vault:", ">>vault:", "ref+", "op://", "arn:aws:", "awssm:", "gcp:", "gsm:", "sm://", "azurekv:", "azurekeyvault:"},
		func(scheme string) bool { return strings.HasPrefix(text, scheme) })
}

// catOf is the file in $(cat FILE), $(< FILE) and `cat FILE`.
func catOf(text string) (string, bool) {
	inner, ok := strings.CutPrefix(text, "$(")
	if ok {
		inner, ok = strings.CutSuffix(inner, ")")
	} else if inner, ok = strings.CutPrefix(text, "`"); ok {
		inner, ok = strings.CutSuffix(inner, "`")
	}
	if !ok {
		return "", false
	}
	words := strings.Fields(inner)
	if len(words) == 1 {
		file, ok := strings.CutPrefix(words[0], "<")
		return file, ok && file != ""
	}
	if len(words) != 2 || path.Base(words[0]) != "cat" && words[0] != "<" {
		return "", false
	}
	return strings.Trim(words[1], `"'`), true
}

// allFrom are the Secrets, or else ConfigMaps, whose keys all become variables
// of the server and may hold a name.
func (s *shown) allFrom(name string) []corev1.EnvVar {
	var secrets, maps []corev1.EnvVar
	for i, from := range s.server.EnvFrom {
		key, ok := strings.CutPrefix(name, from.Prefix)
		switch {
		case !ok || key == "" || slices.ContainsFunc(s.server.EnvFrom[:i], func(earlier corev1.EnvFromSource) bool { return sameSource(earlier, from) }):
		case from.SecretRef != nil:
			secrets = append(secrets, secretEnv("", from.SecretRef.Name, key))
		case from.ConfigMapRef != nil:
			yes := true
			maps = append(maps, corev1.EnvVar{ValueFrom: &corev1.EnvVarSource{ConfigMapKeyRef: &corev1.ConfigMapKeySelector{
				LocalObjectReference: corev1.LocalObjectReference{Name: from.ConfigMapRef.Name}, Key: key, Optional: &yes}}})
		}
	}
	if len(secrets) > 0 {
		return secrets
	}
	return maps
}

// sameSource reports whether all keys of the same object become the same variables.
func sameSource(a, b corev1.EnvFromSource) bool {
	return a.Prefix == b.Prefix && (a.SecretRef != nil && b.SecretRef != nil && a.SecretRef.Name == b.SecretRef.Name ||
		a.ConfigMapRef != nil && b.ConfigMapRef != nil && a.ConfigMapRef.Name == b.ConfigMapRef.Name)
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

// file turns the path of a file in a mounted Secret into a reference to the same
// key; lost says why it cannot.
func (s *shown) file(file string) (env corev1.EnvVar, lost string) {
	file = path.Clean(file)
	lost = "the file " + shorten(file) + " is in no mounted Secret"
	longest := -1
	for _, mount := range s.server.VolumeMounts {
		at := path.Clean(mount.MountPath)
		inside, ok := strings.CutPrefix(file, strings.TrimSuffix(at, "/")+"/")
		if file == at && mount.SubPath != "" {
			inside, ok = mount.SubPath, true
		} else if ok && mount.SubPath != "" {
			inside = path.Join(mount.SubPath, inside)
		}
		if !ok || len(at) <= longest {
			continue
		}
		longest = len(at) // the innermost mount is what the server sees
		i := slices.IndexFunc(s.pod.Spec.Volumes, func(v corev1.Volume) bool { return v.Name == mount.Name })
		env = corev1.EnvVar{}
		if i < 0 {
			continue
		}
		if name, key, ok := secretOf(s.pod.Spec.Volumes[i], inside); ok {
			env = secretEnv("", name, key)
		}
	}
	if env.ValueFrom != nil {
		lost = ""
	}
	return env, lost
}

// secretOf is the Secret's key behind a file of a volume.
func secretOf(v corev1.Volume, file string) (name, key string, ok bool) {
	switch {
	case v.Secret != nil:
		key, ok = keyOf(v.Secret.Items, file)
		return v.Secret.SecretName, key, ok
	case v.Projected != nil:
		return projectedSecret(v.Projected.Sources, file)
	}
	return "", "", false
}

// projectedSecret is the Secret's key behind a file of several sources: one whose items name it, or else the only Secret
// that may have it. A ConfigMap without items may have it too, but nobody keeps a password there.
func projectedSecret(sources []corev1.VolumeProjection, file string) (name, key string, ok bool) {
	for _, source := range sources {
		if source.ConfigMap != nil && len(source.ConfigMap.Items) > 0 {
			if _, ok := keyOf(source.ConfigMap.Items, file); ok {
				return "", "", false
			}
		}
		if source.Secret == nil {
			continue
		}
		of, has := keyOf(source.Secret.Items, file)
		switch {
		case !has:
		case len(source.Secret.Items) > 0:
			return source.Secret.Name, of, true
		case ok:
			return "", "", false
		default:
			name, key, ok = source.Secret.Name, of, true
		}
	}
	return name, key, ok
}

// keyOf is the key that becomes a file.
func keyOf(items []corev1.KeyToPath, file string) (string, bool) {
	if len(items) == 0 {
		return file, !strings.Contains(file, "/")
	}
	for _, item := range items {
		if path.Clean(item.Path) == file {
			return item.Key, true
		}
	}
	return "", false
}
