package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/test/cluster/progress"
)

// variant is a way of a pod through the API server.
type variant struct {
	name            string
	namespace       string
	namespaceLabels map[string]string
	labels          map[string]string
	annotations     map[string]string
	in              mode // in which it is measured
	called          bool // the controller is asked
	injected        bool
}

var variants = []variant{
	{name: "no webhook", namespace: "none", in: off},
	{name: "not asking: excluded by the webhook's match conditions", namespace: "excluded", in: byWebhook},
	{name: "called, allowed", namespace: "allowed", namespaceLabels: map[string]string{sidecars.InjectKey: sidecars.InjectEnabled}, in: byWebhook, called: true},
	{name: "injected by the webhook", namespace: "injected", annotations: map[string]string{sidecars.InjectKey: "redis"}, in: byWebhook, called: true, injected: true},
	{name: "injected by a naive handler", namespace: "naive", labels: map[string]string{askedOfNaive: "true"}, in: byWebhook, injected: true},
	{name: "not asking: policies with the whole catalog, and the webhook", namespace: "unmatched", in: byPolicies},
	{name: "not asking: a policy that decides nothing", namespace: "unasked", in: byConstant},
	{name: "injected by a policy that decides nothing", namespace: "constant", labels: map[string]string{askedOfConstant: "true"}, in: byConstant, injected: true},
	{name: "injected by the policies", namespace: "decided", annotations: map[string]string{sidecars.InjectKey: "redis"}, in: byPolicies, injected: true},
}

// pod is one to be made. One that is injected runs Redis, which the policies do not leave.
func (v variant) pod() *corev1.Pod {
	p := newPod(v.namespace, v.labels, v.annotations)
	if v.injected {
		p.Spec.Containers[0].Image, p.Spec.Containers[0].Args = "registry.example.com/library/redis:7", []string{"--maxmemory", "128mb"}
		p.Spec.Containers[0].Ports[0] = corev1.ContainerPort{Name: "redis", ContainerPort: 6379}
	}
	return p
}

// containers is how many a pod of it ends with.
func (v variant) containers() int {
	if v.injected {
		return 3
	}
	return 2
}

// creates is a measurement: so many blocks of each variant, in a random order in
// each round, so that what else the machine does meets all alike.
type creates struct {
	concurrency, rounds, block int
}

// outcome is what one variant's creates took.
type outcome struct {
	times []time.Duration
	spent // by the controller, its work behind the webhook included, and by the API server
}

// measure returns each variant's outcome, by its name.
func (c creates) measure(ctx context.Context, s *stage) (map[string]outcome, error) {
	defer progress.Start(ctx, "create %d pods, %d at a time", (c.rounds+1)*c.block*len(variants), c.concurrency)()
	outcomes := map[string]outcome{}
	for round := range c.rounds + 1 {
		for _, i := range rand.Perm(len(variants)) {
			v := variants[i]
			if err := s.inForce(ctx, v.in); err != nil {
				return nil, err
			}
			block, err := c.measureBlock(ctx, s, v)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", v.name, err)
			}
			if round > 0 { // the first one opens connections
				sum := outcomes[v.name]
				outcomes[v.name] = outcome{append(sum.times, block.times...), sum.plus(block.spent)}
			}
		}
	}
	return outcomes, s.inForce(ctx, byWebhook)
}

// measureBlock creates one block. It is an error if the controller was called when
// it need not be, or was not when it must.
func (c creates) measureBlock(ctx context.Context, s *stage, v variant) (outcome, error) {
	before, err := s.spent()
	if err != nil {
		return outcome{}, err
	}
	times, err := c.run(ctx, s, v)
	if err != nil {
		return outcome{}, err
	}
	after, err := s.spent()
	if err != nil {
		return outcome{}, err
	}
	own := after.minus(before)
	want := 0
	if v.called {
		want = c.block
	}
	if own.called != want {
		return outcome{}, fmt.Errorf("%d pods made, and the controller was called %d times, want %d", c.block, own.called, want)
	}
	return outcome{times, own}, nil
}

// run creates one block and returns how long each create took. It is an error if
// one fails, or comes out other than the variant says.
func (c creates) run(ctx context.Context, s *stage, v variant) ([]time.Duration, error) {
	took, failed := make([]time.Duration, c.block), make([]error, c.concurrency)
	var all sync.WaitGroup
	for worker := range c.concurrency {
		all.Go(func() {
			for i := worker; i < c.block && failed[worker] == nil; i += c.concurrency {
				pod := v.pod()
				began := time.Now()
				made, err := s.client.CoreV1().Pods(v.namespace).Create(ctx, pod, metav1.CreateOptions{})
				took[i] = time.Since(began)
				switch {
				case err != nil:
					failed[worker] = err
				case len(made.Spec.Containers) != v.containers():
					failed[worker] = fmt.Errorf("pod %s has %d containers, want %d", made.Name, len(made.Spec.Containers), v.containers())
				}
			}
		})
	}
	all.Wait()
	return took, errors.Join(failed...)
}
