package sidecars

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// What a container shows of the workload of an exporter counts; a container with
// enough of it is a server, unless something contradicts.
const (
	byImage    = 4 // the image is known
	byProgram  = 4 // the program is known
	byPort     = 2 // a usual port is declared
	byVariable = 2 // a variable is the server's
	byName     = 1 // the container, a usual port or the image is named after it
	enough     = 3
)

// signals are what one container shows.
type signals struct {
	*corev1.Container
	catalog   Catalog
	image     *entry // that knows the image
	base, tag string
	programs  programs
	completes bool // its pod ends when its programs do
}

// look reads a container of a pod.
func (c Catalog) look(container *corev1.Container, completes bool) signals {
	s := signals{Container: container, catalog: c, completes: completes, programs: c.programs(container)}
	s.base, s.tag = splitImage(container.Image)
	s.image = c.knownImage(s.base, s.tag)
	return s
}

// knownImage is the exporter that an image belongs to, or nil. A word of the tag
// says more than the image, which says more than what its name begins with, which
// says more than a word that tells of any image.
func (c Catalog) knownImage(base, tag string) *entry {
	for _, base := range [...]string{base, kind(base)} {
		if e := taggedAs(c.byTag[base], tag); e != nil {
			return e
		}
	}
	if e, ok := c.byImage[base]; ok {
		return e
	}
	if e := c.byImage[stem(bare(base), isVariant)]; e != nil || hasWord(base, isOther) != "" {
		return e
	}
	return taggedAs(c.byTag[anyImage], tag)
}

// anyImage stands for all images in what tags say.
const anyImage = "*"

// taggedAs is the exporter of the first word of a tag that has one, or nil.
func taggedAs(words map[string]*entry, tag string) *entry {
	if words == nil {
		return nil
	}
	for word := range strings.SplitSeq(tag, "-") {
		if e, ok := words[word]; ok {
			return e
		}
		if e, ok := words[withoutVersion(word)]; ok {
			return e
		}
	}
	return nil
}

// weight of what a container shows of an exporter's workload.
func (s signals) weight(e *entry) int {
	sum := 0
	if s.image == e {
		sum += byImage
	}
	if slices.Contains(s.programs.servers, e) {
		sum += byProgram
	}
	named := e.named(s.Name) || e.named(s.base) || s.image == nil && e.named(calledBesides(s.Image, s.base, s.tag))
	if port := s.port(e); port != nil {
		sum += byPort
		named = named || e.named(port.Name) && (s.mentions(e, s.base) || s.mentions(e, s.Name))
	}
	if named {
		sum += byName
	}
	if s.reads(e) {
		sum += byVariable
	}
	return sum
}

// mentions reports whether a name has one of the workload's names in it, or a word of what
// keeps data: a port's name alone may also say whose protocol something else speaks.
func (s signals) mentions(e *entry, name string) bool {
	for word := range strings.FieldsFuncSeq(name, separates) {
		if word = withoutDigits(word); e.names[word] || isHolder[word] {
			return true
		}
	}
	return false
}

// reads reports whether the container has a variable that only the server reads.
func (s signals) reads(e *entry) bool {
	return len(e.spec.Recognize.Env) > 0 && slices.ContainsFunc(s.Env, func(v corev1.EnvVar) bool { return slices.Contains(e.spec.Recognize.Env, v.Name) })
}

// port is a usual port that the container declares, or nil; one that is also
// named so before others.
func (s signals) port(e *entry) (found *corev1.ContainerPort) {
	for i := range s.Ports {
		if p := &s.Ports[i]; slices.Contains(e.spec.Recognize.Ports, p.ContainerPort) {
			if e.named(p.Name) {
				return p
			}
			found = cmp.Or(found, p)
		}
	}
	return found
}

// named reports whether a name is the workload's, or says that it is one of them.
func (e *entry) named(name string) bool {
	return name != "" && (e.names[name] || e.names[kind(name)])
}

// contradiction is what shows that a container is no server of the workload
// although it looks like one, or "". What is unknown contradicts nothing.
func (s signals) contradiction(e *entry) string {
	r := e.spec.Recognize
	if word := s.otherImage(e); word != "" {
		return word
	}
	if len(r.NotArgs) > 0 {
		if word := hasArgument(s.Container, r.NotArgs); word != "" && !runsWithout(s.Container, r.Commands, r.NotArgs) {
			return "has the argument " + word
		}
	}
	for _, not := range r.NotEnv {
		name, value, _ := strings.Cut(not, "=")
		if slices.ContainsFunc(s.Env, func(v corev1.EnvVar) bool { return v.Name == name && v.Value == value }) {
			return "has the variable " + not
		}
	}
	if port := s.otherPort(e); port != "" {
		return "declares " + port
	}
	return s.otherProgram(e)
}

