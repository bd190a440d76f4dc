package e2e_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/outrider-dev/outrider/test/promql"
)

const (
	upgradeInterval = 3 * time.Second
	storageClass    = "outrider-e2e"
)

// testUpgradeDropsNoScrape restarts both copies of a Prometheus with claims by an
// upgrade: between them they miss no target for longer than one interval, and
// each still has what it had before.
func testUpgradeDropsNoScrape(t *testing.T, e *env) {
	if err := e.release.Uninstall(); err != nil { // a live StatefulSet gets no claims
		t.Fatal(err)
	}
	if e.cluster.ControlPlane() != "" {
		e.volumes(t, 2)
	}
	values := e.claims(upgradeInterval.String())
	values["prometheus"].(map[string]any)["replicas"] = 2
	t.Cleanup(func() {
		if err := e.release.Uninstall(); err != nil {
			t.Error(err)
		}
		claims := metav1.ListOptions{LabelSelector: "app.kubernetes.io/component=prometheus"}
		err := e.client.CoreV1().PersistentVolumeClaims("outrider").DeleteCollection(context.Background(), metav1.DeleteOptions{}, claims)
		if err != nil {
			t.Error(err)
		}
	})
	if _, err := e.release.Apply(t.Context(), values); err != nil {
		t.Fatal(err)
	}
	copies := []string{"outrider-prometheus-0", "outrider-prometheus-1"}
	var targets []string
	eventually(t, func() string { // each copy has scraped every target, and several times
		var seen [2][]string
		for i, pod := range copies {
			seen[i] = slices.Sorted(maps.Keys(e.scrapes(t, pod, 5)))
		}
		if len(seen[0]) < 8 || !slices.Equal(seen[0], seen[1]) {
			return fmt.Sprintf("the copies scrape %v", seen)
		}
		targets = seen[0]
		return ""
	})
	before, began := e.runs(t), time.Now()

	values["prometheus"].(map[string]any)["extraArgs"] = []any{"--log.level=debug"}
	if _, err := e.release.Apply(t.Context(), values); err != nil {
		t.Fatal(err)
	}
	for pod, uid := range e.runs(t) {
		if uid == before[pod] {
			t.Errorf("the upgrade did not restart %s, so it says nothing", pod)
		}
	}
	ended := time.Now()
	eventually(t, func() string {
		for _, pod := range copies {
			for target, times := range e.scrapes(t, pod, 1) {
				if !times[len(times)-1].After(ended) {
					return fmt.Sprintf("%s does not scrape %s again", pod, target)
				}
			}
		}
		return ""
	})

	both := e.scrapes(t, copies[0], 1)
	for target, times := range e.scrapes(t, copies[1], 1) {
		both[target] = append(both[target], times...)
	}
	worst := time.Duration(0)
	for _, target := range targets {
		if target == "prometheus" { // the copies themselves are what is gone
			continue
		}
		times := slices.DeleteFunc(both[target], func(at time.Time) bool { return at.Before(began) })
		slices.SortFunc(times, time.Time.Compare)
		for i := 1; i < len(times); i++ {
			gap := times[i].Sub(times[i-1])
			worst = max(worst, gap)
			if gap > 2*upgradeInterval {
				t.Errorf("%s was not scraped for %s at %s of the upgrade, and the interval is %s", target, gap, times[i-1].Sub(began), upgradeInterval)
			}
		}
	}
	say(t, "an upgrade that restarts both copies of Prometheus took %s; no target was without a scrape for longer than %s, at an interval of %s",
		ended.Sub(began).Round(time.Second), worst.Round(time.Millisecond), upgradeInterval)
	for _, pod := range copies {
		v, err := e.copy(t, pod).QueryAt(t.Context(), `count(up)`, began)
		if err != nil || len(v) != 1 || v[0].Value < model.SampleValue(len(targets)) {
			t.Errorf("%s has lost what it knew before the upgrade: %v, %v", pod, v, err)
		}
	}
}

// copy is one copy of Prometheus.
func (e *env) copy(t *testing.T, pod string) *promql.Client {
	t.Helper()
	c, err := promql.NewPod(e.cluster.RESTConfig(), "outrider", pod+":9090")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// scrapes is when a copy has scraped each target that it has scraped at least so
// often, by job and, but for Prometheus' own, by instance.
func (e *env) scrapes(t *testing.T, pod string, least int) map[string][]time.Time {
	t.Helper()
	all, err := e.copy(t, pod).Samples(t.Context(), `up[10m]`)
	found := map[string][]time.Time{}
	if err != nil {
		return found // it restarts
	}
	for _, series := range all {
		target := string(series.Metric["job"])
		if target != "prometheus" {
			target += " " + string(series.Metric["instance"])
		}
		for _, sample := range series.Values {
			found[target] = append(found[target], sample.Timestamp.Time())
		}
	}
	maps.DeleteFunc(found, func(_ string, times []time.Time) bool { return len(times) < least })
	for _, times := range found {
		slices.SortFunc(times, time.Time.Compare)
	}
	return found
}

// runs are the identities of Prometheus' pods.
func (e *env) runs(t *testing.T) map[string]string {
	t.Helper()
	pods, err := e.client.CoreV1().Pods("outrider").List(t.Context(), metav1.ListOptions{LabelSelector: "app.kubernetes.io/component=prometheus"})
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, p := range pods.Items {
		found[p.Name] = string(p.UID)
	}
	return found
}

// volumes gives each copy a folder of this machine: there is nobody who makes
// volumes when they are claimed.
func (e *env) volumes(t *testing.T, copies int) {
	t.Helper()
	for i := range copies {
		folder := t.TempDir()
		if err := os.Chmod(folder, 0o777); err != nil {
			t.Fatal(err)
		}
		e.apply(t, fmt.Appendf(nil, `
apiVersion: v1
kind: PersistentVolume
metadata: {name: outrider-e2e-%d}
spec:
  storageClassName: %s
  capacity: {storage: 1Gi}
  accessModes: [ReadWriteOnce]
  persistentVolumeReclaimPolicy: Retain
  hostPath: {path: %s, type: Directory}
  claimRef: {namespace: outrider, name: data-outrider-prometheus-%d}
`, i, storageClass, folder, i))
	}
}
