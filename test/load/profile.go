package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/outrider-dev/outrider/test/cluster/progress"
)

// profiled is how many seconds of pod creates, one at a time, a profile is of.
const profiled = "20"

// profile writes two profiles of the API server for each variant into a folder: of its CPU, and of its allocations, while
// pods of the variant are created.
func (s *stage) profile(ctx context.Context, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, v := range variants {
		if err := s.inForce(ctx, v.in); err != nil {
			return err
		}
		for _, kind := range []string{"profile", "allocs"} {
			file := filepath.Join(dir, v.namespace+"."+kind)
			if err := s.profileTo(ctx, file, kind, v); err != nil {
				return fmt.Errorf("profile %s: %w", v.name, err)
			}
		}
	}
	return nil
}

// profileTo writes one profile. Its name gets the number of pods that were created meanwhile.
func (s *stage) profileTo(ctx context.Context, file, kind string, v variant) error {
	defer progress.Start(ctx, "profile the API server: %s", v.name)()
	creating, stop := context.WithCancel(ctx)
	created, failed := 0, make(chan error, 1)
	go func() {
		for {
			times, err := creates{concurrency: 1, block: 10}.run(creating, s, v)
			if err != nil {
				failed <- err
				return
			}
			created += len(times)
		}
	}()
	raw, err := s.client.CoreV1().RESTClient().Get().AbsPath("/debug/pprof/"+kind).Param("seconds", profiled).DoRaw(ctx)
	stop()
	if ended := <-failed; !errors.Is(ended, context.Canceled) {
		return errors.Join(err, ended)
	}
	if err != nil {
		return err
	}
	return os.WriteFile(fmt.Sprintf("%s.%d", file, created), raw, 0o644)
}
