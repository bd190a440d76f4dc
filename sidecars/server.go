package sidecars

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// running are the containers of a pod that run as long as it does, native sidecars
// among them.
func running(pod *corev1.Pod) []*corev1.Container {
	found := make([]*corev1.Container, 0, len(pod.Spec.Containers)+len(pod.Spec.InitContainers))
	for i := range pod.Spec.Containers {
		found = append(found, &pod.Spec.Containers[i])
	}
	for i := range pod.Spec.InitContainers {
		if c := &pod.Spec.InitContainers[i]; c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			found = append(found, c)
		}
	}
	return found
}

// long are those that are not ours.
func long(pod *corev1.Pod) []*corev1.Container {
	return slices.DeleteFunc(running(pod), func(c *corev1.Container) bool { return strings.HasPrefix(c.Name, ContainerPrefix) })
}

// completes reports whether a pod ends when its programs do.
func completes(pod *corev1.Pod) bool {
	return pod.Spec.RestartPolicy == corev1.RestartPolicyNever || pod.Spec.RestartPolicy == corev1.RestartPolicyOnFailure
}

// candidates adds the exporters of whose workload a container shows enough. A
// known image says more than any port.
func (s signals) candidates(c Catalog, found []*entry) []*entry {
	if s.image != nil {
		found = append(found, s.image)
	}
	found = append(found, s.programs.servers...)
	if s.image != nil {
		return found
	}
	add := func(some []*entry) {
		for _, e := range some {
			if s.weight(e) >= enough {
				found = append(found, e)
			}
		}
	}
	for i := range s.Ports {
		add(c.byPort[s.Ports[i].ContainerPort])
	}
	if len(s.Env) > 0 {
		for _, name := range [...]string{s.Name, s.base} {
			add(c.byName[name])
			add(c.byName[kind(name)])
		}
	}
	return found
}

// byPortName are the exporters whose usual port a container declares under their workload's name.
func (s signals) byPortName(c Catalog) (found []*entry) {
	if s.image != nil {
		return nil
	}
	for _, p := range s.Ports {
		for _, e := range c.byPort[p.ContainerPort] {
			if e.named(p.Name) {
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
		candidates := s.candidates(c, nil)
		for _, e := range append(candidates, s.byPortName(c)...) {
			p := Passed{container.Name, e.name, s.contradiction(e)}
			if p.Why == "" && !slices.Contains(candidates, e) {
				p.Why = "shows it by the name of a port only"
			}
			if p.Why != "" && len(passed) < mostWords && !slices.Contains(passed, p) && len(c.servers(pod, e)) == 0 {
				passed = append(passed, p)
			}
		}
	}
	return passed
}

// servers are the containers that run the workload of an exporter. Where one has
// its image or program, those with no more than its port do not count; nor do those
// that have its image for another program, where one runs what the image is for.
func (c Catalog) servers(pod *corev1.Pod, e *entry) []*corev1.Container {
	var found []*corev1.Container
	most := 0
	for _, container := range long(pod) {
		s := c.look(container, completes(pod))
		weight := min(s.weight(e), byImage)
		if s.programs.unknown != "" && !slices.Contains(s.programs.servers, e) {
			weight = min(weight, byImage-1)
		}
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

// exporterOf returns the name of a container that runs as long as the pod and is an
// exporter for the workload and not ours, or "": by its image or program, or by a name with both words in it, such as
// crunchy-postgres-exporter; an image's tag may be that name.
func exporterOf(pod *corev1.Pod, e *entry) string {
	for _, c := range running(pod) {
		base, tag := splitImage(c.Image)
		if slices.Contains(e.spec.Recognize.Exporters, base) || e.exportedBy(base) || e.exportedBy(tag) || e.exportedBy(c.Name) ||
			len(c.Command) > 0 && e.exportedBy(path.Base(c.Command[0])) {
			return c.Name
		}
	}
	return ""
}

var isExporter = regexp.MustCompile(exporterPattern)

// exportedBy reports whether a name is that of an exporter for the workload.
func (e *entry) exportedBy(name string) bool {
	return strings.Contains(name, "exporter") && isExporter.MatchString(name) && e.exporters.MatchString(name)
}
