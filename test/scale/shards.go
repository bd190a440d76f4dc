package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/outrider-dev/outrider/cmd/outrider/release"
	"github.com/outrider-dev/outrider/test/cluster/progress"
	"github.com/outrider-dev/outrider/test/endpoint"
	"github.com/outrider-dev/outrider/test/manifest"
	"github.com/outrider-dev/outrider/test/population"
)

// samples is how many series a monitored pod's exporter has.
const samples = 200

// held is what a Prometheus holds that scrapes the monitored pods with the chart's own jobs: its live heap in bytes.
type held struct {
	targets, series int
	heap            int64
}

// division is what one Prometheus holds, and what each of several shards does.
type division struct {
	pods   int
	one    held
	shards []held
}

// divide measures one Prometheus and then each of the shards, alone. The zero division is of no shards.
func (c *cluster) divide(ctx context.Context, shards int) (division, error) {
	d := division{pods: c.pods}
	dir, err := os.MkdirTemp("", "outrider-scale-")
	if err != nil {
		return d, fmt.Errorf("make a folder: %w", err)
	}
	defer os.RemoveAll(dir)
	// Nobody listens on the pods' addresses: Prometheus asks this proxy instead, which answers for all of them.
	exporters := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "redis_up 1")
		for i := range samples - 1 {
			fmt.Fprintf(w, "redis_commands_total{cmd=\"%d\"} 1\n", i)
		}
	}))
	defer exporters.Close()
	kubeconfig, err := c.admin(dir, c.host())
	if err != nil {
		return d, err
	}
	all, err := scrapeConfigs(map[string]any{}, "outrider-prometheus", "scrape-workloads.yaml")
	if err != nil {
		return d, err
	}
	if d.one, err = hold(ctx, filepath.Join(dir, "one"), through(all, exporters.URL, kubeconfig)); err != nil {
		return d, fmt.Errorf("one Prometheus: %w", err)
	}
	for shard := range shards {
		values := map[string]any{"prometheus": map[string]any{"shards": shards}, "thanos": map[string]any{"enabled": true}}
		jobs, err := scrapeConfigs(values, "outrider-prometheus-shards", fmt.Sprintf("shard-%d-workloads.yaml", shard))
		if err != nil {
			return d, err
		}
		h, err := hold(ctx, filepath.Join(dir, fmt.Sprint(shard)), through(jobs, exporters.URL, kubeconfig))
		if err != nil {
			return d, fmt.Errorf("shard %d: %w", shard, err)
		}
		d.shards = append(d.shards, h)
	}
	return d, nil
}

// scrapeConfigs are the jobs in a file of the chart's ConfigMaps.
func scrapeConfigs(values map[string]any, configMap, file string) ([]map[string]any, error) {
	rendered, err := release.Release{}.RenderOnly("templates/prometheus/", values, "1.37.0")
	if err != nil {
		return nil, err
	}
	files, err := manifest.ConfigMap(rendered, configMap)
	if err != nil {
		return nil, err
	}
	var parsed struct {
		Jobs []map[string]any `json:"scrape_configs"`
	}
	if err := yaml.Unmarshal([]byte(files[file]), &parsed); err != nil || len(parsed.Jobs) == 0 {
		return nil, fmt.Errorf("read %s: %d jobs, %w", file, len(parsed.Jobs), err)
	}
	return parsed.Jobs, nil
}

// through is a configuration in which jobs scrape through a proxy and discover as the user of a kubeconfig.
func through(jobs []map[string]any, proxy, kubeconfig string) map[string]any {
	for _, job := range jobs {
		job["proxy_url"] = proxy
		for _, discovery := range job["kubernetes_sd_configs"].([]any) {
			discovery.(map[string]any)["kubeconfig_file"] = kubeconfig
		}
	}
	return map[string]any{"global": map[string]any{"scrape_interval": "5s"}, "scrape_configs": jobs}
}

// hold starts a Prometheus and measures it when it has the series of all its targets.
func hold(ctx context.Context, dir string, config map[string]any) (h held, err error) {
	text, err := yaml.Marshal(config)
	if err != nil {
		return h, fmt.Errorf("encode a configuration: %w", err)
	}
	defer progress.Start(ctx, "Prometheus scrapes its share of the pods")()
	s, err := startServer(ctx, dir, string(text))
	if err != nil {
		return h, err
	}
	defer s.stop()
	before := 0
	err = poll(ctx, 5*time.Minute, func() error {
		targets, err := s.targets()
		if err != nil {
			return err
		}
		series, err := endpoint.Sum(s.address, "prometheus_tsdb_head_series ")
		if err != nil {
			return err
		}
		h.targets, h.series = targets, int(series)
		if targets == 0 || targets != before || h.series < targets*samples {
			before = targets
			return fmt.Errorf("%d series of %d targets", h.series, targets)
		}
		return nil
	})
	if err != nil {
		return h, errors.Join(err, s.Ended())
	}
	h.heap, err = s.live(ctx)
	return h, err
}

// compare prints what the largest shard holds beside one Prometheus, and returns what is wrong with it.
func (d division) compare(w io.Writer) error {
	if len(d.shards) == 0 {
		return nil
	}
	var sum int
	var largest held
	for _, h := range d.shards {
		sum += h.targets
		largest.targets, largest.series, largest.heap = max(largest.targets, h.targets), max(largest.series, h.series), max(largest.heap, h.heap)
	}
	fmt.Fprintf(w, "figure: %d targets of %d pods with %d series each, divided by %d: the largest shard has %d targets, %.2f of one Prometheus' series and %.2f of its live heap (%.1f of %.1f MB)\n",
		d.one.targets, d.pods, samples, len(d.shards), largest.targets, float64(largest.series)/float64(d.one.series), float64(largest.heap)/float64(d.one.heap),
		megabytes(largest.heap), megabytes(d.one.heap))
	switch share := 1 / float64(len(d.shards)); {
	case d.one.targets != population.Count(d.pods) || sum != d.one.targets:
		return fmt.Errorf("one Prometheus has %d targets and the shards %d, of %d monitored pods", d.one.targets, sum, population.Count(d.pods))
	case d.pods >= fullScale && float64(largest.series) > 1.2*share*float64(d.one.series):
		return fmt.Errorf("a shard has %d series of %d: more than 1.2 times its share", largest.series, d.one.series)
	case d.pods >= fullScale && float64(largest.heap) > 1.5*share*float64(d.one.heap):
		return fmt.Errorf("a shard's live heap is %.1f MB of %.1f: more than 1.5 times its share", megabytes(largest.heap), megabytes(d.one.heap))
	}
	return nil
}
