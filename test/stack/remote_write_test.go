package stack

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/outrider-dev/outrider/test/promql"
)

// pages is what a target serves: counters, a gauge and a histogram, which change with each scrape.
func pages() (*httptest.Server, *atomic.Int64) {
	scrapes := &atomic.Int64{}
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n := scrapes.Add(1)
		fmt.Fprintln(w, "# TYPE orders_total counter\n# TYPE queue gauge\n# TYPE took_seconds histogram")
		for shop := range 20 {
			fmt.Fprintf(w, "orders_total{shop=\"%d\"} %d\n", shop, n*int64(shop))
		}
		fmt.Fprintf(w, "queue %d.5\n", n%7)
		fmt.Fprintf(w, "took_seconds_bucket{le=\"0.1\"} %d\ntook_seconds_bucket{le=\"+Inf\"} %d\ntook_seconds_sum %d\ntook_seconds_count %[2]d\n", n, 2*n, 3*n)
	})), scrapes
}

// written are queries that every engine defines alike: those without extrapolation.
var written = []string{
	`sum by (shop) (orders_total)`, `max by (shop) (max_over_time(orders_total[20s]))`, `queue + 0`, `sum(took_seconds_count)`,
	`count by (le) (took_seconds_bucket)`, `sum by (job, tier) (took_seconds_sum)`, `topk(3, sum by (shop) (orders_total))`,
	`histogram_quantile(0.9, sum by (le) (took_seconds_bucket))`, `count(up == 1)`, `absent(orders_total{shop="99"})`,
}

// What a Prometheus writes to a receiver of Thanos and to VictoriaMetrics by remote write 1.0, and to another Prometheus by
// 2.0, is answered there as Prometheus answers it; so is what an agent writes, which answers nothing itself. Thanos v0.42.4
// takes messages of 2.0 without an error and stores nothing, which Prometheus notices and counts as failed samples.
func TestRemoteWrite(t *testing.T) {
	const configuration = "ConfigMap/outrider-prometheus"
	thanos := thanosBinary(t)
	target, scrapes := pages()
	defer target.Close()
	receive, query := startReceive(t, thanos)
	victoria := "http://127.0.0.1:" + freePort(t)
	start(t, binary(t, "victoria-metrics"), nil, "-httpListenAddr="+strings.TrimPrefix(victoria, "http://"), "-storageDataPath="+t.TempDir(), "-search.latencyOffset=0s")
	eventually(t, victoria+"/health", anything)

	values := func(mode, cluster string, to ...string) manifests {
		return rendered(t, fmt.Sprintf(`{prometheus: {mode: %s, scrapeInterval: 1s, externalLabels: {cluster: %s}, remoteWrite: [%s]},
			scrape: {extra: [{job_name: shop, static_configs: [{targets: [%q], labels: {tier: front}}]}]}}`, mode, cluster, strings.Join(to, ", "), strings.TrimPrefix(target.URL, "http://")))
	}
	to := func(url, more string) string { return fmt.Sprintf(`{url: %q%s}`, url, more) }
	central := startOne(t, t.TempDir(), "--web.enable-remote-write-receiver")
	everywhere := []string{to(receive+"/api/v1/receive", ""), to(victoria+"/api/v1/write", ""), to(central+"/api/v1/write", ", protobuf_message: io.prometheus.write.v2.Request")}
	east, west := values("server", "east", everywhere...), values("agent", "west", everywhere...)
	server, _ := startPrometheus(t, east, 0, east.files(t, configuration), "--storage.tsdb.path="+t.TempDir())
	startPrometheus(t, west, 0, west.files(t, configuration), "--storage.agent.path="+t.TempDir())
	for n := scrapes.Load(); scrapes.Load() < n+60; time.Sleep(100 * time.Millisecond) {
		if t.Context().Err() != nil {
			t.Fatal("the target is not scraped")
		}
	}
	at := time.Now().Add(-10 * time.Second)
	for name, address := range map[string]string{"Thanos": query, "VictoriaMetrics": victoria, "Prometheus, remote write 2.0": central} {
		for _, q := range written {
			asked := strings.ReplaceAll(q, "up == 1", `up{job="shop"} == 1`)
			want := ask(t, server, asked, at)
			if len(want.Series) == 0 {
				t.Fatalf("Prometheus has no answer to %s: %v", asked, want.Refused)
			}
			got := ask(t, address, of(asked, `{cluster="east"}`), at)
			if why := promql.Differ(plain(t, want), plain(t, got), promql.Tolerance{}); why != "" {
				t.Errorf("%s: %s:\n%s", name, asked, why)
			}
		}
		if got := ask(t, address, `count(orders_total{cluster="west"})`, at); len(got.Series) != 1 || got.Series["{}"].Mean != 20 {
			t.Errorf("%s: of the agent's 20 series are received %v", name, got)
		}
	}
}

// of gives the selectors of a query a matcher.
func of(query, matcher string) string {
	inner := strings.Trim(matcher, "{}")
	for _, name := range []string{"orders_total", "queue", "took_seconds_count", "took_seconds_bucket", "took_seconds_sum", "up"} {
		query = strings.ReplaceAll(query, name+"{", name+"{"+inner+",")
		for _, next := range []string{")", "[", " "} {
			query = strings.ReplaceAll(query, name+next, name+matcher+next)
		}
	}
	return query
}

// plain is an answer without the labels that remote write adds.
func plain(t *testing.T, a promql.Answer) promql.Answer {
	t.Helper()
	rest, err := a.Without("cluster", "replica", "prometheus_replica", "tenant_id", "receive_replica")
	if err != nil {
		t.Fatal(err)
	}
	return rest
}

// startReceive starts a receiver of Thanos and a query before it, and returns their addresses.
func startReceive(t *testing.T, thanos string) (receive, query string) {
	t.Helper()
	write, grpc, web := freePort(t), freePort(t), freePort(t)
	start(t, thanos, nil, "receive", "--tsdb.path="+t.TempDir(), "--remote-write.address=127.0.0.1:"+write, "--grpc-address=127.0.0.1:"+grpc,
		"--http-address=127.0.0.1:"+web, `--label=receive_replica="0"`)
	eventually(t, "http://127.0.0.1:"+web+"/-/ready", anything)
	m := rendered(t, `{thanos: {enabled: true, query: {endpoints: ["receive.example.com:10901"]}}}`)
	query, _ = startQuery(t, thanos, m, "dnssrv+_grpc._tcp.outrider-prometheus-headless.outrider.svc", "127.0.0.1:1", "receive.example.com:10901", "127.0.0.1:"+grpc)
	return "http://127.0.0.1:" + write, query
}
