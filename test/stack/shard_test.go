package stack

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Three shards hold all series of one Prometheus, about a third each, and their heaps shrink with them.
func TestShardsDivideTheHeap(t *testing.T) {
	const targets, each = 300, 400 // so many that chance makes no shard much larger
	shelves := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for i := range each {
			fmt.Fprintf(w, "items{shelf=\"%d\"} 1\n", i)
		}
	})
	var list []string
	for range targets {
		server := httptest.NewServer(shelves)
		defer server.Close()
		list = append(list, strconv.Quote(strings.TrimPrefix(server.URL, "http://")))
	}
	holds := func(count, ordinal int) held {
		m := rendered(t, fmt.Sprintf(`{prometheus: {shards: %d, scrapeInterval: 5s}, scrape: {extra: [{job_name: shelves, static_configs: [{targets: [%s]}]}]}}`,
			count, strings.Join(list, ", ")))
		files := "ConfigMap/outrider-prometheus"
		if count > 1 {
			files += "-shards"
		}
		address, kill := startPrometheus(t, m, ordinal, m.files(t, files), "--storage.tsdb.path="+t.TempDir())
		defer kill()
		return measure(t, address, each)
	}
	one := holds(1, 0)
	var sum, largest held
	for ordinal := range shards {
		h := holds(shards, ordinal)
		sum.targets += h.targets
		largest.targets, largest.series, largest.heap = max(largest.targets, h.targets), max(largest.series, h.series), max(largest.heap, h.heap)
	}
	t.Logf("figure: of %d targets the largest of %d shards has %.0f, %.2f of one Prometheus' series and %.2f of its heap (%.0f MB)",
		targets, shards, largest.targets, largest.series/one.series, largest.heap/one.heap, one.heap/1e6)
	if one.targets != targets || sum.targets != targets || largest.series > 0.45*one.series || largest.heap > 0.6*one.heap {
		t.Errorf("one Prometheus holds %+v, the shards together %v targets, the largest %+v", one, sum.targets, largest)
	}
}

// held is what a Prometheus holds, its heap in bytes after a garbage collection.
type held struct{ targets, series, heap float64 }

// measure waits until every target is scraped.
func measure(t *testing.T, address string, each int) (h held) {
	t.Helper()
	value := func(metrics, name string) float64 {
		found := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(name) + ` (\S+)$`).FindStringSubmatch(metrics)
		if found == nil {
			return 0
		}
		n, err := strconv.ParseFloat(found[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	eventually(t, address+"/metrics", func(metrics string) bool {
		h.targets = value(metrics, `prometheus_target_scrape_pool_targets{scrape_job="shelves"}`)
		h.series = value(metrics, "prometheus_tsdb_head_series")
		return h.targets > 0 && h.series >= h.targets*float64(each)
	})
	eventually(t, address+"/debug/pprof/heap?gc=1&debug=1", anything)
	eventually(t, address+"/metrics", func(metrics string) bool {
		h.heap = value(metrics, "go_memstats_heap_alloc_bytes")
		return true
	})
	return h
}
