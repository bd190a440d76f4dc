// Package progress tells a waiting person what takes so long.
//
// # Decisions
//
// The writer travels in the context, as a trace would: nearly every function of the harness may
// start a long step, and none of them decides anything by it. Steps under two seconds are silent.
package progress

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const (
	patience = 2 * time.Second  // a step that ends within it is not mentioned
	reminder = 30 * time.Second // a running step is mentioned again this often
)

type writerKey struct{}

var printing sync.Mutex

// To returns a context whose steps are reported to w. Without it they go to the standard error.
func To(ctx context.Context, w io.Writer) context.Context {
	return context.WithValue(ctx, writerKey{}, w)
}

// Start begins a step and returns the function that ends it. A step of over two seconds gets a line
// with its elapsed time when it passes them, one every half minute, and one at its end.
func Start(ctx context.Context, format string, args ...any) (done func()) {
	step := fmt.Sprintf(format, args...)
	return start(ctx, step, func(time.Duration) string { return "" })
}

// Counted is Start for a step of so many parts. one says that a part is done; a running step's line then
// says how many are, and about how long the rest takes at that rate. A total of zero is not known.
func Counted(ctx context.Context, total int, parts, format string, args ...any) (one, done func()) {
	var count atomic.Int64
	done = start(ctx, fmt.Sprintf(format, args...), func(took time.Duration) string {
		return remaining(int(count.Load()), total, parts, took)
	})
	return func() { count.Add(1) }, done
}

// remaining describes what is left of a step. The first parts say little about the rest.
func remaining(count, total int, parts string, took time.Duration) string {
	if count == 0 || total == 0 {
		return ""
	}
	count = min(count, total)
	text := fmt.Sprintf(": %d of %d %s", count, total, parts)
	if count*20 < total {
		return text
	}
	return text + fmt.Sprintf(", about %.0f min left", (took*time.Duration(total-count)/time.Duration(count)).Minutes())
}

func start(ctx context.Context, step string, state func(time.Duration) string) (done func()) {
	began := time.Now()
	stop := make(chan struct{})
	var ended sync.WaitGroup
	ended.Go(func() {
		wait := time.NewTimer(patience)
		defer wait.Stop()
		for {
			select {
			case <-stop:
				return
			case <-wait.C:
				line(ctx, began, step+" ..."+state(time.Since(began)))
				wait.Reset(reminder)
			}
		}
	})
	var once sync.Once
	return func() {
		once.Do(func() {
			close(stop)
			ended.Wait()
			if time.Since(began) > patience {
				line(ctx, began, step)
			}
		})
	}
}

func line(ctx context.Context, began time.Time, text string) {
	w, ok := ctx.Value(writerKey{}).(io.Writer)
	if !ok {
		w = os.Stderr
	}
	printing.Lock()
	defer printing.Unlock()
	fmt.Fprintf(w, "%7.1fs  %s\n", time.Since(began).Seconds(), text)
}

// Say reports something that took no time.
func Say(ctx context.Context, format string, args ...any) {
	line(ctx, time.Now(), fmt.Sprintf(format, args...))
}
