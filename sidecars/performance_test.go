package sidecars_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/outrider-dev/outrider/sidecars"
)

// scenario is a pod whose decision, patch included, is measured and bounded.
type scenario struct {
	name string
	// change is made to a pod that an API server sent for admission, annotated redis.
	change  func(*corev1.Pod)
	optedIn bool
	// injected is how many containers are added.
	injected int
	// allocations are the most that a plan and its patch may cost: a tenth above
	// what was measured, so that a change for the worse is seen.
	allocations float64
}

var scenarios = []scenario{
	{name: "not requested", change: annotated(""), allocations: 4},
	{name: "one exporter", change: annotated("redis"), injected: 1, allocations: 78},
	{name: "five exporters", change: annotated("redis,nginx,memcached,apache,postgres"), injected: 5, allocations: 275},
	{name: "200 containers", change: many(200), injected: 1, allocations: 86},
	{name: "opted in and recognized", change: recognizable, optedIn: true, injected: 1, allocations: 82},
	{name: "opted in and not recognized", change: annotated(""), optedIn: true, allocations: 4},
}

// annotated asks for exporters, or for nothing.
func annotated(inject string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		delete(p.Annotations, sidecars.InjectKey)
		if inject != "" {
			p.Annotations[sidecars.InjectKey] = inject
		}
	}
}

// many gives the pod n containers.
func many(n int) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		like := p.Spec.Containers[0]
		p.Spec.Containers = nil
		for i := range n {
			like.Name, like.Ports = fmt.Sprintf("app-%d", i), nil
			p.Spec.Containers = append(p.Spec.Containers, like)
		}
	}
}

func recognizable(p *corev1.Pod) {
	annotated("")(p)
	p.Spec.Containers[0].Image, p.Spec.Containers[0].Args = "docker.io/library/redis:7.0.15", nil
}

// deciding returns a function that decides for the scenario's pod and builds the
// patch, and checks what comes out.
func (s scenario) deciding(t testing.TB) func() {
	t.Helper()
	raw, err := os.ReadFile("../webhook/testdata/review.json")
	if err != nil {
		t.Fatal(err)
	}
	var review struct{ Request struct{ Object corev1.Pod } }
	if err := json.Unmarshal(raw, &review); err != nil {
		t.Fatal(err)
	}
	p, catalog := &review.Request.Object, sidecars.Builtin()
	s.change(p)
	in := sidecars.Input{Pod: p}
	if s.optedIn {
		in.Namespace.Labels = map[string]string{sidecars.InjectKey: sidecars.InjectEnabled}
	}
	plan := sidecars.NewPlan(in, catalog)
	if added := len(plan.Apply(p).Spec.Containers) - len(p.Spec.Containers); added != s.injected {
		t.Fatalf("%d containers are injected, want %d: %+v", added, s.injected, plan.Decisions)
	}
	return func() { sidecars.NewPlan(in, catalog).Patch() }
}

// TestAllocations holds each scenario to its budget.
func TestAllocations(t *testing.T) {
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			got := testing.AllocsPerRun(50, s.deciding(t))
			t.Logf("figure: %.0f allocations", got)
			if got > s.allocations {
				t.Errorf("%.0f allocations, the budget is %.0f", got, s.allocations)
			}
		})
	}
}

func BenchmarkPlan(b *testing.B) {
	for _, s := range scenarios {
		b.Run(strings.ReplaceAll(s.name, " ", "-"), func(b *testing.B) {
			decide := s.deciding(b)
			b.ReportAllocs()
			for b.Loop() {
				decide()
			}
		})
	}
}
