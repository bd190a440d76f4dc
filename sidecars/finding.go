package sidecars

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
)

// finding is a parameter's value as far as the server's container shows it.
type finding struct {
	value    string
	from     origin
	ok       bool
	problem  string // why there is none though the pod shows something
	loopback bool   // the problem is that nobody else can reach it
}

// find looks in the server's container, and for a native workload in the pod's
// prometheus.io annotations, for a parameter's value.
func (e *entry) find(param *v1alpha1.Parameter, s *shown) finding {
	if s.server == nil {
		return finding{}
	}
	if isNative(e) {
		if value := s.annotated(param.Name); e.fits(param, value) {
			return finding{value: value, from: origin{fromPrometheus, "prometheus.io/" + param.Name}}
		}
	}
	problem := finding{}
	for _, flag := range param.FromArgs {
		flag, _ = expand(flag, s.values)
		if text, ok := s.flag(flag, param.Part != ""); ok {
			// Metrics that are kept to the loopback address are not looked for elsewhere.
			if f := e.taken(param, s, text, origin{fromArgument, flag}); f.value != "" || f.loopback {
				return f
			} else if problem.problem == "" {
				problem = f
			}
		}
	}
	for _, name := range param.FromEnv {
		if v := s.env(name); v != nil && (v.Value != "" || v.ValueFrom != nil) {
			if f := e.taken(param, s, "$("+name+")", origin{fromVariable, name}); f.value != "" {
				return f
			} else if problem.problem == "" {
				problem = f
			}
		}
	}
	for i := range param.FromSigns {
		if signed := &param.FromSigns[i]; e.seen(s, signed.When, signed.Unless) && e.fits(param, signed.Value) {
			return finding{value: signed.Value, from: origin{fromSign, signName(signed.When[0])}}
		}
	}
	if !param.FromPorts {
		return problem
	}
	// A value that is not in the pod is the port that it declares, if one is likely.
	if declared := e.findPort(param, s); declared.value != "" || problem.problem == "" {
		return declared
	}
	return problem
}

// fits reports whether a parameter may have a value that was found.
func (e *entry) fits(param *v1alpha1.Parameter, value string) bool {
	return value != "" && e.patterns[param.Name].MatchString(value)
}

// taken is what a flag's or variable's text says: itself, or a part of the
// addresses in it; nothing where it does not fit.
func (e *entry) taken(param *v1alpha1.Parameter, s *shown, text string, from origin) finding {
	f := finding{}
	if param.Part != "" {
		f = s.listened(text, param.Part, e.notSchemes[param.Name], isNative(e))
	} else if value, ok := s.resolve(text); ok {
		f.value = value
	} else {
		f.problem = "has a value that is not in the pod"
	}
	f.from = from
	if (f.value != podAddress || param.Part != "host") && !e.fits(param, f.value) {
		f.value = ""
	}
	if f.problem != "" {
		f.problem = from.describe(s.server) + " " + f.problem
	}
	return f
}

// findPort is the port that the server declares.
func (e *entry) findPort(param *v1alpha1.Parameter, s *shown) finding {
	usual, certain := e.usual(param, s)
	port, several := e.declaredPort(param, s.server, usual)
	value := strconv.Itoa(int(port))
	switch {
	case port != 0 && e.fits(param, value):
		return finding{value: value, from: origin{kind: fromPort}}
	case several && !certain && !isNative(e):
		return finding{problem: fmt.Sprintf("container %q declares several ports, and nothing says which is its %s", s.server.Name, param.Name)}
	}
	return finding{}
}

// flag is the last value of a flag, where several words may follow with all of them.
func (s *shown) flag(flag string, all bool) (string, bool) {
	words := s.words()
	for i := len(words) - 1; i >= 0; i-- {
		value, given, _ := flagAt(words, i, flag)
		if !given || value == "" {
			continue
		}
		if all && i+1 < len(words) && value == words[i+1] {
			for j := i + 2; j < len(words) && !strings.HasPrefix(words[j], "--"); j++ {
				value += " " + words[j]
			}
		}
		return value, true
	}
	return "", false
}

// annotated is what the pod's own prometheus.io annotations say of its metrics:
// they are about this server where it alone declares the port, or nobody does.
func (s *shown) annotated(name string) string {
	port := s.pod.Annotations["prometheus.io/port"]
	if s.pod.Annotations["prometheus.io/scrape"] == "false" || port == "" || name != "port" && name != "path" && name != "scheme" {
		return ""
	}
	declares := func(c *corev1.Container) bool {
		return slices.ContainsFunc(c.Ports, func(p corev1.ContainerPort) bool { return strconv.Itoa(int(p.ContainerPort)) == port })
	}
	for i := range s.pod.Spec.Containers {
		if c := &s.pod.Spec.Containers[i]; c.Name != s.server.Name && declares(c) {
			return ""
		}
	}
	if len(s.pod.Spec.Containers) > 1 && !declares(s.server) {
		return ""
	}
	return s.pod.Annotations["prometheus.io/"+name]
}

