package population

import (
	"context"
	"fmt"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Churn changes the Ready condition of those of the first n pods that are not monitored, one after the other, rate times a
// second, until the context ends. It returns how many changes were made.
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
	var wg sync.WaitGroup
	var first error
	var once sync.Once
	began := time.Now()
	for made := 0; ; made++ {
		select {
		case <-ctx.Done():
			wg.Wait()
			return made, first
		// Late ones are made up for, so that a busy machine makes as many.
		case <-time.After(time.Until(began.Add(time.Duration(made) * time.Second / time.Duration(rate)))):
		}
		i, round := quiet[made%len(quiet)], made/len(quiet)
		wg.Go(func() {
			// A change that was begun is made: the caller counts it.
			if err := f.flip(context.WithoutCancel(ctx), i, round%2 == 1); err != nil {
				once.Do(func() { first = err })
			}
		})
	}
}

func (f *Filler) flip(ctx context.Context, i int, ready bool) error {
	status := map[bool]string{true: "True", false: "False"}[ready]
	patch := fmt.Sprintf(`{"status": {"conditions": [{"type": "Ready", "status": %q, "lastTransitionTime": %q}]}}`, status, time.Now().UTC().Format(time.RFC3339))
	p := Pod(f.namespace(i), i)
	_, err := f.client.CoreV1().Pods(p.Namespace).Patch(ctx, p.Name, types.StrategicMergePatchType, []byte(patch), metav1.PatchOptions{}, "status")
	if err != nil {
		return fmt.Errorf("change the status of a pod: %w", err)
	}
	return nil
}
