package cli_test

import (
	"encoding/json"
	"strings"
	"testing"
)

const forecasted = `apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: shop}
spec:
  replicas: 3
  template:
    metadata: {annotations: {outrider.dev/inject: postgres}}
    spec:
      containers: [{name: postgres, image: "postgres:15", env: [{name: POSTGRES_PASSWORD, valueFrom: {secretKeyRef: {name: a, key: b}}}]}]
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: cache, namespace: shop}
spec:
  template:
    metadata: {annotations: {outrider.dev/inject: auto, outrider.dev/profile: essential}}
    spec: {containers: [{name: redis, image: "redis:7"}]}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: warm, namespace: other}
spec:
  jobTemplate:
    spec:
      parallelism: 2
      template:
        metadata: {annotations: {outrider.dev/inject: memcached}}
        spec: {restartPolicy: Never, containers: [{name: memcached, image: "memcached:1"}]}
---
apiVersion: v1
kind: Pod
metadata: {name: none}
spec: {containers: [{name: redis, image: "redis:7"}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: broker, namespace: other}
spec:
  replicas: 3
  template:
    metadata: {annotations: {outrider.dev/inject: kafka}}
    spec: {containers: [{name: kafka, image: "apache/kafka:4.0.0", ports: [{containerPort: 9092}]}]}
`

// TestPlan holds what is summed of manifests, and that nothing is forecast for what gets no exporter.
func TestPlan(t *testing.T) {
	got := run(t, forecasted, "plan", "--nodes", "4", "--count", "postgres/database=20", "-o", "json")
	var f struct {
		Lines []struct {
			Workload               string
			Pods, Sidecars, Series int
		}
		Namespaces []struct{ Namespace string }
		Total      struct{ Sidecars, CPUMillicores, MemoryMiB int }
	}
	if err := json.Unmarshal([]byte(got.out), &f); err != nil {
		t.Fatalf("%v: %s%s", err, got.out, got.err)
	}
	pods, series := map[string]int{}, map[string]int{}
	for _, l := range f.Lines {
		pods[l.Workload], series[l.Workload] = l.Pods, l.Series
	}
	if pods["StatefulSet/db"] != 3 || pods["DaemonSet/cache"] != 4 || pods["CronJob/warm"] != 2 || pods["StatefulSet/broker"] != 1 || len(f.Lines) != 4 {
		t.Errorf("%+v", f.Lines)
	}
	if series["StatefulSet/db"] < 3*1000 || series["DaemonSet/cache"] > 4*200 {
		t.Errorf("databases are not counted, or a profile is not: %+v", series)
	}
	if len(f.Namespaces) != 2 || f.Total.Sidecars != 10 || f.Total.CPUMillicores != 100 || f.Total.MemoryMiB != 10*32 {
		t.Errorf("%+v of %+v", f.Total, f.Namespaces)
	}
	if text := run(t, forecasted, "plan"); text.code != 0 || !strings.Contains(text.out, "for each database") || !strings.Contains(text.out, "total") {
		t.Errorf("exit code %d: %s%s", text.code, text.out, text.err)
	}
	if none := run(t, pod, "plan"); !strings.Contains(none.out, "no pod gets an exporter") {
		t.Errorf("exit code %d: %s%s", none.code, none.out, none.err)
	}
	for flag, want := range map[string]string{"--count=postgres/cow=1": "postgres/cow", "--scrape-interval=0s": "--scrape-interval", "--count=postgres/database=-1": "0 to"} {
		if bad := run(t, forecasted, "plan", flag); bad.code != 2 || !strings.Contains(bad.err, want) {
			t.Errorf("%s: exit code %d: %s", flag, bad.code, bad.err)
		}
	}
}
