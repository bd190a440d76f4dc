package policy

import (
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/outrider-dev/outrider/sidecars"
)

// hostile are pods that tenants make so that the policies fail, or cost the API server more than they should.
func hostile() map[string]*corev1.Pod {
	pods := map[string]*corev1.Pod{}
	add := func(name string, change func(*corev1.Pod, *corev1.Container)) {
		for _, asked := range []string{"redis", sidecars.InjectAuto} {
			p := redis(sidecars.InjectKey, asked)
			change(p, &p.Spec.Containers[0])
			pods[name+", "+asked] = p
		}
	}
	add("one long word", func(_ *corev1.Pod, c *corev1.Container) { c.Args = []string{"--port" + strings.Repeat("1", 400_000)} })
	add("a long script", func(_ *corev1.Pod, c *corev1.Container) {
		c.Command = []string{"sh", "-c", strings.Repeat("redis-server --port 1;", 18_000)}
	})
	add("a script of separators", func(_ *corev1.Pod, c *corev1.Container) {
		c.Command = []string{"sh", "-c", "redis-server" + strings.Repeat(";\n", 200_000)}
	})
	add("many words", func(_ *corev1.Pod, c *corev1.Container) {
		for range 20_000 {
			c.Args = append(c.Args, "--port", "6380")
		}
	})
	add("empty words", func(_ *corev1.Pod, c *corev1.Container) { c.Args = make([]string, 100_000) })
	add("a long image", func(_ *corev1.Pod, c *corev1.Container) {
		c.Image = strings.Repeat("a-1.", 100_000) + "/redis-" + strings.Repeat("v-1.", 100_000)
	})
	add("many variables", func(_ *corev1.Pod, c *corev1.Container) {
		for i := range 30_000 {
			c.Env = append(c.Env, corev1.EnvVar{Name: fmt.Sprint("V", i)})
		}
	})
	for _, n := range []int{400, 2_000} {
		add(fmt.Sprint("a variable times ", n), func(_ *corev1.Pod, c *corev1.Container) {
			for range n {
				c.Env = append(c.Env, corev1.EnvVar{Name: "REDIS_PASSWORD", Value: "x"})
			}
		})
	}
	add("as much as is looked at", func(p *corev1.Pod, c *corev1.Container) {
		for i := range 450 {
			c.Env = append(c.Env, corev1.EnvVar{Name: fmt.Sprint("V", i)})
		}
		for range 750 {
			c.Args = append(c.Args, "--port", "6380")
		}
		for i := range 900 {
			p.Annotations[fmt.Sprint("a", i)] = "x"
		}
		for i := range 99 {
			p.Spec.Containers = append(p.Spec.Containers, corev1.Container{Name: fmt.Sprint("redis-redis-", i), Image: "redis-redis-redis"})
		}
	})
	add("as much as enforcement looks at", func(p *corev1.Pod, c *corev1.Container) {
		for range 2_600 {
			c.Args = append(c.Args, "--port")
		}
		for i := range 250 {
			p.Spec.Containers = append(p.Spec.Containers, corev1.Container{Name: fmt.Sprint("redis-redis-", i), Image: "redis-redis-redis"})
		}
	})
	add("a script as long as is looked at", func(_ *corev1.Pod, c *corev1.Container) {
		c.Command = []string{"sh", "-c", strings.Repeat("redis-server --port 1;", 370)}
	})
	add("a script of separators as long as is looked at", func(_ *corev1.Pod, c *corev1.Container) {
		c.Command = []string{"sh", "-c", "redis-server" + strings.Repeat(";\n", 4_000)}
	})
	add("many ports", func(_ *corev1.Pod, c *corev1.Container) {
		for i := range 10_000 {
			c.Ports = append(c.Ports, corev1.ContainerPort{ContainerPort: int32(20_000 + i), Name: fmt.Sprint("redis-", i)})
		}
	})
	add("many secrets", func(_ *corev1.Pod, c *corev1.Container) {
		for i := range 5_000 {
			c.EnvFrom = append(c.EnvFrom, corev1.EnvFromSource{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: fmt.Sprint("s", i)}}})
		}
	})
	add("many owners", func(p *corev1.Pod, _ *corev1.Container) {
		for i := range 1_000 {
			p.OwnerReferences = append(p.OwnerReferences, metav1.OwnerReference{APIVersion: "a.example/v1", Kind: "A", Name: fmt.Sprint("a", i), UID: "u"})
		}
	})
	add("many labels", func(p *corev1.Pod, _ *corev1.Container) {
		p.Labels = map[string]string{}
		for i := range 10_000 {
			p.Labels[fmt.Sprint("l", i)] = "x"
		}
	})
	add("many keys of the domain", func(p *corev1.Pod, _ *corev1.Container) {
		for i := range 2_000 {
			p.Annotations[fmt.Sprint("redis.outrider.dev/p", i)] = "x"
		}
	})
	add("a long parameter", func(p *corev1.Pod, _ *corev1.Container) {
		p.Annotations["redis.outrider.dev/check-keys"] = strings.Repeat("a", 200_000)
	})
	add("many tolerations", func(p *corev1.Pod, _ *corev1.Container) {
		for i := range 10_000 {
			p.Spec.NodeSelector = map[string]string{fmt.Sprint("k", i): "v"}
			p.Spec.Tolerations = append(p.Spec.Tolerations, corev1.Toleration{Key: fmt.Sprint("k", i), Operator: corev1.TolerationOpExists})
		}
	})
	add("many probes", func(_ *corev1.Pod, c *corev1.Container) {
		c.LivenessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Port: intstr.FromInt32(1), Path: strings.Repeat("/x", 100_000)}}}
	})
	return pods
}

