package e2e_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// cache has two replicas and asks for an exporter, in a way that the API server's policies leave to the webhook: by an
// annotation for meshes.
const cache = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: %[2]s, namespace: %[1]s}
spec:
  replicas: 2
  selector: {matchLabels: {app: %[2]s}}
  template:
    metadata: {labels: {app: %[2]s}, annotations: {outrider.dev/inject: redis, outrider.dev/mesh: keep}}
    spec: {terminationGracePeriodSeconds: 1, containers: [{name: redis, image: "docker.io/library/redis:7.0.15"}]}
`

// testMissedPodsAreRepaired rolls out 20 pods while no replica runs. They are
// reported within a minute of the first that is back, and with repair on they all
// get their exporter while no Deployment of two is ever short of one.
func testMissedPodsAreRepaired(t *testing.T, e *env) {
	e.restore(t)
	e.scale(t, 0)
	var namespaces []string
	for i := range 5 {
		ns := fmt.Sprintf("e2e-missed-%d", i)
		namespaces = append(namespaces, ns)
		e.apply(t, fmt.Appendf(nil, "apiVersion: v1\nkind: Namespace\nmetadata: {name: %s}\n", ns))
		for _, name := range []string{"one", "two"} {
			e.apply(t, fmt.Appendf(nil, cache, ns, name))
		}
	}
	for _, ns := range namespaces {
		e.settle(t, ns)
	}
	if with, without := e.injected(t, namespaces); with != 0 || without != 20 {
		t.Fatalf("with no replica %d pods have an exporter and %d have none, want 0 and 20", with, without)
	}
	watched := e.watchAvailability(t, namespaces...)

	e.scale(t, 1)
	back := time.Now()
	eventually(t, func() string {
		if n := e.missed(t, namespaces); n != 20 {
			return fmt.Sprintf("%d pods are reported missed, want 20", n)
		}
		return ""
	})
	took := time.Since(back)
	say(t, "20 pods rolled out without a replica were reported missed %s after one was back", took.Round(time.Second))
	if took > time.Minute {
		t.Errorf("it took %s to report them, want a minute at most", took)
	}

	began := time.Now()
	e.upgrade(t, map[string]any{"logLevel": "debug", "repair": map[string]any{"enabled": true, "interval": "1s"}})
	eventually(t, func() string {
		if with, without := e.injected(t, namespaces); with != 20 || without != 0 {
			return fmt.Sprintf("%d pods have their exporter and %d do not", with, without)
		}
		for _, ns := range namespaces {
			for _, name := range []string{"one", "two"} {
				if wrong := e.complete(t, ns, name); wrong != "" {
					return wrong
				}
			}
		}
		return ""
	})
	say(t, "10 Deployments in 5 namespaces were repaired in %s, the upgrade that asked for it included", time.Since(began).Round(time.Second))
	least := watched.soFar()
	if len(least) != 10 {
		t.Errorf("%d Deployments were watched, want 10", len(least))
	}
	for name, n := range least {
		if n < 2 {
			t.Errorf("%s had %d of 2 pods ready and available at one time", name, n)
		}
	}
	eventually(t, func() string {
		if n := e.missed(t, namespaces); n != 0 {
			return fmt.Sprintf("%d pods are still reported missed", n)
		}
		return ""
	})
}

// injected counts the pods of the namespaces that have an exporter, and those
// that have none. Those that are being deleted do not count.
func (e *env) injected(t *testing.T, namespaces []string) (with, without int) {
	t.Helper()
	for _, ns := range namespaces {
		pods, err := e.client.CoreV1().Pods(ns).List(t.Context(), metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for i := range pods.Items {
			switch pod := &pods.Items[i]; {
			case pod.DeletionTimestamp != nil:
			case len(added(pod.Spec.Containers)) > 0:
				with++
			default:
				without++
			}
		}
	}
	return with, without
}

// missed is how many pods of the namespaces the leader reports as missed. The
// other replicas report none.
func (e *env) missed(t *testing.T, namespaces []string) int {
	t.Helper()
	sum := 0
	e.eachReplica(t, func(name string) {
		for line := range strings.Lines(e.metrics(t, name)) {
			if !strings.HasPrefix(line, "outrider_coverage_pods{") || !strings.Contains(line, `state="missed"`) {
				continue
			}
			for _, ns := range namespaces {
				if strings.Contains(line, fmt.Sprintf("namespace=%q", ns)) {
					var n float64
					if _, err := fmt.Sscan(line[strings.LastIndexByte(line, ' ')+1:], &n); err != nil {
						t.Fatal(err)
					}
					sum += int(n)
				}
			}
		}
	})
	return sum
}
