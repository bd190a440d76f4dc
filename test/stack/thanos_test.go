package stack

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	corev1 "k8s.io/api/core/v1"

	"github.com/outrider-dev/outrider/test/dashboards"
	"github.com/outrider-dev/outrider/test/metrics"
	"github.com/outrider-dev/outrider/test/promql"
	"github.com/outrider-dev/outrider/test/rules"
)

var withThanos = flag.Bool("thanos", false, "run the tests that build Thanos, which takes about ten minutes of CPU")

// thanosBinary is Thanos, where it is asked for.
func thanosBinary(t *testing.T) string {
	t.Helper()
	if !*withThanos {
		t.Skip("-thanos: this test builds Thanos")
	}
	return binary(t, "thanos")
}

const minutes = 90 // of samples that everything has

// population is what all rules and dashboards ask for, in two clusters; and what they ask.
func population(t *testing.T) (queries []string, series []dashboards.Series) {
	t.Helper()
	known, err := metrics.All()
	if err != nil {
		t.Fatal(err)
	}
	var files corev1.ConfigMap
	rendered(t, `{}`).decode(t, "ConfigMap/outrider-prometheus-rules", &files)
	expressions, err := rules.Expressions(files.Data)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range expressions {
		queries = append(queries, e.PromQL)
	}
	models, err := dashboards.Models()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range models {
		asked, err := m.Filled()
		if err != nil {
			t.Fatal(err)
		}
		queries = append(queries, asked...)
	}
	seen := map[string]bool{}
	for _, q := range queries {
		all, err := dashboards.Fixture(q, known)
		if err != nil {
			t.Fatalf("%s: %v", q, err)
		}
		for _, s := range all {
			if text := s.Labels.String(); !seen[text] {
				seen[text] = true
				series = append(series, s)
			}
		}
	}
	return queries, series
}

// target is what a scrape says of where a series is from: all series of one target are in one shard.
func target(l labels.Labels) string {
	name := l.Get(string(model.MetricNameLabel))
	if strings.HasPrefix(name, "kube_") {
		return "kube-state-metrics " + l.Get("instance")
	}
	if strings.HasPrefix(name, "container_") {
		return "cadvisor " + l.Get("node")
	}
	return strings.Join([]string{l.Get("job"), l.Get("instance"), l.Get("namespace"), l.Get("pod")}, " ")
}

// division gives what series are divided by, such as a target, to shards in turn.
type division map[string]int

func (d division) shard(by string) int {
	if _, ok := d[by]; !ok {
		d[by] = len(d) % shards
	}
	return d[by]
}

// byNamespace is what samples could be divided by instead: their namespace, and what has none by its target.
func byNamespace(l labels.Labels) string {
	if namespace := l.Get("namespace"); namespace != "" {
		return namespace
	}
	return target(l)
}

// store makes blocks of the series that a Prometheus has, a sample a minute until end, in a folder. Its own external labels are taken
// off.
func store(t *testing.T, all []dashboards.Series, end time.Time, has func(labels.Labels) bool, external ...string) string {
	t.Helper()
	folder := t.TempDir()
	var text bytes.Buffer
	for _, s := range all {
		if !has(s.Labels) {
			continue
		}
		var pairs []string
		labels.NewBuilder(s.Labels).Del(append(external, string(model.MetricNameLabel))...).Labels().Range(func(l labels.Label) {
			pairs = append(pairs, l.Name+"="+strconv.Quote(l.Value))
		})
		name := s.Labels.Get(string(model.MetricNameLabel)) + "{" + strings.Join(pairs, ",") + "}"
		for i := range minutes + 1 {
			if v := s.Value(i); !math.IsNaN(v) {
				fmt.Fprintln(&text, name, strconv.FormatFloat(v, 'g', -1, 64), end.Add(time.Duration(i-minutes)*time.Minute).Unix())
			}
		}
	}
	text.WriteString("# EOF\n")
	file := filepath.Join(t.TempDir(), "samples")
	write(t, file, text.String())
	if out, err := exec.Command(binary(t, "promtool"), "tsdb", "create-blocks-from", "openmetrics", file, folder).CombinedOutput(); err != nil {
		t.Fatalf("make blocks: %v\n%s", err, out)
	}
	return folder
}

