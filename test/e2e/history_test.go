package e2e_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/outrider-dev/outrider/test/poll"
	"github.com/outrider-dev/outrider/test/promql"
)

// testLostVolume deletes the only Prometheus with its data: what it had uploaded is answered as before, from object storage.
// A block is of a minute here, and of two hours by the chart's default.
func testLostVolume(t *testing.T, e *env) {
	if e.cluster.ControlPlane() == "" {
		t.Skip("the bucket is a folder of this machine")
	}
	e.apply(t, []byte("apiVersion: v1\nkind: Namespace\nmetadata: {name: e2e-history}\n"))
	e.redis(t, "e2e-history", `outrider.dev/inject: redis`, "")
	bucket := t.TempDir()
	if err := os.Chmod(bucket, 0o777); err != nil {
		t.Fatal(err)
	}
	e.apply(t, []byte(`
apiVersion: v1
kind: Secret
metadata: {name: bucket, namespace: outrider}
stringData: {objstore.yml: "type: FILESYSTEM\nconfig: {directory: /bucket}\n"}
`))
	values := e.small("5s")
	maps.Copy(values["prometheus"].(map[string]any), map[string]any{
		"externalLabels": map[string]any{"cluster": "east"},
		"extraArgs":      []any{"--storage.tsdb.min-block-duration=1m", "--storage.tsdb.max-block-duration=1m"},
	})
	values["thanos"] = map[string]any{
		"enabled": true, "objectStorageSecret": "bucket",
		"extraVolumes":      []any{map[string]any{"name": "bucket", "hostPath": map[string]any{"path": bucket, "type": "Directory"}}},
		"extraVolumeMounts": []any{map[string]any{"name": "bucket", "mountPath": "/bucket"}},
		"query":             map[string]any{"replicas": 1},
		"store":             map[string]any{"extraArgs": []any{"--sync-block-duration=5s"}},
	}
	if _, err := e.release.Apply(t.Context(), values); err != nil {
		t.Fatal(err)
	}
	query := e.asks(t, "outrider-thanos-query:9090")
	e.isUp(t, "e2e-history", "redis_up")
	var until time.Time
	var blocks int
	poll.Until(t, 3*patience, time.Second, func() string {
		if until, blocks = uploaded(t, bucket); blocks < 5 {
			return fmt.Sprintf("%d blocks are uploaded, want 5", blocks)
		}
		return ""
	})
	e.sizes(t)
	when := until.Add(-time.Second)
	questions := append(e.ruled(t), panels(t, query, when, ".*", rateInterval)...)
	questions = append(questions, question{"all samples", `{__name__=~".+"}[2m]`})
	want := answers(t, questions, at(query, when))

	before := e.pod(t, "outrider", prometheusPod).UID
	if err := e.client.CoreV1().Pods("outrider").Delete(t.Context(), prometheusPod, metav1.DeleteOptions{GracePeriodSeconds: new(int64(0))}); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() string {
		pod, err := e.client.CoreV1().Pods("outrider").Get(t.Context(), prometheusPod, metav1.GetOptions{})
		if err != nil || pod.UID == before {
			return fmt.Sprintf("no other pod has taken its place: %v", err)
		}
		return ""
	})
	e.settle(t, "outrider")
	e.isUp(t, "e2e-history", "redis_up")
	eventually(t, func() string {
		left, err := e.copy(t, prometheusPod).Answer(t.Context(), `up`, when)
		if err != nil || len(left.Series) > 0 {
			return fmt.Sprintf("Prometheus still knows %d series of before: %v", len(left.Series), err)
		}
		return ""
	})
	got := answers(t, questions, at(query, when))
	different := 0
	for i, q := range questions {
		if why := promql.Differ(want[i], got[i], promql.Tolerance{}); why != "" {
			different++
			t.Errorf("%s:\n%s\n%s", q.by, why, q.promql)
		}
	}
	say(t, "Prometheus deleted with its data, %d blocks uploaded: %d of %d queries about %s get another answer than before, %d have series, %d samples of the last two minutes of %d series are the same",
		blocks, different, len(questions), when.UTC().Format(time.TimeOnly), given(got), samples(got[len(got)-1]), len(got[len(got)-1].Series))
}

// samples is how many an answer has.
func samples(a promql.Answer) (n int) {
	for _, s := range a.Series {
		n += s.Count
	}
	return n
}

// uploaded is until when the blocks in a bucket reach, and how many there are.
func uploaded(t *testing.T, bucket string) (until time.Time, blocks int) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(bucket, "*", "meta.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		var meta struct{ MaxTime int64 }
		if err != nil || json.Unmarshal(data, &meta) != nil {
			continue // the compactor has deleted it, or it is being written
		}
		blocks++
		if at := time.UnixMilli(meta.MaxTime); at.After(until) {
			until = at
		}
	}
	return until, blocks
}
