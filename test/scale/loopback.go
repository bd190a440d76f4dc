package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/test/population"
)

// loopback is a place without a kubelet: an API server with a population some of whose pods change all the time, as they do
// in any cluster, and pods that are objects only, but answer on an address of the loopback network.
type loopback struct {
	*cluster
	kubeconfig string
	net        int
}

// prepareLoopback makes the place for n pods.
func prepareLoopback(n int, background churn) func(context.Context, string) (place, func(), error) {
	return func(ctx context.Context, dir string) (place, func(), error) {
		c, err := newCluster(ctx)
		if err != nil {
			return nil, nil, err
		}
		l := &loopback{cluster: c, net: 160 + os.Getpid()%90}
		server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "redis_up 1\n")
		})}
		churning, cancel := context.WithCancel(ctx)
		done := make(chan struct{})
		end := func() {
			cancel()
			<-done
			_ = server.Close()
			c.server.Stop()
		}
		err = l.populate(ctx, server, n)
		if err == nil {
			l.kubeconfig, err = c.admin(dir, c.host())
		}
		go func() {
			defer close(done)
			if err == nil {
				_, _ = c.filler.Churn(churning, c.pods, background.rate)
			}
		}()
		if err != nil {
			end()
			return nil, nil, err
		}
		return l, end, nil
	}
}

// populate makes the pods that are there before, and listens where n others will be.
func (l *loopback) populate(ctx context.Context, server *http.Server, n int) error {
	if err := l.grow(ctx, 1000); err != nil {
		return err
	}
	_, err := l.client.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: arrivalsNamespace}}, metav1.CreateOptions{})
	if err != nil {
		return fmt.Errorf("create a namespace: %w", err)
	}
	for i := range n {
		listener, err := net.Listen("tcp", l.address(i)+":9121")
		if err != nil {
			return fmt.Errorf("listen on the address of a pod: %w", err)
		}
		go func() { _ = server.Serve(listener) }()
	}
	return nil
}

func (l *loopback) address(i int) string { return fmt.Sprintf("127.%d.0.%d", l.net, i+1) }

// Kubeconfig is one of a user who may do everything.
func (l *loopback) Kubeconfig() string { return l.kubeconfig }

// Arrive creates a pod and makes it ready. The time is that before the call.
func (l *loopback) Arrive(ctx context.Context, i int) (time.Time, error) {
	p, err := l.client.CoreV1().Pods(arrivalsNamespace).Create(ctx, injected(i), metav1.CreateOptions{})
	if err != nil {
		return time.Time{}, fmt.Errorf("create a pod: %w", err)
	}
	at := time.Now()
	p.Status = population.Running(p, l.address(i), at)
	if _, err := l.client.CoreV1().Pods(p.Namespace).UpdateStatus(ctx, p, metav1.UpdateOptions{}); err != nil {
		return at, fmt.Errorf("make a pod ready: %w", err)
	}
	return at, nil
}

// injected is what the webhook makes of an arriving pod.
func injected(i int) *corev1.Pod {
	p := arriving(i)
	p.Spec.NodeName = "node-0"
	return sidecars.NewPlan(sidecars.Input{Pod: p}, sidecars.Builtin()).Apply(p)
}

// arriving is a pod with a Redis, that asks for monitoring both ways.
func arriving(i int) *corev1.Pod {
	grace := int64(1)
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: arrivalsNamespace, Name: arrival(i), Annotations: map[string]string{
			sidecars.InjectKey: "redis", "prometheus.io/scrape": "true", "prometheus.io/port": "9121",
		}},
		Spec: corev1.PodSpec{
			TerminationGracePeriodSeconds: &grace,
			Containers:                    []corev1.Container{{Name: "redis", Image: "docker.io/library/redis:7.0.15", Ports: []corev1.ContainerPort{{Name: "redis", ContainerPort: 6379}}}},
		},
	}
}
