package sidecars

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
)

// Parameters that every sidecar has.
const (
	containerParameter = "container" // which of several server containers is meant
	secretParameter    = "secret"    // the Secret with the credentials, name or name/key
)

// resourceParameters are the parameters of every sidecar for its resources.
var resourceParameters = []string{"cpu-request", "cpu-limit", "memory-request", "memory-limit"}

// isBuiltinParameter reports whether every exporter has a parameter of that name.
func isBuiltinParameter(name string) bool {
	return name == containerParameter || name == secretParameter || name == profileParameter || slices.Contains(resourceParameters, name)
}

// settings are what the pod shows of the exporter's server and the exporter's
// parameters; ok is false where one of them refused the exporter.
func (p *planner) settings(e *entry) (s *shown, ok bool) {
	server, ok := p.server(e)
	if !ok {
		return nil, false
	}
	s = &shown{pod: p.Pod, server: server, values: map[string]string{}, argsEnv: e.spec.ArgsEnv, recognize: e.spec.Recognize,
		annotations: p.parameters[e.name], defaults: p.defaults[e.name]}
	_, s.secret = p.parameters[e.name][secretParameter]
	if profile, from := p.profile(e.name); profile == Essential {
		s.profile = Essential
		if p.trace != nil {
			p.trace(Setting{Exporter: e.name, Name: profileParameter, Value: string(profile), From: from})
		}
	}
	return s, p.values(e, s)
}

// server finds the container that the exporter is for. It may be nil, where
// nothing shows which it is: everything then has its default.
func (p *planner) server(e *entry) (*corev1.Container, bool) {
	if name, ok := p.parameters[e.name][containerParameter]; ok {
		for _, c := range long(p.Pod) {
			if c.Name == name {
				return c, true
			}
		}
		p.refuse(e.name, BadValue, "%s: the pod has no container %q", parameterKey(e.name, containerParameter), shorten(name))
		return nil, false
	}
	found := p.catalog.servers(p.Pod, e)
	switch {
	case len(found) == 1:
		return found[0], true
	case len(found) > 1:
		p.refuse(e.name, Ambiguous, "%s: containers %q and %q both run it; name one: %s",
			e.name, found[0].Name, found[1].Name, parameterKey(e.name, containerParameter))
		return nil, false
	}
	return p.catalog.guess(p.Pod, e), true
}

// warnUnfound warns where nothing shows which of several containers the exporter
// is for, and no annotation says how to reach it.
func (p *planner) warnUnfound(e *entry, s *shown) {
	if s.server != nil {
		return
	}
	for name := range p.parameters[e.name] {
		if !slices.Contains(resourceParameters, name) {
			return
		}
	}
	p.warning = e.name + ": none of the pod's containers looks like it, so it has its defaults and no credentials of the pod's; name the container: " +
		parameterKey(e.name, containerParameter)
}

// values are the exporter's parameters: from the pod's annotations, or found in
// the server's container, or from the namespace's, or the definition's defaults.
// A bad annotation refuses the exporter: with the default instead it would watch
// the wrong server and nobody would know. So does a setting that is in the pod
// and cannot be read.
func (p *planner) values(e *entry, s *shown) bool {
	for i := range e.spec.Parameters {
		param := &e.spec.Parameters[i]
		f := p.value(e, param, s)
		if !f.ok {
			where := ""
			if f.from.kind == fromNamespace {
				where = inNamespace
			}
			p.refuse(e.name, BadValue, "%s%s: %q is not a value for it (%s); it must match %s",
				where, parameterKey(e.name, param.Name), shorten(f.value), strings.TrimSuffix(param.Doc, "."), param.Pattern)
			return false
		}
		if f.problem != "" {
			if f.loopback {
				p.refuse(e.name, Unsupported, "%s: %s", e.name, f.problem)
			} else {
				p.refuse(e.name, UnknownSetting, "%s: %s; name it with %s", e.name, f.problem, parameterKey(e.name, param.Name))
			}
			return false
		}
		if f.value != "" { // most are empty, and a small map is cheap
			s.values[param.Name] = f.value
		}
		if p.trace != nil && f.value != "" && (param.Name != userParameter || e.spec.Credentials == nil) {
			p.trace(Setting{Exporter: e.name, Name: param.Name, Value: f.value, From: f.from.describe(s.server)})
		}
	}
	return true
}

// value is one parameter's value and where it comes from; not ok where an
// annotation that sets it is bad.
func (p *planner) value(e *entry, param *v1alpha1.Parameter, s *shown) finding {
	fits := e.patterns[param.Name].MatchString
	if value, ok := p.parameters[e.name][param.Name]; ok {
		return finding{value: value, from: origin{kind: fromAnnotation}, ok: fits(value)}
	}
	f := e.find(param, s)
	if f.value != "" {
		f.ok = true
		return f
	}
	if value, ok := p.defaults[e.name][param.Name]; ok {
		return finding{value: value, from: origin{kind: fromNamespace}, ok: fits(value)}
	}
	if f.problem != "" {
		f.ok = true
		return f
	}
	value, certain := e.usual(param, s)
	f = finding{value: value, from: origin{kind: fromDefault}, ok: true}
	if param.Required && !certain {
		f.problem = "nothing in the pod shows the " + param.Name + " that it needs"
	}
	return f
}

// inNamespace stands before a key that is the namespace's.
const inNamespace = "the namespace's annotation "

// resourcesSet are the sidecar's resources where parameters set them. Where one
// of request and limit is set, the other gives way.
func (p *planner) resourcesSet(e *entry, defined corev1.ResourceRequirements) (corev1.ResourceRequirements, bool) {
	set := map[string]resource.Quantity{}
	for _, name := range resourceParameters {
		value, ok := p.parameters[e.name][name]
		where := ""
		if !ok {
			value, ok = p.defaults[e.name][name]
			where = inNamespace
		}
		if !ok {
			continue
		}
		q, err := resource.ParseQuantity(value)
		if err != nil || q.Sign() <= 0 || strings.HasPrefix(name, "memory") && q.Value() < 1<<20 {
			p.refuse(e.name, BadValue, "%s%s: %q is no amount for it; write one as in resources, such as 50m of cpu or 64Mi of memory", where, parameterKey(e.name, name), shorten(value))
			return defined, false
		}
		set[name] = q
	}
	if len(set) == 0 {
		return defined, true
	}
	r := corev1.ResourceRequirements{Requests: copied(defined.Requests), Limits: copied(defined.Limits)}
	for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
		request, requested := set[string(name)+"-request"]
		limit, limited := set[string(name)+"-limit"]
		if requested {
			r.Requests[name] = request
		}
		if limited {
			r.Limits[name] = limit
		}
		has, least := r.Limits[name], r.Requests[name]
		switch {
		case has.Cmp(least) >= 0:
		case requested && limited:
			p.refuse(e.name, BadValue, "%s: %s is above %s", e.name, parameterKey(e.name, string(name)+"-request"), parameterKey(e.name, string(name)+"-limit"))
			return defined, false
		case limited:
			r.Requests[name] = limit
		default:
			r.Limits[name] = least
		}
	}
	return r, true
}
