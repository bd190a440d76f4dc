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
	byImage   = 4 // the image is known
	byProgram = 4 // the program is known
	byPort    = 2 // a usual port is declared
	byName    = 1 // the container, a usual port or the image is named after it
	enough    = 3
)

// long are the containers of a pod that run as long as it does, native sidecars
// among them. Our own are left out.
func long(pod *corev1.Pod) []*corev1.Container {
	found := make([]*corev1.Container, 0, len(pod.Spec.Containers)+len(pod.Spec.InitContainers))
	for i := range pod.Spec.Containers {
		found = append(found, &pod.Spec.Containers[i])
	}
	for i := range pod.Spec.InitContainers {
		if c := &pod.Spec.InitContainers[i]; c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			found = append(found, c)
		}
	}
	return slices.DeleteFunc(found, func(c *corev1.Container) bool { return strings.HasPrefix(c.Name, ContainerPrefix) })
}

// completes reports whether a pod ends when its programs do.
func completes(pod *corev1.Pod) bool {
	return pod.Spec.RestartPolicy == corev1.RestartPolicyNever || pod.Spec.RestartPolicy == corev1.RestartPolicyOnFailure
}

// signals are what one container shows.
type signals struct {
	*corev1.Container
	image     *entry // that knows the image
	base, tag string
	programs  programs
	completes bool // its pod ends when its programs do
}

// look reads a container of a pod.
func (c Catalog) look(container *corev1.Container, completes bool) signals {
	s := signals{Container: container, completes: completes, programs: c.programs(container)}
	s.base, s.tag = splitImage(container.Image)
	s.image = c.knownImage(s.base, s.tag)
	return s
}

