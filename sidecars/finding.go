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
		if strings.Contains(name, "${") {
			name, _ = expand(name, s.values)
			name = strings.ToUpper(name)
		}
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

// signName is a sign for people, such as: --shardsvr.
func signName(sign v1alpha1.Sign) string {
	for _, name := range []string{sign.Arg, sign.Env, sign.Image, sign.Mount, sign.Parameter, sign.Given} {
		if name != "" {
			return name
		}
	}
	return "the port's name"
}
