package policy

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
)

// texts are values of variables, flags and annotations: good ones, and those that try to become something else.
var texts = []string{"true", "false", "no", "", "1", "6380", "8080", "127.0.0.1", "localhost", "0.0.0.0", "*", "admin", "trust", "$(OTHER)", "${OTHER}", "$OTHER", "a$b",
	"vault:x", "/metrics", ":9000", "0.0.0.0:9001", "http://0.0.0.0:2379", "requireTLS", "443", "8443", "::", "10.0.0.1", "--x", "`cat x`", "x'y", `"6381"`, "a,b", "65536", "rediss",
	"6379@evil.example:1", "evil.example/x:1", `6379", "privileged": true, "x": "`, "６３７９", "../../etc/passwd", "kube-system/admin/token", "\\ue000", "a=b"}

// vocabulary is what one exporter's definition asks of a server.
type vocabulary struct{ env, flags, images, programs, ports, names, parameters []string }

func vocabularyOf(name string) vocabulary {
	s, _ := sidecars.Builtin().Spec(name)
	v := vocabulary{images: append(slices.Clone(s.Recognize.Images), s.Recognize.Tagged...), programs: append(slices.Clone(s.Recognize.Commands), s.Recognize.NotCommands...),
		env: []string{"OTHER", "APP_PASSWORD"}, flags: []string{"--foo"}, ports: []string{"8080", "443", fmt.Sprint(s.Port)}, names: []string{"http", "https", "metrics", name}}
	signs := func(lists ...[]v1alpha1.Sign) {
		for _, sign := range slices.Concat(lists...) {
			v.env, v.flags = append(v.env, sign.Env), append(v.flags, sign.Arg)
		}
	}
	for _, p := range s.Parameters {
		v.parameters, v.env, v.flags, v.names = append(v.parameters, p.Name), append(v.env, p.FromEnv...), append(v.flags, p.FromArgs...), append(v.names, p.PortNames...)
		for _, value := range slices.Concat(p.FromSigns, p.Defaults) {
			signs(value.When, value.Unless)
		}
	}
	for _, o := range s.Obstacles {
		signs(o.When, o.Unless)
	}
	if c := s.Credentials; c != nil {
		for _, a := range c.Accounts {
			v.env, v.flags = append(v.env, a.User, a.Password, a.Password+"_FILE"), append(v.flags, a.PasswordArgs...)
			signs(a.When)
		}
	}
	for _, p := range s.Recognize.Ports {
		v.ports = append(v.ports, fmt.Sprint(p))
	}
	none := func(s string) bool { return s == "" || s == "_FILE" }
	v.env, v.flags = slices.DeleteFunc(v.env, none), slices.DeleteFunc(v.flags, none)
	return v
}

// maker makes pods up, the same in each run.
type maker struct{ *rand.Rand }

func (m maker) of(list ...string) string { return list[m.IntN(len(list))] }

func (m maker) chance(percent int) bool { return m.IntN(100) < percent }

func (m maker) container(name string, i int) corev1.Container {
	v := vocabularyOf(name)
	c := corev1.Container{Name: fmt.Sprintf("%s-%d", m.of("app", "main", "server", name), i), Image: "corp/app:1"}
	if len(v.images) > 0 && m.chance(85) {
		c.Image = m.of("", "docker.io/library/", "reg:5000/bitnami/") + m.of(v.images...)
	}
	for range m.IntN(3) {
		number, _ := strconv.Atoi(m.of(v.ports...))
		name := m.of(v.names...)
		if !slices.ContainsFunc(c.Ports, func(p corev1.ContainerPort) bool { return p.Name == name }) && len(name) <= 15 {
			c.Ports = append(c.Ports, corev1.ContainerPort{ContainerPort: int32(number), Name: name})
		}
	}
	for range m.IntN(4) {
		e := corev1.EnvVar{Name: m.of(v.env...), Value: m.of(texts...)}
		if m.chance(45) {
			e.Value, e.ValueFrom = "", &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "s"}, Key: "k"}}
		}
		c.Env = append(c.Env, e)
	}
	if m.chance(10) {
		c.EnvFrom = []corev1.EnvFromSource{{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "whole"}}}}
	}
	m.line(&c, v)
	return c
}