func ask(t *testing.T, address, query string, at time.Time) promql.Answer {
	t.Helper()
	client, err := promql.At(address)
	if err != nil {
		t.Fatal(err)
	}
	a, err := client.Answer(t.Context(), query, at)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// shardedPod is a Prometheus with its sidecar.
type shardedPod struct {
	http, grpc string
	kill       func()
}

// federation is a cluster of three shards with two copies each, and another with one Prometheus, behind one query.
type federation struct {
	pods  []shardedPod // of the first cluster, by ordinal
	query string
	m     manifests
}

const shards, replicas = 3, 2

const eastValues = `{prometheus: {shards: 3, replicas: 2, scrapeInterval: 1s, externalLabels: {cluster: east}}, thanos: {enabled: true, query: {endpoints: ["west.example.com:10901"]}}}`

func startFederation(t *testing.T, all []dashboards.Series, end time.Time) *federation {
	t.Helper()
	targets := division{}
	thanos := thanosBinary(t)
	f := &federation{m: rendered(t, eastValues)}
	for ordinal := range shards * replicas {
		data := store(t, all, end, func(l labels.Labels) bool {
			return l.Get("cluster") == "east" && targets.shard(target(l)) == ordinal%shards
		}, "cluster")
		f.pods = append(f.pods, startPod(t, thanos, f.m, ordinal, data, f.m.files(t, "ConfigMap/outrider-prometheus-shards")))
	}
	west := rendered(t, `{prometheus: {externalLabels: {cluster: west}}, thanos: {enabled: true}}`)
	data := store(t, all, end, func(l labels.Labels) bool { return l.Get("cluster") == "west" }, "cluster")
	pod := startPod(t, thanos, west, 0, data, west.files(t, "ConfigMap/outrider-prometheus"))
	_, westGRPC := startQuery(t, thanos, west, "dnssrv+_grpc._tcp.outrider-prometheus-headless.outrider.svc", pod.grpc)
	f.query, _ = startQuery(t, thanos, f.m, append(f.endpoints(), "west.example.com:10901", westGRPC)...)
	return f
}

// endpoints are the names of the pods, each with its address. There is no ruler.
func (f *federation) endpoints() []string {
	var all []string
	for ordinal, p := range f.pods {
		all = append(all, fmt.Sprintf("outrider-prometheus-%d.outrider-prometheus-headless.outrider.svc:10901", ordinal), p.grpc)
	}
	return append(all, "dnssrv+_grpc._tcp.outrider-thanos-ruler-headless.outrider.svc", "127.0.0.1:1")
}

// startPod starts the two containers of a pod of Prometheus with a folder of data and the files of its configuration.
func startPod(t *testing.T, thanos string, m manifests, ordinal int, data, files string, oldnew ...string) shardedPod {
	t.Helper()
	grpc := freePort(t)
	address, stopServer := startPrometheus(t, m, ordinal, files, "--storage.tsdb.path="+data)
	stopSidecar := launch(t, thanos, nil, replaced(t, m.container(t, "StatefulSet/outrider-prometheus", 1).Args, append(oldnew,
		"--http-address=:10902", "--http-address=127.0.0.1:"+freePort(t), "--grpc-address=:10901", "--grpc-address=127.0.0.1:"+grpc,
		"http://127.0.0.1:9090", address, "--tsdb.path=/prometheus", "--tsdb.path="+data)...)...)
	return shardedPod{http: address, grpc: "127.0.0.1:" + grpc, kill: func() { stopServer(); stopSidecar() }}
}

// startQuery starts query with other addresses than the rendered ones, and waits until it has found each.
func startQuery(t *testing.T, thanos string, m manifests, oldnew ...string) (web, grpc string) {
	t.Helper()
	http, grpc := freePort(t), freePort(t)
	start(t, thanos, nil, replaced(t, m.container(t, "Deployment/outrider-thanos-query", 0).Args,
		append([]string{"--http-address=:10902", "--http-address=127.0.0.1:" + http, "--grpc-address=:10901", "--grpc-address=127.0.0.1:" + grpc}, oldnew...)...)...)
	address := "http://127.0.0.1:" + http
	eventually(t, address+"/api/v1/stores", func(answer string) bool {
		for i := 1; i < len(oldnew); i += 2 {
			if oldnew[i] != "127.0.0.1:1" && !strings.Contains(answer, `"name":"`+oldnew[i]+`","lastCheck":"2`) {
				return false
			}
		}
		return true
	})
	return address, "127.0.0.1:" + grpc
}

// Every rule and every panel gets the same answer from one Prometheus and from three shards with two copies each and another
// cluster behind query, also without one copy; without a shard the answer says that it is partial.
func TestThanosAnswersAsOnePrometheus(t *testing.T) {
	thanosBinary(t)
	queries, all := population(t)
	end := time.Now().Truncate(time.Minute)
	one := startOne(t, store(t, all, end, func(labels.Labels) bool { return true }))
	f := startFederation(t, all, end)

	want := map[string]promql.Answer{}
	given := 0
	for _, q := range queries {
		want[q] = ask(t, one, q, end)
		if len(want[q].Series) > 0 {
			given++
		}
	}
	compare := func(t *testing.T, partial bool) {
		t.Helper()
		different, marked := 0, 0
		for _, q := range queries {
			got := ask(t, f.query, q, end)
			if why := promql.Differ(want[q], got, promql.Tolerance{}); why != "" {
				different++
				if !partial {
					t.Errorf("%s:\n%s", why, q)
				}
			}
			if slices.ContainsFunc(got.Warnings, func(w string) bool { return strings.Contains(w, "127.0.0.1:") }) || q == "vector(1)\n" {
				marked++ // the last one asks nobody
			}
		}
		t.Logf("%d queries over %d series, %d with an answer: %d different, %d marked as partial", len(queries), len(all), given, different, marked)
		if partial && (marked != len(queries) || different == 0) {
			t.Errorf("a shard is lost: %d of %d answers are marked, %d are different", marked, len(queries), different)
		}
	}
	t.Run("all", func(t *testing.T) { compare(t, false) })
	alone := map[string][]string{}
	for how, by := range map[string]func(labels.Labels) string{"by target": target, "by namespace": byNamespace} {
		d := division{}
		for shard := range shards {
			alone[how] = append(alone[how], startOne(t, store(t, all, end, func(l labels.Labels) bool { return d.shard(by(l)) == shard })))
		}
	}
	for how, addresses := range alone { // the decision in charts/doc.go rests on these figures
		different := 0
		for _, q := range queries {
			together := promql.Answer{Series: map[string]promql.Series{}, Refused: want[q].Refused}
			for _, address := range addresses {
				maps.Copy(together.Series, ask(t, address, q, end).Series)
			}
			if promql.Differ(want[q], together, promql.Tolerance{}) != "" {
				different++
			}
		}
		t.Logf("each shard asked alone, divided %s: %d of %d answers are different", how, different, len(queries))
	}
	f.pods[1].kill()
	t.Run("without a copy", func(t *testing.T) { compare(t, false) })
	f.pods[1+shards].kill()
	t.Run("without a shard", func(t *testing.T) { compare(t, true) })
}

// startOne starts one Prometheus over a folder, without a job, and returns its address.
func startOne(t *testing.T, data string, more ...string) string {
	t.Helper()
	file, port := filepath.Join(t.TempDir(), "prometheus.yml"), freePort(t)
	write(t, file, "{}")
	start(t, binary(t, "prometheus"), nil, append(more, "--config.file="+file, "--storage.tsdb.path="+data, "--web.listen-address=127.0.0.1:"+port)...)
	address := "http://127.0.0.1:" + port
	eventually(t, address+"/-/ready", anything)
	return address
}

// compacted makes the first block one that Prometheus has compacted, as it did before it had a sidecar.
func compacted(t *testing.T, data string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(data, "*", "meta.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("blocks %v, %v", files, err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	changed := regexp.MustCompile(`"level":\s*1`).ReplaceAll(text, []byte(`"level": 2`))
	if bytes.Equal(changed, text) {
		t.Fatalf("%s has no level: %s", files[0], text)
	}
	write(t, files[0], string(changed))
}

// What a Prometheus has uploaded is answered from object storage, when it is gone with its data; the compactor
// finds nothing wrong in the bucket.
func TestObjectStorage(t *testing.T) {
	thanos := thanosBinary(t)
	queries, all := population(t)
	end := time.Now().Truncate(time.Minute)
	m := rendered(t, `{prometheus: {externalLabels: {cluster: east}}, thanos: {enabled: true, objectStorageSecret: bucket}}`)
	bucket, config := t.TempDir(), filepath.Join(t.TempDir(), "objstore.yml")
	write(t, config, "type: FILESYSTEM\nconfig: {directory: "+bucket+"}\n")
	mounted := []string{"/etc/thanos-object-storage/objstore.yml", config}

	data := store(t, all, end, func(l labels.Labels) bool { return l.Get("cluster") == "east" }, "cluster")
	compacted(t, data)
	pod := startPod(t, thanos, m, 0, data, m.files(t, "ConfigMap/outrider-prometheus"), mounted...)
	blocks := func() int {
		found, _ := filepath.Glob(filepath.Join(bucket, "*", "meta.json"))
		return len(found)
	}
	local, err := filepath.Glob(filepath.Join(data, "*", "meta.json"))
	if err != nil || len(local) == 0 {
		t.Fatalf("blocks %v, %v", local, err)
	}
	for deadline := time.Now().Add(3 * time.Minute); blocks() < len(local); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d blocks are uploaded", blocks(), len(local))
		}
	}
	grpc, web := freePort(t), freePort(t)
	start(t, thanos, nil, replaced(t, m.container(t, "Deployment/outrider-thanos-store", 0).Args, append(mounted,
		"--http-address=:10902", "--http-address=127.0.0.1:"+web, "--grpc-address=:10901", "--grpc-address=127.0.0.1:"+grpc, "--data-dir=/thanos", "--data-dir="+t.TempDir())...)...)
	eventually(t, "http://127.0.0.1:"+web+"/-/ready", anything)
	compactor := freePort(t)
	start(t, thanos, nil, replaced(t, m.container(t, "Deployment/outrider-thanos-compactor", 0).Args, append(mounted,
		"--http-address=:10902", "--http-address=127.0.0.1:"+compactor, "--data-dir=/thanos", "--data-dir="+t.TempDir())...)...)
	eventually(t, "http://127.0.0.1:"+compactor+"/metrics", func(answer string) bool {
		return strings.Contains(answer, "thanos_compact_iterations_total 1") && strings.Contains(answer, "thanos_compact_halted 0")
	})
	query, _ := startQuery(t, thanos, m, "dnssrv+_grpc._tcp.outrider-prometheus-headless.outrider.svc", pod.grpc, "outrider-thanos-store.outrider.svc:10901", "127.0.0.1:"+grpc)
	want := map[string]promql.Answer{}
	for _, q := range queries {
		want[q] = ask(t, query, q, end)
	}
	pod.kill()
	if err := os.RemoveAll(data); err != nil {
		t.Fatal(err)
	}
	eventually(t, query+"/api/v1/stores", func(answer string) bool {
		return !strings.Contains(answer, `"sidecar":[{`) || strings.Contains(answer, "connection refused")
	})
	given := 0
	for _, q := range queries {
		got := ask(t, query, q, end)
		if why := promql.Differ(want[q], got, promql.Tolerance{}); why != "" {
			t.Errorf("%s:\n%s", why, q)
		}
		if len(got.Series) > 0 {
			given++
		}
	}
	t.Logf("%d of %d answers of the last hours are from object storage alone, %d of them with series", len(queries), len(queries), given)
}
