package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/outrider-dev/outrider/test/child"
	"github.com/outrider-dev/outrider/test/cluster/build"
	"github.com/outrider-dev/outrider/test/endpoint"
)

// server is a running Prometheus.
type server struct {
	*child.Process
	address string
}

// startServer runs a Prometheus under a configuration, with its files in a new folder dir.
func startServer(ctx context.Context, dir, config string) (*server, error) {
	program, err := build.Binary(ctx, "prometheus")
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make Prometheus' folder: %w", err)
	}
	file := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return nil, fmt.Errorf("write Prometheus' configuration: %w", err)
	}
	s := &server{}
	if s.address, err = endpoint.Free(); err != nil {
		return nil, err
	}
	s.Process, err = child.Start("prometheus", program, filepath.Join(dir, "log"),
		"--config.file="+file, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+s.address)
	if err != nil {
		return nil, err
	}
	err = poll(ctx, time.Minute, func() error {
		if err := s.Ended(); err != nil {
			return final{err}
		}
		return answers("http://" + s.address + "/-/ready")
	})
	if err != nil {
		s.stop()
		return nil, fmt.Errorf("start Prometheus: %w", err)
	}
	return s, nil
}

func (s *server) stop() { s.Stop(5 * time.Second) }

// targets is how many there are after relabeling.
func (s *server) targets() (int, error) {
	n, err := endpoint.Sum(s.address, "prometheus_target_scrape_pool_targets{")
	return int(n), err
}

// events is how many changes of objects the API server has told Prometheus of.
func (s *server) events() (int, error) {
	n, err := endpoint.Sum(s.address, "prometheus_sd_kubernetes_events_total{")
	return int(n), err
}

// live is the size of the objects on the heap that are in use, in bytes: what a garbage collection leaves.
func (s *server) live(ctx context.Context) (int64, error) {
	if _, err := get(ctx, "http://"+s.address+"/debug/pprof/heap?gc=1"); err != nil {
		return 0, err
	}
	n, err := endpoint.Sum(s.address, "go_gc_heap_live_bytes ")
	return int64(n), err
}

// urls are what the targets of the monitored pods are scraped at.
func (s *server) urls(ctx context.Context, in func(pool string) bool) (map[string]bool, error) {
	raw, err := get(ctx, "http://"+s.address+"/api/v1/targets?state=active")
	if err != nil {
		return nil, err
	}
	var answer struct {
		Data struct {
			ActiveTargets []struct{ ScrapePool, ScrapeURL string }
		}
	}
	if err := json.Unmarshal(raw, &answer); err != nil {
		return nil, fmt.Errorf("read Prometheus' targets: %w", err)
	}
	found := map[string]bool{}
	for _, t := range answer.Data.ActiveTargets {
		if in(t.ScrapePool) {
			found[t.ScrapeURL] = true
		}
	}
	return found, nil
}

// settle waits until Prometheus has this many targets and has done next to nothing for six seconds, which is longer than its
// discovery holds changes back, and returns what it had cost when it became quiet.
func (s *server) settle(ctx context.Context, targets int) (child.Usage, error) {
	const (
		quiet  = 6 * time.Second
		little = 100 * time.Millisecond // of CPU in that time
	)
	var since child.Usage
	var at time.Time
	err := poll(ctx, 5*time.Minute, func() error {
		now, err := s.Usage()
		if err != nil {
			return final{err}
		}
		if at.IsZero() || now.CPU-since.CPU > little {
			since, at = now, time.Now()
		}
		if time.Since(at) < quiet {
			return fmt.Errorf("Prometheus is busy")
		}
		n, err := s.targets()
		if err == nil && n != targets {
			err = fmt.Errorf("Prometheus has %d targets, not %d", n, targets)
		}
		if err != nil {
			at = time.Time{}
		}
		return err
	})
	if err != nil {
		return child.Usage{}, fmt.Errorf("wait for Prometheus to have found its targets: %w\n%s", err, s.Tail())
	}
	return since, nil
}

// get is endpoint.Get with time for a large heap's collection.
func get(ctx context.Context, url string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", url, err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", url, err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %.200s", resp.Status, raw)
	}
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", url, err)
	}
	return raw, nil
}

// answers returns why a URL does not answer that all is well, or nil.
func answers(url string) error {
	if body, status := endpoint.Get(url); status != http.StatusOK {
		return fmt.Errorf("%d %.2000s", status, body)
	}
	return nil
}

// final is an error after which it makes no sense to try again.
type final struct{ error }

// poll calls try until it returns no error, one that is final, or the time is up.
func poll(ctx context.Context, limit time.Duration, try func() error) error {
	var last error
	err := wait.PollUntilContextTimeout(ctx, 100*time.Millisecond, limit, true, func(context.Context) (bool, error) {
		last = try()
		if f := (final{}); errors.As(last, &f) {
			return false, f.error
		}
		return last == nil, nil
	})
	if err != nil {
		return last
	}
	return nil
}