// otherImage is a contradiction by the image's name, or its tag's.
func (s signals) otherImage(e *entry) string {
	switch {
	case slices.Contains(s.programs.servers, e):
		return ""
	case s.image == e:
		if word := hasWord(s.tag, isOtherTag); word != "" {
			return fmt.Sprintf("has an image whose tag says %s", word)
		}
		return ""
	case s.image != nil:
		return fmt.Sprintf("has the image of %s", s.image.name)
	}
	named := e.named(s.Name)
	if word := otherName(s.base, named || e.named(s.base)); word != "" {
		return fmt.Sprintf("has an image whose name says %s", word)
	}
	if word := otherName(s.Name, named); word != "" {
		return fmt.Sprintf("has a name that says %s", word)
	}
	if word := s.catalog.another(s.base, e); word != "" {
		return fmt.Sprintf("has an image whose name says %s", word)
	}
	if word := e.behind(s.Name); word != "" {
		return fmt.Sprintf("has a name that says %s", word)
	}
	return ""
}

// otherName is a word of a name that says that it is no server, or "". Where the image
// or the container is named after the workload, what that is for may be said besides.
func otherName(name string, named bool) string {
	if named {
		return hasWord(name, isTool)
	}
	return hasWord(name, isOther)
}

// another is a word of an image's name that is the name of another workload, or
// "": of a proxy, or of any where none is the workload's own and the image is not
// of what keeps its data.
func (c Catalog) another(base string, e *entry) (found string) {
	if word := e.behind(base); word != "" {
		return word
	}
	own := false
	for word := range strings.FieldsFuncSeq(base, separates) {
		word = withoutDigits(word)
		own = own || e.names[word]
		if len(c.byName[word]) > 0 && found == "" {
			found = word
		}
	}
	if own || hasWord(base, isStore) != "" {
		return ""
	}
	return found
}

// behind is a word of a name that is a proxy's, and not the workload's own.
func (e *entry) behind(name string) string {
	for word := range strings.FieldsFuncSeq(name, separates) {
		if word = withoutDigits(word); isProxy[word] && !e.names[word] {
			return word
		}
	}
	return ""
}

// otherPort is a contradiction by the declared ports: all of them are named after
// something else, or are what only something else listens on, as 6379 named redis.
func (s signals) otherPort(e *entry) string {
	if len(s.Ports) == 0 || slices.ContainsFunc(s.Ports, func(p corev1.ContainerPort) bool {
		return !slices.Contains(e.spec.Recognize.NotPorts, p.ContainerPort) && (s.image == e || hasWord(p.Name, isOtherPort) == "") && !s.catalog.foreign(p, e)
	}) {
		return ""
	}
	return fmt.Sprintf("port %d only", s.Ports[0].ContainerPort)
}

// foreign reports whether a port is a usual one of another workload, and named
// after that. What serves metrics itself may be a proxy, whose ports are named so.
func (c Catalog) foreign(p corev1.ContainerPort, e *entry) bool {
	return p.Name != "" && !isNative(e) && !slices.Contains(e.spec.Recognize.Ports, p.ContainerPort) && !e.named(p.Name) &&
		slices.ContainsFunc(c.byPort[p.ContainerPort], func(other *entry) bool { return other.named(p.Name) })
}

// otherProgram is a contradiction by what runs. Where a pod ends with its
// programs, an unknown one is a task.
func (s signals) otherProgram(e *entry) string {
	p := s.programs
	switch {
	case p.own || slices.Contains(p.servers, e):
		return ""
	case len(p.servers) > 0:
		return fmt.Sprintf("runs %s", p.servers[0].name)
	case p.other != "":
		return fmt.Sprintf("runs %s", p.other)
	case p.unknown != "" && s.completes && s.port(e) == nil:
		return fmt.Sprintf("runs %s in a pod that runs to completion", p.unknown)
	case p.unknown != "" && hasWord(s.Name, isOtherProgram) != "":
		return fmt.Sprintf("runs %s under the name %s", p.unknown, s.Name)
	case p.unknown != "":
		return ""
	case p.idle != "":
		return fmt.Sprintf("runs nothing but %s", p.idle)
	}
	return "runs nothing"
}
