package rows

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/outrider-dev/outrider/sidecars"
)

// Answer is what is done with a pod: Targets, or nothing, or a refusal.
type Answer struct {
	Targets []Target
	Refused bool
}

// Target is one exporter, or one endpoint of the workload's own, and what it
// speaks to.
type Target struct {
	Exporter, Port string
	Host           string // "pod" where it is not the loopback address
	Socket         string
	Path           string // of a native endpoint that is not /metrics
	TLS            bool
	User, Password string // a literal, or SECRET/KEY
}

func (a Answer) String() string {
	if a.Refused {
		return "refused"
	}
	if len(a.Targets) == 0 {
		return "none"
	}
	texts := make([]string, len(a.Targets))
	for i, t := range a.Targets {
		texts[i] = t.String()
	}
	return strings.Join(texts, ", ")
}

// fits reports whether got is this answer. The name of an account without a
// password matters only where the answer has one.
func (a Answer) fits(got Answer) bool {
	got.Targets = slices.Clone(got.Targets)
	for i := range got.Targets {
		if t := &got.Targets[i]; t.Password == "" && i < len(a.Targets) && a.Targets[i].User == "" {
			t.User = ""
		}
	}
	return a.String() == got.String()
}

func (t Target) String() string {
	text := t.Exporter + " " + cmp.Or(t.Port, "-")
	for _, part := range [][2]string{{"as", t.User}, {"pw", t.Password}, {"host", t.Host}, {"socket", t.Socket}, {"path", t.Path}} {
		if part[1] != "" {
			text += " " + part[0] + "=" + part[1]
		}
	}
	if t.TLS {
		text += " tls"
	}
	return text
}

func parseAnswers(text string) ([]Answer, error) {
	var all []Answer
	for one := range strings.SplitSeq(text, " or ") {
		a := Answer{Refused: one == "refused"}
		if !a.Refused && one != "none" && !strings.HasPrefix(one, "none ") {
			for part := range strings.SplitSeq(one, ",") {
				t, err := parseTarget(strings.Fields(part))
				if err != nil {
					return nil, err
				}
				a.Targets = append(a.Targets, t)
			}
		}
		all = append(all, a)
	}
	return all, nil
}

func parseTarget(fields []string) (Target, error) {
	if len(fields) < 2 {
		return Target{}, fmt.Errorf("%v: want EXPORTER PORT", fields)
	}
	t := Target{Exporter: fields[0], Port: strings.Trim(fields[1], "-")}
	for _, field := range fields[2:] {
		key, value, _ := strings.Cut(field, "=")
		switch key {
		case "as":
			t.User = value
		case "pw":
			t.Password = value
		case "host":
			t.Host = value
		case "socket":
			t.Socket = value
		case "path":
			t.Path = value
		case "tls":
			t.TLS = true
		default:
			return t, fmt.Errorf("%q is no part of a target", field)
		}
	}
	return t, nil
}

// got reads what a plan does off the pod that it makes.
func got(plan sidecars.Plan, before, after *corev1.Pod) Answer {
	var a Answer
	for _, list := range [][]corev1.Container{after.Spec.InitContainers, after.Spec.Containers} {
		for i := range list {
			if name, ok := strings.CutPrefix(list[i].Name, sidecars.ContainerPrefix); ok && !has(before, list[i].Name) {
				a.Targets = append(a.Targets, dialed(name, &list[i]))
			}
		}
	}
	for _, d := range plan.Decisions {
		if m := native.FindStringSubmatch(d.Endpoint); m != nil {
			a.Targets = append(a.Targets, Target{Exporter: m[1], TLS: m[2] == "https:", Port: m[3], Path: m[4]})
		}
		a.Refused = a.Refused || d.Outcome == sidecars.Refused
	}
	a.Refused = a.Refused && len(a.Targets) == 0
	return a
}

func has(pod *corev1.Pod, container string) bool {
	return slices.ContainsFunc(slices.Concat(pod.Spec.Containers, pod.Spec.InitContainers), func(c corev1.Container) bool { return c.Name == container })
}

var (
	native   = regexp.MustCompile(`^([^=]+)=(https?:)?([0-9]+)(/.*)?$`)
	address  = regexp.MustCompile(`(127\.0\.0\.1|localhost|\$\([A-Z_]+\)|\[::1\]):([0-9]+)|-squid-port=([0-9]+)`)
	pgPort   = regexp.MustCompile(`(?:^|\s)(?:host=(\S+) )?port=([0-9]+)`)
	overTLS  = regexp.MustCompile(`rediss://|https://|[?&](?:tls|ssl)=true|sslmode=(?:require|verify)|PGSSLMODE=(?:require|verify)|tls\.enable(?:=true)?(?:\s|$)|tls\.enabled(?:=true)?(?:\s|$)|\?tls=|TLS_ENABLED=true|tls\.insecure-skip-verify`)
	unixPath = regexp.MustCompile(`unix://([^;?\s]+)|=(/[^\s;]+\.sock)`)
	userArg  = regexp.MustCompile(`--[a-z.]*user(?:name)?=(\S+)`)
)

// dialed is what an exporter's container speaks to, whatever the exporter: the
// address is in some argument or variable, and the account in variables whose names
// say so.
func dialed(name string, c *corev1.Container) Target {
	t := Target{Exporter: name}
	text := strings.Join(c.Args, "\n")
	for _, v := range c.Env {
		text += "\n" + v.Name + "=" + v.Value
	}
	for _, pattern := range []*regexp.Regexp{address, pgPort} {
		if m := pattern.FindStringSubmatch(text); m != nil && t.Port == "" {
			t.Port = cmp.Or(m[2:]...)
			if strings.Contains(m[1], "$") {
				t.Host = "pod"
			}
		}
	}
	if m := unixPath.FindStringSubmatch(text); m != nil && t.Port == "" {
		t.Socket = cmp.Or(m[1], m[2])
	}
	t.TLS = overTLS.MatchString(text)
	for _, v := range c.Env {
		switch {
		case strings.Contains(v.Name, "PASS"):
			t.Password = source(v)
		case strings.Contains(v.Name, "USER"):
			t.User = source(v)
		}
	}
	if m := userArg.FindStringSubmatch(text); m != nil && !strings.Contains(m[1], "$(") {
		t.User = m[1]
	}
	return t
}

// source is a variable's value, or where it comes from.
func source(v corev1.EnvVar) string {
	switch from := v.ValueFrom; {
	case from == nil:
		return v.Value
	case from.SecretKeyRef != nil:
		return from.SecretKeyRef.Name + "/" + from.SecretKeyRef.Key
	case from.ConfigMapKeyRef != nil:
		return from.ConfigMapKeyRef.Name + "/" + from.ConfigMapKeyRef.Key
	}
	return "another"
}