// usual is a parameter's default for this server, and whether something in the
// pod says so.
func (e *entry) usual(param *v1alpha1.Parameter, s *shown) (value string, certain bool) {
	for i := range param.Defaults {
		if d := &param.Defaults[i]; e.seen(s, d.When, d.Unless) {
			return d.Value, true
		}
	}
	return param.Default, false
}

// metricsPorts are the usual names of a port under which a workload serves
// metrics itself.
var metricsPorts = []string{"metrics", "http-metrics", "https-metrics", "tcp-metrics", "prometheus", "prom", "http-prom", "http-prometheus", "monitoring", "prometheus-tls", "metrics-tls"}

// declaredPort is the TCP port that the server must listen on, as far as its
// declared ports tell, or 0: one named for metrics in a native entry, the usual
// one if it is among them, else one of the names that are meant, else the only
// usual one, else the only one. several reports that there are some, of which none is meant.
func (e *entry) declaredPort(param *v1alpha1.Parameter, c *corev1.Container, usual string) (port int32, several bool) {
	names := param.PortNames
	native := isNative(e)
	if native {
		if port := namedPort(c, metricsPorts); port != 0 {
			return port, false
		}
	}
	var only int32
	n := 0
	for _, p := range c.Ports {
		if !isTCP(p) {
			continue
		}
		if strconv.Itoa(int(p.ContainerPort)) == usual {
			if slices.Contains(names, p.Name) { // another may have a name that says more
				return namedPort(c, names), false
			}
			return p.ContainerPort, false
		}
		if !e.elsewhere(param, p) {
			only = p.ContainerPort
			n++
		}
	}
	if port := namedPort(c, names); port != 0 {
		return port, false
	}
	if port := e.onlyUsual(c); port != 0 && !native && e.isUsual(param.Default) {
		return port, false
	}
	// A native workload's other ports are not for metrics.
	if n == 1 && !native {
		return only, false
	}
	return 0, n > 1
}

// elsewhere reports whether a port is for something else than a parameter: it is
// known to be, or its name says so, or it is the workload's and the parameter is not.
func (e *entry) elsewhere(param *v1alpha1.Parameter, p corev1.ContainerPort) bool {
	return slices.Contains(e.spec.Recognize.NotPorts, p.ContainerPort) ||
		slices.Contains(e.spec.Recognize.Ports, p.ContainerPort) && !e.isUsual(param.Default) ||
		says(p.Name, otherPorts) && !says(p.Name, param.PortNames)
}

// otherPorts are names of ports that say what is spoken there.
var otherPorts = []string{"http", "https", "web", "grpc", "metrics", "http-metrics", "prometheus", "health", "healthz", "admin", "ssh", "debug", "pprof"}

// isUsual reports whether a port is among the workload's usual ones, or they are
// not known.
func (e *entry) isUsual(port string) bool {
	ports := e.spec.Recognize.Ports
	return len(ports) == 0 || slices.ContainsFunc(ports, func(p int32) bool { return strconv.Itoa(int(p)) == port })
}

// onlyUsual is the one of the workload's usual ports that a container declares, or
// 0 where it declares several.
func (e *entry) onlyUsual(c *corev1.Container) (found int32) {
	for _, p := range c.Ports {
		if isTCP(p) && slices.Contains(e.spec.Recognize.Ports, p.ContainerPort) {
			if found != 0 {
				return 0
			}
			found = p.ContainerPort
		}
	}
	return found
}

// namedPort is the port with the first of some names, or else the one that says it.
func namedPort(c *corev1.Container, names []string) int32 {
	for _, name := range names {
		for _, is := range [...]func(port, name string) bool{samePort, saysPort} {
			for _, p := range c.Ports {
				if is(p.Name, name) && isTCP(p) {
					return p.ContainerPort
				}
			}
		}
	}
	return 0
}

func samePort(port, name string) bool { return port == name }

// portTails are words at the end of a port's name that say nothing.
var portTails = []string{"-port", "-svc", "-service", "-server", "-srv", "-tcp"}

// portTailsPattern matches them, for the API server's policies.
var portTailsPattern = oneOf(portTails) + "*$"

// saysPort reports whether a port's name says another one, as nginx-http-port
// says http.
func saysPort(port, name string) bool {
	for i := 0; i < len(portTails); i++ {
		if shorter, ok := strings.CutSuffix(port, portTails[i]); ok {
			port, i = shorter, -1
		}
	}
	before, ok := strings.CutSuffix(port, name)
	return ok && (before == "" || strings.HasSuffix(before, "-"))
}

// says reports whether a port's name says one of some.
func says(port string, names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return samePort(port, name) || saysPort(port, name) })
}

func isTCP(p corev1.ContainerPort) bool {
	return p.Protocol == corev1.ProtocolTCP || p.Protocol == ""
}

// signName is a sign for people, such as: --shardsvr.
func signName(sign v1alpha1.Sign) string {
	for _, name := range []string{sign.Arg, sign.Env, sign.Image, sign.Mount, sign.Parameter, sign.Given} {
		if name != "" {
			return name
		}
	}
	return "the port's name"
}
