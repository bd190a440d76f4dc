package sidecars

import (
	"net/netip"
	"net/url"
	"regexp"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// The pod's own address in a sidecar, and the variable that has it.
const (
	podAddressVariable = "OUTRIDER_POD_IP"
	podAddress         = "$(" + podAddressVariable + ")"
)

// hostnameCommand is how a script asks for the pod's own address.
var hostnameCommand = regexp.MustCompile("\\$\\(hostname[^)]*\\)|`hostname[^`]*`|\\$\\{?HOSTNAME\\}?|\\$\\(HOSTNAME\\)")

// interfaceName is what Elasticsearch and OpenSearch call the addresses of a network interface.
var interfaceName = regexp.MustCompile(`\b_(?:local|site|global|e[a-z]+[0-9]+)(?::ipv[46])?_\b`)

// written is a text with its variables replaced, or else what the variable that it is was set to.
func (s *shown) written(text string) string {
	if value, ok := s.resolve(text); ok {
		return value
	}
	for range 4 {
		name, ok := strings.CutPrefix(text, "$(")
		v := s.env(strings.TrimSuffix(name, ")"))
		if !ok || v == nil || v.ValueFrom != nil {
			break
		}
		text = v.Value
	}
	return text
}

// withPodAddress are addresses with all that stands for the pod's replaced by the sidecar's variable.
func (s *shown) withPodAddress(text string) string {
	text = hostnameCommand.ReplaceAllString(text, podAddress)
	if strings.HasPrefix(text, "_") || strings.Contains(text, ",_") {
		text = interfaceName.ReplaceAllStringFunc(text, func(name string) string {
			if strings.HasPrefix(name, "_local") {
				return "127.0.0.1"
			}
			return podAddress
		})
	}
	if !strings.Contains(text, "$") {
		return text
	}
	text = anyVariable.ReplaceAllStringFunc(text, func(reference string) string {
		if name, ok := variable(reference); ok && s.isPodAddress(name) {
			return podAddress
		}
		return reference
	})
	return nameInService.ReplaceAllLiteralString(text, podAddress)
}

// nameInService matches the pod's name with that of its Service, which is resolved to its address.
var nameInService = regexp.MustCompile(regexp.QuoteMeta(podAddress) + `[.](?:[-.A-Za-z0-9]|` + anyVariable.String() + `)+`)

// anyVariable matches $(NAME), ${NAME} and $NAME in a text.
var anyVariable = regexp.MustCompile(`\$(?:\([A-Za-z0-9_]+\)|\{[A-Za-z0-9_]+\}|[A-Za-z0-9_]+)`)

// listened reads addresses to listen on and takes a part of the one that the
// exporter, or Prometheus for a native workload, can reach; those with a scheme
// that not matches are passed over, if it is not nil.
func (s *shown) listened(text, part string, not *regexp.Regexp, native bool) finding {
	text = s.withPodAddress(s.written(text))
	best, lost := "", false
	for item := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r == ' ' }) {
		if scheme, _, ok := strings.Cut(item, "://"); ok && not != nil && not.MatchString(scheme) {
			continue
		}
		item = strings.TrimPrefix(item, "-") // Redis: an address that may be missing
		if _, ok := variable(item); ok && item != podAddress {
			value, ok := s.resolve(item)
			if !ok {
				lost = true
				continue
			}
			item = value
		}
		switch host := hostOf(item); {
		case isLoopback(host) && native:
			if best == "" {
				best = item
			}
		case isLoopback(host), isWildcard(host) && (!native || best == "" || isLoopback(hostOf(best))):
			best = item
			if !native {
				return partOf(best, part)
			}
		case best == "" || native && isLoopback(hostOf(best)) || hostOf(item) == podAddress && !isWildcard(hostOf(best)):
			best = item
		}
	}
	switch {
	case best == "" && lost:
		return finding{problem: "has a value that is not in the pod"}
	case native && best != "" && isLoopback(hostOf(best)):
		return finding{problem: "is the loopback address only, where Prometheus reaches no metrics; let it listen on the pod's address too", loopback: true}
	}
	if host := hostOf(best); !native && isAddress(host) && !isLoopback(host) && !isWildcard(host) {
		return finding{problem: "is an address that need not be the pod's"}
	}
	return partOf(best, part)
}

// isPodAddress reports whether a variable of the server is the pod's address, or its name.
func (s *shown) isPodAddress(name string) bool {
	for range 4 {
		v := s.env(name)
		if v == nil {
			return false
		}
		if v.ValueFrom != nil {
			from := v.ValueFrom.FieldRef
			return from != nil && (from.FieldPath == "status.podIP" || from.FieldPath == "status.podIPs" || from.FieldPath == "metadata.name")
		}
		other, ok := variable(v.Value)
		if !ok {
			return false
		}
		name = other
	}
	return false
}

// partOf is the scheme, host or port of an address such as http://0.0.0.0:2379,
// [::]:80, :9100/tcp or 0.0.0.0; there may be none.
func partOf(address, part string) finding {
	switch part {
	case "scheme":
		scheme, _, ok := strings.Cut(address, "://")
		if !ok {
			return finding{}
		}
		return finding{value: strings.ToLower(scheme)}
	case "port":
		return finding{value: portOf(address)}
	}
	host := hostOf(address)
	switch {
	case address == "":
		return finding{}
	case isLoopback(host), isWildcard(host):
		return finding{value: "127.0.0.1"}
	}
	return finding{value: host}
}

func hostOf(address string) string {
	host := authority(address)
	if i := strings.LastIndexByte(host, ':'); i >= 0 && (strings.Count(host, ":") == 1 || strings.HasPrefix(host, "[") && strings.HasSuffix(host[:i], "]")) {
		host = host[:i]
	}
	return strings.Trim(host, "[]")
}

func portOf(address string) string {
	host := authority(address)
	i := strings.LastIndexByte(host, ':')
	if i < 0 || strings.Count(host, ":") > 1 && !strings.HasPrefix(host, "[") {
		return strings.TrimSpace(host)
	}
	return host[i+1:]
}

// authority is what stands between the scheme and the path of an address.
func authority(address string) string {
	if _, rest, ok := strings.Cut(address, "://"); ok {
		if u, err := url.Parse(address); err == nil && u.Host != "" {
			return u.Host
		}
		address = rest
	}
	host, _, _ := strings.Cut(address, "/")
	return host
}

func isLoopback(host string) bool {
	return host == "localhost" || strings.HasPrefix(host, "127.") || host == "::1"
}

func isWildcard(host string) bool {
	switch host {
	case "", "*", "0.0.0.0", "::", "::*", "all", "ipv4", "ipv6":
		return true
	}
	return false
}

// podAddressEnv is the variable with the pod's address, for a sidecar whose
// settings use it.
func podAddressEnv() corev1.EnvVar {
	return corev1.EnvVar{Name: podAddressVariable, ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "status.podIP"}}}
}

func isAddress(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}
