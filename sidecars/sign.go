package sidecars

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
)

// Parameters that signs may ask for besides those that are declared.
const accountParameter = "account" // an account is found or named

// seen reports whether all of some signs are seen and none of others.
func (e *entry) seen(s *shown, when, unless []v1alpha1.Sign) bool {
	is := func(sign v1alpha1.Sign) bool { return e.sees(s, sign) }
	return s.server != nil && !slices.ContainsFunc(when, func(sign v1alpha1.Sign) bool { return !is(sign) }) && !slices.ContainsFunc(unless, is)
}

// sees reports whether a server shows a sign.
func (e *entry) sees(s *shown, sign v1alpha1.Sign) bool {
	switch {
	case sign.Arg != "":
		return e.seesArg(s, sign)
	case sign.Env != "":
		v := s.env(sign.Env)
		if v == nil {
			return false
		}
		value, known := s.literal(sign.Env)
		return known && e.says(sign, value) || !known && (sign.Matches == "" || e.saysPartly(sign, v.Value))
	case sign.Image != "":
		return imageIs(s.server.Image, sign.Image)
	case sign.Port != "":
		return e.matching[sign.Port].MatchString(s.portName())
	case sign.Mount != "":
		return s.mounts(sign.Mount)
	case sign.Given != "":
		_, ofPod := s.annotations[sign.Given]
		_, ofNamespace := s.defaults[sign.Given]
		return ofPod || ofNamespace
	case sign.Parameter == secretParameter:
		return s.secret
	case sign.Parameter == accountParameter:
		return s.account
	}
	return e.says(sign, s.values[sign.Parameter])
}

func (e *entry) seesArg(s *shown, sign v1alpha1.Sign) bool {
	words := s.words()
	for i := len(words) - 1; i >= 0; i-- {
		value, given, found := flagAt(words, i, sign.Arg)
		if !found {
			continue
		}
		if !given || sign.Matches == "" && strings.HasPrefix(value, "-") {
			return sign.Matches == ""
		}
		text, known := s.resolve(value)
		return known && e.says(sign, text) || !known && (sign.Matches == "" || e.saysPartly(sign, value))
	}
	return false
}

// says reports whether a value is what a sign asks for.
func (e *entry) says(sign v1alpha1.Sign, value string) bool {
	if sign.Matches != "" {
		return e.matching[sign.Matches].MatchString(value)
	}
	return isSet(value)
}

// saysPartly reports whether a value of which a part is not in the pod is what a sign
// asks for whatever that is, such as https://$(POD_IP):8200.
func (e *entry) saysPartly(sign v1alpha1.Sign, value string) bool {
	_, whole := variable(value)
	return value != "" && !whole && e.matching[sign.Matches].MatchString(value)
}

// isSet reports whether a value switches something on.
func isSet(value string) bool {
	switch strings.ToLower(value) {
	case "", "false", "no", "off", "0":
		return false
	}
	return true
}

// portName is the name under which the server declares the port in use, in
// lower case.
func (s *shown) portName() string {
	for _, p := range s.server.Ports {
		if strconv.Itoa(int(p.ContainerPort)) == s.values["port"] {
			return p.Name
		}
	}
	return ""
}

// mounts reports whether the server has a volume at a folder, below or above it.
func (s *shown) mounts(folder string) bool {
	folder += "/"
	return slices.ContainsFunc(s.server.VolumeMounts, func(m corev1.VolumeMount) bool {
		at := strings.TrimRight(m.MountPath, "/") + "/"
		return strings.HasPrefix(at, folder) || strings.HasPrefix(folder, at)
	})
}

// seenAny reports whether one of some signs is seen.
func (e *entry) seenAny(s *shown, signs []v1alpha1.Sign) bool {
	return s.server != nil && slices.ContainsFunc(signs, func(sign v1alpha1.Sign) bool { return e.sees(s, sign) })
}

// The two times at which obstacles are looked for: some are about the account.
const (
	beforeAccount = false
	afterAccount  = true
)

// refuseObstacle answers what the exporter cannot work with.
func (p *planner) refuseObstacle(e *entry, s *shown, time bool) bool {
	isAccount := func(sign v1alpha1.Sign) bool { return sign.Parameter == accountParameter }
	for i := range e.spec.Obstacles {
		o := &e.spec.Obstacles[i]
		if (slices.ContainsFunc(o.When, isAccount) || slices.ContainsFunc(o.Unless, isAccount)) != time || !e.seen(s, o.When, o.Unless) {
			continue
		}
		switch o.Effect {
		case v1alpha1.Warn, v1alpha1.Hint:
			p.warn(e.name + ": " + o.Message)
		case v1alpha1.Skip:
			p.answer(e.name, Skipped, Unsupported, "%s: %s", e.name, o.Message)
			return true
		default:
			p.refuse(e.name, Unsupported, "%s: %s", e.name, o.Message)
			return true
		}
	}
	return false
}

// warn lets the exporter be injected with a sentence about it; the first counts.
func (p *planner) warn(message string) { p.warning = cmp.Or(p.warning, message) }

// forSigns visits the signs of a definition.
func forSigns(spec v1alpha1.ExporterSpec, visit func(field string, sign v1alpha1.Sign)) {
	all := func(field string, signs ...[]v1alpha1.Sign) {
		for _, list := range signs {
			for _, sign := range list {
				visit(field, sign)
			}
		}
	}
	for i, p := range spec.Parameters {
		for j, v := range p.FromSigns {
			all(fmt.Sprintf("spec.parameters[%d].fromSigns[%d]", i, j), v.When, v.Unless)
		}
		for j, v := range p.Defaults {
			all(fmt.Sprintf("spec.parameters[%d].defaults[%d]", i, j), v.When, v.Unless)
		}
	}
	if g := spec.Grant; g != nil {
		for i, way := range g.Ways {
			all(fmt.Sprintf("spec.grant.ways[%d].when", i), way.When)
		}
	}
	for i, o := range spec.Obstacles {
		all(fmt.Sprintf("spec.obstacles[%d]", i), o.When, o.Unless)
	}
	if c := spec.Credentials; c != nil {
		all("spec.credentials.unless", c.Unless)
		for i, a := range c.Accounts {
			all(fmt.Sprintf("spec.credentials.accounts[%d].when", i), a.When)
		}
	}
}

// compileSigns compiles every pattern of a definition's signs.
func compileSigns(spec v1alpha1.ExporterSpec, bad *problems) map[string]*regexp.Regexp {
	compiled := map[string]*regexp.Regexp{}
	forSigns(spec, func(field string, sign v1alpha1.Sign) {
		for _, pattern := range []string{sign.Matches, sign.Port} {
			if pattern == "" || compiled[pattern] != nil {
				continue
			}
			re, err := regexp.Compile("(?i)^(?:" + pattern + ")$")
			if err != nil {
				bad.add(field, "%w", err)
				continue
			}
			compiled[pattern] = re
		}
	})
	return compiled
}
