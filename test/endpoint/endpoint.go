// Package endpoint asks the HTTP endpoints of programs that tests have started: their health and their metrics.
package endpoint

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// Get returns what is answered at a URL within five seconds, or, with the status 0, why nothing is.
func Get(url string) (body string, status int) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err.Error(), 0
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err.Error(), 0
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return err.Error(), 0
	}
	return string(raw), resp.StatusCode
}

// Sum adds up the series at an address's /metrics that begin like this.
func Sum(address, series string) (float64, error) {
	body, status := Get("http://" + address + "/metrics")
	if status != http.StatusOK {
		return 0, fmt.Errorf("metrics: %d %s", status, body)
	}
	var sum float64
	for line := range strings.Lines(body) {
		if strings.HasPrefix(line, series) {
			var n float64
			if _, err := fmt.Sscan(line[strings.LastIndexByte(line, ' ')+1:], &n); err != nil {
				return 0, fmt.Errorf("read %q: %w", line, err)
			}
			sum += n
		}
	}
	return sum, nil
}
