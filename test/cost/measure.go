//go:build linux

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/test/sandbox"
)

// measured is what an exporter took beside one server.
type measured struct {
	of     string // what the server holds; empty for nothing
	count  int
	holds  map[string]int // and other things, of loads before
	series int
	// essential are the series that the profile of that name keeps.
	essential int
	kept      []string      // their names
	cpu       time.Duration // of one scrape
	memory    int64         // bytes
}

func (m measured) String() string {
	if m.of == "" {
		return "empty"
	}
	return fmt.Sprintf("%d × %s", m.count, m.of)
}

// scrapes are those over which CPU is measured, whose clock has steps of 10 ms.
const scrapes = 50

// measure measures the empty server and then each load.
func (e entry) measure(ctx context.Context) ([]measured, error) {
	var all []measured
	for _, l := range append([]load{{}}, e.Loads...) {
		m, err := e.measureBoth(ctx, l)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", measured{of: l.Of, count: l.Count}, err)
		}
		all = append(all, m)
	}
	return all, nil
}

// measureBoth measures the profile full, and counts what the profile essential keeps of it. Where that has
// settings of its own, an exporter with them must still serve all that it keeps.
func (e entry) measureBoth(ctx context.Context, l load) (measured, error) {
	m, err := e.measureOne(ctx, l, sidecars.Full)
	spec, _ := sidecars.Builtin().Spec(e.Exporter)
	if err != nil || len(spec.Essential.Args)+len(spec.Essential.Env) == 0 {
		return m, err
	}
	less, err := e.measureOne(ctx, l, sidecars.Essential)
	if err != nil {
		return m, fmt.Errorf("profile essential: %w", err)
	}
	for _, name := range m.kept {
		if !slices.Contains(less.kept, name) {
			return m, fmt.Errorf("spec.essential loses %s, which rules or dashboards ask for", name)
		}
	}
	m.essential = less.essential
	return m, nil
}

func (e entry) measureOne(ctx context.Context, l load, profile sidecars.Profile) (m measured, err error) {
	options := sandbox.Options{Values: e.Values, Files: e.Files}
	if l.Files != nil {
		options.Files = l.Files
	}
	var running []*sandbox.Container
	defer func() {
		for i := len(running) - 1; i >= 0; i-- {
			err = errors.Join(err, running[i].Stop())
		}
	}()
	start := func(c *corev1.Container) (*sandbox.Container, error) {
		made, err := sandbox.Start(ctx, c, options)
		if err == nil {
			running = append(running, made)
		}
		return made, err
	}
	if e.Beside != nil {
		if _, err := start(e.Beside); err != nil {
			return m, err
		}
	}
	made, err := e.planned(profile)
	if err != nil {
		return m, err
	}
	for i := range made.Spec.Containers {
		if _, err := start(&made.Spec.Containers[i]); err != nil {
			return m, err
		}
	}
	server, exporter := running[len(running)-len(made.Spec.Containers)], running[len(running)-1]
	t := target(made)
	if err := t.wait(ctx, running); err != nil {
		return m, err
	}
	if l.Run != "" {
		if _, err := server.Exec(ctx, nil, "sh", "-c", l.Run); err != nil {
			return m, fmt.Errorf("load: %w", err)
		}
	}
	m = measured{of: l.Of, count: l.Count, holds: l.Holds}
	names, err := t.settled(ctx)
	m.series, m.kept = len(names), kept(e.Exporter, names)
	m.essential = len(m.kept)
	if err != nil || exporter == server {
		return m, err
	}
	before, err := exporter.Usage()
	if err != nil {
		return m, err
	}
	for range scrapes {
		if _, err := t.scrape(ctx); err != nil {
			return m, err
		}
	}
	after, err := exporter.Usage()
	m.cpu, m.memory = (after.CPU-before.CPU)/scrapes, after.Resident
	return m, err
}

// endpoint is where metrics are served, and the metric that says that they are complete.
type endpoint struct{ url, up string }

func target(pod *corev1.Pod) endpoint {
	for _, d := range sidecars.ParseStatus(pod).Decisions {
		spec, _ := sidecars.Builtin().Spec(d.Exporter)
		if d.Outcome == sidecars.Discovered {
			_, at, _ := strings.Cut(d.Endpoint, "=")
			port, path, found := strings.Cut(at, "/")
			if !found {
				path = "metrics"
			}
			return endpoint{"http://127.0.0.1:" + port + "/" + path, spec.UpMetric}
		}
		return endpoint{fmt.Sprintf("http://127.0.0.1:%d/metrics", spec.Port), spec.UpMetric}
	}
	return endpoint{}
}

// scrape returns the names of a page's series, one for each.
func (t endpoint) scrape(ctx context.Context) (names []string, err error) {
	names, _, err = t.read(ctx)
	return names, err
}

func (t endpoint) read(ctx context.Context) (names []string, up bool, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, t.url, nil)
	if err != nil {
		return nil, false, err
	}
	request.Header.Set("Accept", "text/plain;version=0.0.4")
	response, err := (&http.Client{Timeout: startTime}).Do(request)
	if err != nil {
		return nil, false, fmt.Errorf("scrape: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(response.Body, 500))
		return nil, false, fmt.Errorf("scrape: %s: %s", response.Status, body)
	}
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		line := lines.Text()
		if line == "" || line[0] == '#' {
			continue
		}
		name := line[:strings.IndexAny(line+" ", "{ ")]
		names = append(names, name)
		up = up || name == t.up && !strings.HasSuffix(line, " 0")
	}
	return names, up, lines.Err()
}

// The times in which a server starts and a page settles on a busy machine.
const (
	startTime  = 2 * time.Minute
	settleTime = time.Minute
	interval   = 500 * time.Millisecond
)

// wait waits until the exporter reaches its server.
func (t endpoint) wait(ctx context.Context, running []*sandbox.Container) error {
	var last error
	for deadline := time.Now().Add(startTime); time.Now().Before(deadline); time.Sleep(interval) {
		for _, c := range running {
			if err := c.Ended(); err != nil {
				return err
			}
		}
		_, up, err := t.read(ctx)
		if up {
			return nil
		}
		if last = err; err == nil {
			last = fmt.Errorf("%s does not say that the server is reached", t.up)
		}
	}
	return last
}

// settled returns the names of the series once five scrapes in a row agree in their number.
func (t endpoint) settled(ctx context.Context) ([]string, error) {
	same, series := 0, 0
	for deadline := time.Now().Add(settleTime); time.Now().Before(deadline); time.Sleep(interval) {
		names, err := t.scrape(ctx)
		if err != nil {
			return nil, err
		}
		if same++; len(names) != series {
			same, series = 1, len(names)
		}
		if same == 5 {
			return names, nil
		}
	}
	return nil, fmt.Errorf("the number of series does not settle: %d at last", series)
}
