package published_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// load is pods that are created one after the other.
type load struct {
	created, missed atomic.Int64
	stop            func()
}

// count is the pods that were created while something was done, and how many of them came without their exporter.
func (l *load) count(do func()) (created, missed int64) {
	created, missed = l.created.Load(), l.missed.Load()
	do()
	return l.created.Load() - created, l.missed.Load() - missed
}

// load creates one pod after the other until stop is called. None of them runs: a gate keeps it from being scheduled. What
// the API server answers says whether it got its exporter.
func (l *live) load(t *testing.T) *load {
	t.Helper()
	all := &load{}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "cache-", Annotations: map[string]string{"outrider.dev/inject": "redis"}},
		Spec: corev1.PodSpec{
			SchedulingGates: []corev1.PodSchedulingGate{{Name: "example.org/never"}},
			Containers:      []corev1.Container{{Name: "redis", Image: "redis:7"}},
		},
	}
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			got, err := l.CoreV1().Pods("load").Create(ctx, pod, metav1.CreateOptions{})
			if err != nil {
				if ctx.Err() == nil {
					t.Errorf("create a pod: %v", err)
				}
				continue
			}
			all.created.Add(1)
			if len(got.Spec.Containers) != 2 {
				all.missed.Add(1)
			}
			_ = l.CoreV1().Pods("load").Delete(context.Background(), got.Name, metav1.DeleteOptions{GracePeriodSeconds: new(int64)})
			time.Sleep(20 * time.Millisecond)
		}
	}()
	all.stop = func() { cancel(); <-done }
	t.Cleanup(all.stop)
	return all
}