// TestHostileCost: whatever a tenant puts into a pod, the policies answer, within a small part of the API server's limits of
// cost. Those do not count all of it: the time that an expression takes grows with the square of the elements that it looks at.
func TestHostileCost(t *testing.T) {
	p := evaluated(t)
	for name, pod := range hostile() {
		got, err := p.Ask(t.Context(), pod, "shop", sidecars.Namespace{})
		if err != nil {
			t.Errorf("%s: %.300s", name, err)
			continue
		}
		t.Logf("figure: %s: %s, at %.1f %% of the cost that the API server allows", name, got.Requested, 100*float64(got.Cost)/budget)
		if got.Requested == "" || got.Cost > budget/10 {
			t.Errorf("%s: %q, at a cost of %d of %d", name, got.Requested, got.Cost, budget)
		}
	}
}

// mostWork is how many times the CPU time of hostile pods where no policy looks the API server may spend on them where all do.
const mostWork = 4

// TestHostile sends them to a real API server, without storing one, in a namespace where every policy of the chart looks at them,
// those that enforce included, and in one where none does: the outcome is the same but for what is added, and what the API
// server spends on all of them is bounded by what it spends without.
func TestHostile(t *testing.T) {
	c := server(t)
	active(t)
	everything := namespaceLike(t, c, sidecars.Namespace{Labels: map[string]string{sidecars.InjectKey: sidecars.InjectEnabled, sidecars.EnforceKey: "audit"}})
	spent := func(namespace string, pod *corev1.Pod) (_ *corev1.Pod, cpu time.Duration, refused error) {
		before, err := api.Usage()
		if err != nil {
			t.Fatal(err)
		}
		admitted, _, refused := tryDryRun(t, namespace, pod)
		after, err := api.Usage()
		if err != nil {
			t.Fatal(err)
		}
		return admitted, after.CPU - before.CPU, refused
	}
	var with, without time.Duration
	for name, pod := range hostile() {
		_, less, plainly := spent(metav1.NamespaceSystem, pod)
		admitted, more, refused := spent(everything, pod)
		with, without = with+more, without+less
		word := "refused by the API server"
		if admitted != nil {
			word = admitted.Labels[sidecars.RequestedKey]
		}
		t.Logf("figure: %s: %s, %v of CPU, where no policy looks %v", name, word, more, less)
		if (plainly == nil) != (refused == nil) {
			t.Errorf("%s: where the policies look %v, elsewhere %v", name, refused, plainly)
		}
		if admitted != nil && word == "" {
			t.Errorf("%s: no policy answered", name)
		}
	}
	t.Logf("figure: hostile pods cost the API server %.1f times the CPU that they cost without policies", float64(with)/float64(without))
	if with > mostWork*without {
		t.Errorf("hostile pods cost %v of CPU where the policies look, and %v elsewhere", with, without)
	}
}
