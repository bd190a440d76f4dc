package apiserver_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/outrider-dev/outrider/sidecars"
)

// scale is how many pods TestCoverageMemory makes. The budget is for 20000, which takes a minute or two.
var scale = flag.Int("scale", 2000, "pods in the API server for the test of the controller's memory")

// Budgets of the controller's resident memory.
const (
	budgetAtRest = 60 << 20
	budgetFull   = 120 << 20 // at fullScale pods
	fullScale    = 20000
)

// The leader's memory with many pods, of which one in twenty is monitored, stays within the budget: right after it has
// listed all of them, which is when it needs most.
func TestCoverageMemory(t *testing.T) {
	f := newCovered(t)
	idle := f.launch(t, "--log-level=info")
	idle.covers(t, "default")
	rest := idle.memory(t, "VmHWM")
	idle.stop()
	namespaces := make([]string, 20)
	for i := range namespaces {
		namespaces[i] = namespace(t, f, nil)
	}
	began := time.Now()
	f.fill(t, namespaces, *scale)
	t.Logf("figure: %d pods created in %s", *scale, time.Since(began).Round(time.Second))

	ctl := f.launch(t, "--log-level=info")
	t.Cleanup(ctl.stop)
	began = time.Now()
	ctl.gauge(t, `outrider_coverage_pods{exporter="redis"`, float64(*scale/20))
	t.Logf("figure: all known %s after it was ready", time.Since(began).Round(100*time.Millisecond))
	peak, now := ctl.memory(t, "VmHWM"), ctl.memory(t, "VmRSS")
	t.Logf("figure: controller's memory with %d pods, %d of them monitored: %d MB, at most %d MB; without pods at most %d MB", *scale, *scale/20, now>>20, peak>>20, rest>>20)
	if rest > budgetAtRest {
		t.Errorf("%d MB at rest, the budget is %d MB", rest>>20, budgetAtRest>>20)
	}
	// What pods cost beyond a fixed share of the budget, so that a smaller scale finds a leak of kilobytes for each too.
	if most := int64(budgetAtRest + (budgetFull-budgetAtRest)/fullScale*(*scale)); peak > most {
		t.Errorf("%d MB with %d pods, the budget is %d MB", peak>>20, *scale, most>>20)
	}
}

// memory is a line of the process' status, in bytes.
func (c *controller) memory(t *testing.T, name string) int64 {
	t.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		var kb int64
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			if _, err := fmt.Sscan(rest, &kb); err != nil {
				t.Fatal(err)
			}
			return kb << 10
		}
	}
	t.Fatalf("no %s in the process' status", name)
	return 0
}

// fill creates pods of ordinary size, of Deployments of ten. One Deployment in twenty is injected.
func (f *covered) fill(t *testing.T, namespaces []string, n int) {
	t.Helper()
	config := f.Config()
	config.ContentType = "application/vnd.kubernetes.protobuf"
	c, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	numbers := make(chan int)
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			for i := range numbers {
				p := ordinaryPod(namespaces[i/10%len(namespaces)], i)
				if _, err := c.CoreV1().Pods(p.Namespace).Create(t.Context(), p, metav1.CreateOptions{}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range n {
		numbers <- i
	}
	close(numbers)
	wg.Wait()
	if t.Failed() {
		t.FailNow()
	}
}

func ordinaryPod(ns string, i int) *corev1.Pod {
	deployment, hash, yes := fmt.Sprintf("checkout-service-%d", i/10), fmt.Sprintf("%09x", 7919*(i/10)), true
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: ns, Name: fmt.Sprintf("%s-%s-%05d", deployment, hash, i),
			Labels: map[string]string{
				appsv1.DefaultDeploymentUniqueLabelKey: hash, "app.kubernetes.io/name": deployment, "app.kubernetes.io/part-of": "shop",
				"app.kubernetes.io/version": "1.2.3", "team": "checkout", "environment": "production",
			},
			Annotations:     map[string]string{"kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00Z", "checksum/config": strings.Repeat("a", 64), "example.org/note": strings.Repeat("x", 300)},
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: deployment + "-" + hash, UID: "5b0f1a52-3b0c-4d5e-9d1e-0a1b2c3d4e5f", Controller: &yes}},
		},
		Spec: corev1.PodSpec{NodeName: fmt.Sprintf("node-%d", i%50)},
	}
	image := "example.org/checkout:1.2.3"
	monitored := i/10%20 == 0
	if monitored {
		image = "redis:7"
		p.Annotations[sidecars.InjectKey] = "redis"
	}
	for j := range 2 {
		c := corev1.Container{Name: fmt.Sprintf("app-%d", j), Image: image}
		for k := range 15 {
			c.Env = append(c.Env, corev1.EnvVar{Name: fmt.Sprintf("SETTING_%d", k), Value: "a value of ordinary length"})
		}
		p.Spec.Containers = append(p.Spec.Containers, c)
		image = "example.org/proxy:1"
	}
	if monitored {
		p = sidecars.NewPlan(sidecars.Input{Pod: p}, sidecars.Builtin()).Apply(p)
	}
	return p
}
