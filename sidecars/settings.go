package sidecars

import (
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
)

// Parameters that every sidecar has.
const (
	containerParameter = "container" // which of several server containers is meant
	secretParameter    = "secret"    // the Secret with the credentials, name or name/key
)

// settings are the server's container, which may be nil, and the exporter's
// parameters; ok is false where one of them refused the exporter.
func (p *planner) settings(e *entry) (server *corev1.Container, values map[string]string, ok bool) {
	if server, ok = p.server(e); !ok {
		return nil, nil, false
	}
	values, ok = p.values(e, server)
	return server, values, ok
}

// server finds the container that the exporter is for. It may be nil, where
// nothing shows which it is: everything then has its default.
func (p *planner) server(e *entry) (*corev1.Container, bool) {
	if name, ok := p.parameters[e.name][containerParameter]; ok {
		for i := range p.Pod.Spec.Containers {
			if c := &p.Pod.Spec.Containers[i]; c.Name == name {
				return c, true
			}
		}
		p.refuse(e.name, BadValue, "%s: the pod has no container %q", parameterKey(e.name, containerParameter), shorten(name))
		return nil, false
	}
	found := servers(p.Pod, e.spec.Recognize)
	switch {
	case len(found) == 1:
		return found[0], true
	case len(found) > 1:
		p.refuse(e.name, Ambiguous, "%s: containers %q and %q both run it; say which with %s",
			e.name, found[0].Name, found[1].Name, parameterKey(e.name, containerParameter))
		return nil, false
	case len(p.Pod.Spec.Containers) == 1:
		return &p.Pod.Spec.Containers[0], true
	}
	return nil, true
}

// values are the exporter's parameters: from the pod's annotations, or found in
// the server's container, or from the namespace's, or the definition's defaults.
// A bad annotation refuses the exporter: with the default instead it would watch
// the wrong server and nobody would know.
func (p *planner) values(e *entry, server *corev1.Container) (map[string]string, bool) {
	values := make(map[string]string, len(e.spec.Parameters))
	for i := range e.spec.Parameters {
		param := &e.spec.Parameters[i]
		value, from, ok := p.value(e, param, server)
		if !ok {
			where := ""
			if from.kind == fromNamespace {
				where = inNamespace
			}
			p.refuse(e.name, BadValue, "%s%s: %q is not a value for it (%s); it must match %s",
				where, parameterKey(e.name, param.Name), shorten(value), strings.TrimSuffix(param.Doc, "."), param.Pattern)
			return nil, false
		}
		values[param.Name] = value
		if p.trace != nil {
			p.trace(Setting{Exporter: e.name, Name: param.Name, Value: value, From: from.describe(server)})
		}
	}
	return values, true
}

// value is one parameter's value and where it comes from; not ok where an
// annotation that sets it is bad.
func (p *planner) value(e *entry, param *v1alpha1.Parameter, server *corev1.Container) (value string, from origin, ok bool) {
	if value, ok := p.parameters[e.name][param.Name]; ok {
		return value, origin{kind: fromAnnotation}, e.patterns[param.Name].MatchString(value)
	}
	if value, from := found(param, server, e); value != "" {
		return value, from, true
	}
	if value, ok := p.defaults[e.name][param.Name]; ok {
		return value, origin{kind: fromNamespace}, e.patterns[param.Name].MatchString(value)
	}
	return param.Default, origin{kind: fromDefault}, true
}

// inNamespace stands before a key that is the namespace's.
const inNamespace = "the namespace's annotation "

// found is a parameter's value as far as the server's container shows it, or "".
func found(param *v1alpha1.Parameter, server *corev1.Container, e *entry) (string, origin) {
	if server == nil {
		return "", origin{}
	}
	fits := func(value string) bool { return value != "" && e.patterns[param.Name].MatchString(value) }
	if len(param.FromArgs)+len(param.FromFlags) > 0 {
		words := words(server)
		for _, flag := range param.FromArgs {
			if value, ok := flagValue(words, flag); ok && fits(value) {
				return value, origin{fromArgument, flag}
			}
		}
		for _, f := range param.FromFlags {
			if hasFlag(words, f.Flag) && fits(f.Value) {
				return f.Value, origin{fromArgument, f.Flag}
			}
		}
	}
	for _, name := range param.FromEnv {
		for i := range server.Env {
			if server.Env[i].Name == name && fits(server.Env[i].Value) {
				return server.Env[i].Value, origin{fromVariable, name}
			}
		}
	}
	if param.FromPorts {
		usual, _ := strconv.ParseInt(param.Default, 10, 32)
		if port, ok := declaredPort(server, int32(usual)); ok && fits(strconv.Itoa(int(port))) {
			return strconv.Itoa(int(port)), origin{kind: fromPort}
		}
	}
	return "", origin{}
}
