package sidecars

import (
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
)

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
	n, web := 0, 0
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
			if isWeb(param, p) {
				web++
			}
		}
	}
	if port := namedPort(c, names); port != 0 {
		return port, false
	}
	if port := e.onlyUsual(c); port != 0 && !native && e.isUsual(param.Default) {
		return port, false
	}
	// A native workload's other ports are not for metrics.
	if n == 1 && web == 0 && !native {
		return only, false
	}
	return 0, n > max(1, web)
}

// elsewhere reports whether a port is for something else than a parameter: it is
// known to be, or its name says so, or it is the workload's and the parameter is not.
func (e *entry) elsewhere(param *v1alpha1.Parameter, p corev1.ContainerPort) bool {
	return slices.Contains(e.spec.Recognize.NotPorts, p.ContainerPort) ||
		slices.Contains(e.spec.Recognize.Ports, p.ContainerPort) && !e.isUsual(param.Default) ||
		says(p.Name, otherPorts) && !says(p.Name, param.PortNames)
}

// isWeb reports whether a port is a web server's, and the parameter is not: it stands in a copy of a web server's manifest.
func isWeb(param *v1alpha1.Parameter, p corev1.ContainerPort) bool {
	return slices.Contains(webPorts, strconv.Itoa(int(p.ContainerPort))) && !slices.Contains(param.PortNames, "http")
}

// webPorts are the usual ports of web servers.
var webPorts = []string{"80", "443", "8080", "8443"}

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