// line gives a container a command line, or none.
func (m maker) line(c *corev1.Container, v vocabulary) {
	var words []string
	if len(v.programs) > 0 {
		words = append(words, m.of(v.programs...))
	}
	for range m.IntN(4) {
		flag := m.of(v.flags...)
		if before, setting, ok := strings.Cut(flag, " "); ok {
			words = append(words, before, setting+"="+m.of(texts...))
		} else {
			words = append(words, strings.Split(flag+m.of("=", "\n")+m.of(texts...), "\n")...)
		}
	}
	switch m.IntN(6) {
	case 0:
		c.Command = []string{"sh", "-c", strings.Join(words, " ")}
	case 1:
		c.Command, c.Args = []string{"/bin/bash"}, []string{"-ec", strings.Join(words, m.of(" ", "\n", " && "))}
	case 2:
		c.Command = words
	case 3:
		c.Args = words
	}
}

func (m maker) pod() (*corev1.Pod, sidecars.Namespace) {
	names := sidecars.Builtin().Names()
	name := m.of(names...)
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p", Annotations: map[string]string{}}}
	p.Spec.RestartPolicy = corev1.RestartPolicy(m.of("Always", "Always", "Never"))
	for i := range 1 + m.IntN(5)/4 {
		p.Spec.Containers = append(p.Spec.Containers, m.container(name, i))
		name = m.of(name, m.of(names...))
	}
	var ns sidecars.Namespace
	switch m.IntN(5) {
	case 0:
		ns.Labels = map[string]string{sidecars.InjectKey: sidecars.InjectEnabled}
	case 1, 2:
		p.Annotations[sidecars.InjectKey] = sidecars.InjectAuto
	default:
		p.Annotations[sidecars.InjectKey] = name
	}
	keys := []string{"secret", "container", "cpu-limit", "user", "profile"}
	for range m.IntN(5) / 3 {
		p.Annotations[name+".outrider.dev/"+m.of(append(keys, vocabularyOf(name).parameters...)...)] = m.of(append(texts, p.Spec.Containers[0].Name, "own/password")...)
	}
	if m.chance(10) {
		p.Annotations[m.of(sidecars.PlacementKey, sidecars.ScrapeKey, sidecars.MeshKey, "outrider.dev/image", "prometheus.io/port")] = m.of("native", "container", "8080", "https:8443/x", "a=1,b=2", "keep")
	}
	if m.chance(10) {
		no := false
		p.Spec.AutomountServiceAccountToken = &no
	}
	return p, ns
}

// TestNothingElse holds the policies against the engine over made-up pods: each comes out as the engine says, or as it was.
func TestNothingElse(t *testing.T) {
	c := server(t)
	active(t)
	namespaces := map[bool]string{
		false: namespaceLike(t, c, sidecars.Namespace{}),
		true:  namespaceLike(t, c, sidecars.Namespace{Labels: map[string]string{sidecars.InjectKey: sidecars.InjectEnabled}}),
	}
	m := maker{rand.New(rand.NewPCG(3, 4))}
	var decided tally
	for range 800 {
		pod, ns := m.pod()
		plain, _, err := tryDryRun(t, metav1.NamespaceSystem, pod)
		if err != nil {
			continue // the API server itself refuses it
		}
		plan := sidecars.NewPlan(sidecars.Input{Pod: pod, Namespace: ns}, sidecars.Builtin())
		want, _ := dryRun(t, metav1.NamespaceSystem, plan.Apply(pod))
		got, _ := dryRun(t, namespaces[ns.Labels != nil], pod)
		dropRequested(got)
		same := asJSON(t, got) == asJSON(t, want)
		if !same && asJSON(t, got) != asJSON(t, plain) {
			t.Errorf("it is neither what the engine says nor as it was (-engine +stored):\n%s\n%s", cmp.Diff(asJSON(t, want), asJSON(t, got)), asJSON(t, pod))
		}
		if plan.Injects() {
			decided.add(same)
		}
	}
	t.Logf("figure: of made-up pods the policies decide %s that get a sidecar, and none in another way than the webhook", decided)
	if decided.decided < 20 {
		t.Errorf("%s decided, too few to prove anything", decided)
	}
}

// TestLargePods: what is evaluated stays within the API server's limits of cost. The largest is left, and not because of them.
func TestLargePods(t *testing.T) {
	ns := namespaceLike(t, server(t), sidecars.Namespace{})
	active(t)
	for containers, injected := range map[int]bool{1: true, 80: true, 250: false} {
		got, warned := dryRun(t, ns, large(containers, 20))
		want := map[bool]string{true: sidecars.RequestedByPolicy, false: "Size"}[injected]
		if (len(got.Spec.Containers) > containers) != injected || got.Labels[sidecars.RequestedKey] != want || !injected && !strings.Contains(reasonOf(warned), "(Size)") {
			t.Errorf("%d containers: %d after, labels %v, %q", containers, len(got.Spec.Containers), got.Labels, warned)
		}
	}
}
