package population

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Churn changes the Ready condition of those of the first n pods that are not monitored, one after the other, rate times a
// second, until the context ends. It returns how many changes were made, and an error where none was.
func (f *Filler) Churn(ctx context.Context, n, rate int) (int, error) {
	var quiet []int
	for i := range n {
		if !Monitored(i) {
			quiet = append(quiet, i)
		}
	}
	if len(quiet) == 0 {
		return 0, fmt.Errorf("none of %d pods is not monitored", n)
	}
	numbers := make(chan int)
	var made atomic.Int64
	var last atomic.Pointer[error]
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for k := range numbers {
				// A change that was begun is made: the caller counts it.
				if err := f.flip(context.WithoutCancel(ctx), quiet[k%len(quiet)], k/len(quiet)%2 == 1); err != nil {
					last.Store(&err)
					continue
				}
				made.Add(1)
			}
		})
	}
	began := time.Now()
	for k := 0; ctx.Err() == nil; k++ {
		select {
		case <-ctx.Done():
		// Late ones are made up for, so that a busy machine makes as many.
		case <-time.After(time.Until(began.Add(time.Duration(k) * time.Second / time.Duration(rate)))):
			numbers <- k
		}
	}
	close(numbers)
	wg.Wait()
	if err := last.Load(); err != nil && made.Load() == 0 {
		return 0, *err
	}
	return int(made.Load()), nil
}

func (f *Filler) flip(ctx context.Context, i int, ready bool) error {
	status := map[bool]string{true: "True", false: "False"}[ready]
	patch := fmt.Sprintf(`{"status": {"conditions": [{"type": "Ready", "status": %q, "lastTransitionTime": %q}]}}`, status, time.Now().UTC().Format(time.RFC3339))
	_, err := f.client.CoreV1().Pods(f.namespace(i)).Patch(ctx, name(i), types.StrategicMergePatchType, []byte(patch), metav1.PatchOptions{}, "status")
	if err != nil {
		return fmt.Errorf("change the status of a pod: %w", err)
	}
	return nil
}
