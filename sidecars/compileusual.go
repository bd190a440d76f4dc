package sidecars

import (
	"cmp"
	"reflect"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// hints are words of which a container has one that is recognized by its image or program.
func (e *entry) hints() []string {
	r := e.spec.Recognize
	words := slices.Concat(r.Images, r.Commands)
	for _, tagged := range r.Tagged {
		_, word, _ := strings.Cut(tagged, ":")
		words = append(words, word)
	}
	slices.SortFunc(words, func(a, b string) int { return cmp.Or(len(a)-len(b), strings.Compare(a, b)) })
	var hints []string
	for _, word := range words {
		if !slices.ContainsFunc(hints, func(h string) bool { return strings.Contains(word, h) }) {
			hints = append(hints, word)
		}
	}
	return hints
}

// silent records the container that the engine gives to a pod whose server says nothing of what the definition reads, as most
// do not: the policies need not look at parameters, signs and accounts then. There is no record where such a pod is not injected.
func (c *compiler) silent(s Settings) {
	usual, ok := c.usual(s)
	if !ok {
		return
	}
	port, names := "", []string(nil)
	for i := range c.spec.Parameters {
		p := &c.spec.Parameters[i]
		if !p.FromPorts {
			continue
		}
		number, err := strconv.ParseInt(p.Default, 10, 32)
		same, ok := c.usual(s, corev1.ContainerPort{ContainerPort: int32(number)})
		if port != "" || err != nil || !ok || !reflect.DeepEqual(same, usual) {
			port = noPort
			break
		}
		port, names = p.Default, p.PortNames
	}
	if c.looksAtPortNames() {
		port = noPort
	}
	c.record("silent", port, c.list(names), yes(c.spec.Credentials != nil))
	for _, text := range usual.Command {
		c.literal("usual", "command", "", text)
	}
	for _, text := range usual.Args {
		c.literal("usual", "arg", "", text)
	}
	for _, v := range usual.Env {
		c.literal("usual", "env", v.Name, v.Value)
	}
}

// noPort stands where a port of the server may make a difference.
const noPort = "-"

// looksAtPortNames reports whether a sign is the name of a port.
func (c *compiler) looksAtPortNames() bool {
	return slices.ContainsFunc(c.records[slices.Index(kinds[:], "ifValue")], func(r string) bool { return strings.Split(r, "\t")[3] == "port" })
}

// usual is the container for a server that has these ports and says nothing else.
func (c *compiler) usual(s Settings, ports ...corev1.ContainerPort) (corev1.Container, bool) {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{InjectKey: c.name}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "server", Ports: ports}}},
	}
	plan := NewPlan(Input{Pod: pod, Settings: s}, index(map[string]*entry{c.name: c.entry}))
	if len(plan.containers) != 1 {
		return corev1.Container{}, false
	}
	added := plan.containers[0]
	return added, !slices.ContainsFunc(added.Env, func(v corev1.EnvVar) bool { return v.ValueFrom != nil })
}