// knownImage is the exporter that an image belongs to, or nil. A word of the tag
// says more than the image, which says more than what its name begins with.
func (c Catalog) knownImage(base, tag string) *entry {
	if words := c.byTag[base]; words != nil {
		for word := range strings.SplitSeq(tag, "-") {
			if e, ok := words[word]; ok {
				return e
			}
			if e, ok := words[withoutVersion(word)]; ok {
				return e
			}
		}
	}
	if e, ok := c.byImage[base]; ok {
		return e
	}
	return c.byImage[stem(base, isVariant)]
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
	named := e.named(s.Name) || e.named(s.base)
	if port := s.port(e); port != nil {
		sum += byPort
		named = named || e.named(port.Name)
	}
	if named {
		sum += byName
	}
	return sum
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
		if word := hasArgument(s.Container, r.NotArgs); word != "" {
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
	if word := hasWord(s.base, isOther); word != "" {
		return fmt.Sprintf("has an image whose name says %s", word)
	}
	if word := hasWord(s.Name, isOther); word != "" {
		return fmt.Sprintf("has a name that says %s", word)
	}
	return ""
}

// otherPort is a contradiction by the declared ports: all of them are named after
// something else, or are what only something else listens on.
func (s signals) otherPort(e *entry) string {
	if len(s.Ports) == 0 || slices.ContainsFunc(s.Ports, func(p corev1.ContainerPort) bool {
		return !slices.Contains(e.spec.Recognize.NotPorts, p.ContainerPort) && (s.image == e || hasWord(p.Name, isOther) == "")
	}) {
		return ""
	}
	return fmt.Sprintf("port %d only", s.Ports[0].ContainerPort)
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

// candidates adds the exporters of whose workload a container shows enough. A
// known image says more than any port.
func (s signals) candidates(c Catalog, found []*entry) []*entry {
	if s.image != nil {
		found = append(found, s.image)
	}
	found = append(found, s.programs.servers...)
	for i := range s.Ports {
		for _, e := range c.byPort[s.Ports[i].ContainerPort] {
			if s.image == nil && s.weight(e) >= enough {
				found = append(found, e)
			}
		}
	}
	return found
}

// recognize are the exporters of the workloads that a pod's containers serve, in
// the order of the containers; those of the first that serves any are enough for
// some.
func (c Catalog) recognize(pod *corev1.Pod, first bool) (recognized []*entry) {
	var few [8]*entry
	for _, container := range long(pod) {
		s := c.look(container, completes(pod))
		for _, e := range s.candidates(c, few[:0]) {
			if !slices.Contains(recognized, e) && s.contradiction(e) == "" {
				recognized = append(recognized, e)
			}
		}
		if first && len(recognized) > 0 {
			return recognized
		}
	}
	return recognized
}

// Passed is a container that looks like the workload of an exporter and is not
// taken for it.
type Passed struct {
	Container string `json:"container"`
	Exporter  string `json:"exporter"`
	// Why is what contradicts, as a verb and its object.
	Why string `json:"why"`
}

// String is a clause: container "cache" looks like redis but runs redis-cli.
func (p Passed) String() string {
	return fmt.Sprintf("container %q looks like %s but %s", shorten(p.Container), p.Exporter, shorten(p.Why))
}

// Passed are the containers of a pod that look like servers and are not taken
// for them; where another container is, they do not matter and are left out.
func (c Catalog) Passed(pod *corev1.Pod) []Passed {
	var passed []Passed
	for _, container := range long(pod) {
		s := c.look(container, completes(pod))
		for _, e := range s.candidates(c, nil) {
			p := Passed{container.Name, e.name, s.contradiction(e)}
			if p.Why != "" && len(passed) < mostWords && !slices.Contains(passed, p) && len(c.servers(pod, e)) == 0 {
				passed = append(passed, p)
			}
		}
	}
	return passed
}

// servers are the containers that run the workload of an exporter. Where one has
// its image or program, those with no more than its port do not count.
func (c Catalog) servers(pod *corev1.Pod, e *entry) []*corev1.Container {
	var found []*corev1.Container
	most := 0
	for _, container := range long(pod) {
		s := c.look(container, completes(pod))
		weight := min(s.weight(e), byImage)
		if weight < max(enough, most) || s.contradiction(e) != "" {
			continue
		}
		if weight > most {
			most, found = weight, nil
		}
		found = append(found, container)
	}
	return found
}

// likeliest is the container that shows most of an exporter's workload, for pods
// that ask for it by name and show too little to tell; nil where none or several
// do.
func (c Catalog) likeliest(pod *corev1.Pod, e *entry) (found *corev1.Container) {
	most := 0
	for _, container := range long(pod) {
		s := c.look(container, false)
		weight := s.weight(e)
		switch {
		case weight == 0 || s.contradiction(e) != "" || weight < most:
		case weight == most:
			found = nil
		default:
			most, found = weight, container
		}
	}
	return found
}

// guess is the server of a pod that asks for an exporter by name and shows no
// server: its only container, or the likeliest.
func (c Catalog) guess(pod *corev1.Pod, e *entry) *corev1.Container {
	if found := c.likeliest(pod, e); found != nil {
		return found
	}
	var only *corev1.Container
	for _, container := range long(pod) {
		if only != nil {
			return nil
		}
		only = container
	}
	return only
}

// exporterOf returns the name of a container that is an exporter for the workload
// and not ours, or "": by its image, or by a name with both words in it, such as
// crunchy-postgres-exporter.
func exporterOf(pod *corev1.Pod, e *entry) string {
	for _, list := range [][]corev1.Container{pod.Spec.Containers, pod.Spec.InitContainers} {
		for i := range list {
			base, _ := splitImage(list[i].Image)
			if slices.Contains(e.spec.Recognize.Exporters, base) || e.exportedBy(base) || e.exportedBy(list[i].Name) {
				return list[i].Name
			}
		}
	}
	return ""
}

// exportedBy reports whether a name is that of an exporter for the workload.
func (e *entry) exportedBy(name string) bool {
	return strings.Contains(name, "exporter") && e.exporters.MatchString(name)
}
