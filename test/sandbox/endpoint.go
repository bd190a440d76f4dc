//go:build linux

package sandbox

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/outrider-dev/outrider/sidecars"
)

// Endpoint is where metrics are served, and the metric that says that they are complete.
type Endpoint struct{ URL, Up string }

// EndpointOf is the endpoint of a planned pod's first exporter.
func EndpointOf(pod *corev1.Pod) Endpoint {
	decisions := sidecars.ParseStatus(pod).Decisions
	if len(decisions) == 0 {
		return Endpoint{}
	}
	d := decisions[0]
	spec, _ := sidecars.Builtin().Spec(d.Exporter)
	if d.Outcome != sidecars.Discovered {
		return Endpoint{fmt.Sprintf("http://127.0.0.1:%d/metrics", spec.Port), spec.UpMetric}
	}
	_, at, _ := strings.Cut(d.Endpoint, "=")
	port, path, found := strings.Cut(at, "/")
	if !found {
		path = "metrics"
	}
	return Endpoint{"http://127.0.0.1:" + port + "/" + path, spec.UpMetric}
}

// Series returns the names of a page's series, one for each.
func (t Endpoint) Series(ctx context.Context) (names []string, err error) {
	names, _, err = t.read(ctx)
	return names, err
}

func (t Endpoint) read(ctx context.Context) (names []string, up bool, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, t.URL, nil)
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
		up = up || name == t.Up && !strings.HasSuffix(line, " 0")
	}
	return names, up, lines.Err()
}

// The times in which a server starts and a page settles on a busy machine.
const (
	startTime  = 2 * time.Minute
	settleTime = time.Minute
	interval   = 500 * time.Millisecond
)

// Wait waits until the exporter reaches its server.
func (t Endpoint) Wait(ctx context.Context, running ...*Container) error {
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
			last = fmt.Errorf("%s does not say that the server is reached", t.Up)
		}
	}
	return last
}

// Settled returns the names of the series once five scrapes in a row agree in their number.
func (t Endpoint) Settled(ctx context.Context) ([]string, error) {
	same, series := 0, 0
	for deadline := time.Now().Add(settleTime); time.Now().Before(deadline); time.Sleep(interval) {
		names, err := t.Series(ctx)
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
