package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// testShards takes one Prometheus to two shards of two copies behind Thanos' query: nothing from before the upgrade is lost,
// everything that asks finds the right address, and a shard that does not answer is reported.
func testShards(t *testing.T, e *env) {
	if e.cluster.ControlPlane() != "" {
		e.volumes(t, 4) // before the cleanup below: a volume goes when its claim is gone
	}
	t.Cleanup(func() {
		if err := e.release.Uninstall(); err != nil {
			t.Error(err)
		}
		claims := metav1.ListOptions{LabelSelector: "app.kubernetes.io/component=prometheus"}
		if err := e.client.CoreV1().PersistentVolumeClaims("outrider").DeleteCollection(context.Background(), metav1.DeleteOptions{}, claims); err != nil {
			t.Error(err)
		}
	})
	before := e.single(t)
	upgraded := time.Now()
	values := e.claims(upgradeInterval.String())
	maps.Copy(values["prometheus"].(map[string]any), map[string]any{"shards": 2, "replicas": 2})
	values["thanos"] = map[string]any{"enabled": true, "query": map[string]any{"replicas": 1}, "ruler": map[string]any{"replicas": 1}}
	if _, err := e.release.Apply(t.Context(), values); err != nil {
		t.Fatal(err)
	}
	e.asks(t, "outrider-thanos-query:9090")

	// Every target is up, in one shard, by both of its copies.
	e.becomes(t, `count(count by (shard) (up{job="prometheus"}))`, func(n float64) bool { return n == 2 })
	e.becomes(t, `count(up == 0) or vector(0)`, func(n float64) bool { return n == 0 })
	e.isUp(t, "e2e-shards", "redis_up")
	eventually(t, func() string { // the first pod answers with its old volume
		if lost := e.lost(t, before, upgraded.Add(-upgradeInterval)); len(lost) > 0 {
			return fmt.Sprintf("samples of the single Prometheus are lost: %v", lost)
		}
		return ""
	})

	// The release's own questions reach query.
	outrider := e.cli(t)
	eventually(t, func() string {
		if out, _, code := outrider("status", "-n", "e2e-shards", "--fail-on", "missed,down,unproven"); code != 0 {
			return out
		}
		return ""
	})
	if err := e.release.Test(); err != nil {
		t.Error(err)
	}
	e.becomes(t, `sum(increase(prometheus_rule_evaluations_total{job=~".*ruler.*"}[1m]))`, func(n float64) bool { return n > 0 })
	e.becomes(t, `sum(increase(prometheus_rule_evaluation_failures_total{job=~".*ruler.*"}[1m])) or vector(0)`, func(n float64) bool { return n == 0 })

	// Neither copy of a shard answers, as where its machines hang. It is the one without kube-state-metrics: of that, the last
	// answer to the single Prometheus, that all is ready, would count for the five minutes of a lookback.
	var shard int
	eventually(t, func() string {
		v, err := e.prom.Query(t.Context(), `max by (shard) (prometheus_target_scrape_pool_targets{scrape_job="kube-state-metrics"}) == 0`)
		if err != nil || len(v) != 1 {
			return fmt.Sprintf("shards without kube-state-metrics: %v, %v", v, err)
		}
		shard, err = strconv.Atoi(string(v[0].Metric["shard"]))
		if err != nil {
			return err.Error()
		}
		return ""
	})
	resume := e.pause(t, fmt.Sprintf("outrider-prometheus-%d", shard), fmt.Sprintf("outrider-prometheus-%d", shard+2))
	e.becomes(t, `count(ALERTS{alertname="PrometheusShardDown"})`, func(n float64) bool { return n == 1 })
	resume()
	e.becomes(t, `count(ALERTS{alertname="PrometheusShardDown"}) or vector(0)`, func(n float64) bool { return n == 0 })
	say(t, "from one Prometheus to 2 shards of 2 copies: %d targets, no sample from before the upgrade lost; a shard that stands still is reported", len(before))
}

// claims are values with which Prometheus has volumes.
func (e *env) claims(interval string) map[string]any {
	values := e.values(interval)
	persistence := map[string]any{"mode": "claim", "size": "1Gi"}
	if e.cluster.ControlPlane() != "" {
		persistence["storageClassName"] = storageClass
	}
	values["prometheus"].(map[string]any)["persistence"] = persistence
	return values
}

// single has one Prometheus that has scraped every target several times, and returns when, by target.
func (e *env) single(t *testing.T) map[string][]time.Time {
	t.Helper()
	e.asks(t, "outrider-prometheus:9090")
	if err := e.release.Uninstall(); err != nil { // a live StatefulSet gets no claims
		t.Fatal(err)
	}
	if _, err := e.release.Apply(t.Context(), e.claims(upgradeInterval.String())); err != nil {
		t.Fatal(err)
	}
	e.apply(t, []byte("apiVersion: v1\nkind: Namespace\nmetadata: {name: e2e-shards}\n"))
	e.redis(t, "e2e-shards", `outrider.dev/inject: redis`, "")
	e.settle(t, "e2e-shards")
	e.isUp(t, "e2e-shards", "redis_up")
	var found map[string][]time.Time
	eventually(t, func() string {
		if found = e.scrapes(t, prometheusPod, 5); len(found) < 10 {
			return fmt.Sprintf("only %v are scraped", slices.Sorted(maps.Keys(found)))
		}
		return ""
	})
	return found
}

// lost are the targets of which query does not know every sample until a time.
func (e *env) lost(t *testing.T, before map[string][]time.Time, until time.Time) (targets []string) {
	t.Helper()
	all, err := e.prom.Samples(t.Context(), `up[30m]`)
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]map[time.Time]bool{}
	for _, series := range all {
		target := string(series.Metric["job"])
		if target != "prometheus" {
			target += " " + string(series.Metric["instance"])
		}
		if known[target] == nil {
			known[target] = map[time.Time]bool{}
		}
		for _, s := range series.Values {
			known[target][s.Timestamp.Time()] = true
		}
	}
	for target, times := range before {
		for _, at := range times {
			if at.Before(until) && !known[target][at] {
				targets = append(targets, fmt.Sprintf("%s at %s", target, at.Format(time.TimeOnly)))
			}
		}
	}
	return targets
}

// pause stops the programs of pods of Prometheus, which stay, until resume is called. The sidecar is one of them: while it
// answers, each part of each rule's query waits ten seconds for a Prometheus that does not.
func (e *env) pause(t *testing.T, pods ...string) (resume func()) {
	t.Helper()
	var all []int
	for _, pod := range pods {
		for _, program := range []string{"prometheus", "thanos"} {
			pids, err := e.cluster.PIDs(string(e.pod(t, "outrider", pod).UID), program)
			if err != nil || len(pids) == 0 {
				t.Fatalf("processes %s of %s: %v, %v", program, pod, pids, err)
			}
			all = append(all, pids...)
		}
	}
	signal := func(s syscall.Signal) {
		for _, pid := range all {
			if err := syscall.Kill(pid, s); err != nil && !errors.Is(err, syscall.ESRCH) { // the kubelet may have ended it
				t.Error(err)
			}
		}
	}
	signal(syscall.SIGSTOP)
	return func() { signal(syscall.SIGCONT) }
}
