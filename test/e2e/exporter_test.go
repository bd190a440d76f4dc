package e2e_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
	"github.com/outrider-dev/outrider/webhook/decider"
)

// sessions is an exporter that Outrider does not ship, with a tag and a
// pattern to fill in.
const sessions = `
apiVersion: outrider.dev/v1alpha1
kind: Exporter
metadata: {name: sessions}
spec:
  image: docker.io/prom/memcached-exporter:%s
  port: 9150
  upMetric: memcached_up
  runAsUser: 65534
  args: ["--memcached.address=127.0.0.1:${port}"]
  parameters:
    - {name: port, default: "11211", pattern: "%s", doc: TCP port of the memcached server in this pod.}
  resources:
    requests: {cpu: 10m, memory: 32Mi}
    limits: {cpu: 100m, memory: 64Mi}
`

// sessionsTag is the tag that the cluster has an image of.
const sessionsTag = "v0.16.0"

// testExporterAtRuntime adds an exporter to the live release, breaks its definition
// and takes it away: what the controller may do is what the chart lets it.
func testExporterAtRuntime(t *testing.T, e *env) {
	ns := e.namespace(t)
	good := fmt.Appendf(nil, sessions, sessionsTag, "[0-9]+")
	e.apply(t, good)
	e.told(t, metav1.ConditionTrue, decider.InForce, "new pods get this definition")
	e.everyReplicaKnows(t, 1, 0)
	e.apply(t, fmt.Appendf(nil, `
apiVersion: v1
kind: Pod
metadata: {name: app, namespace: %s, annotations: {outrider.dev/inject: sessions}}
spec:
  terminationGracePeriodSeconds: 1
  containers: [{name: memcached, image: "docker.io/library/memcached:1.6.18"}]
`, ns))
	e.settle(t, ns)
	e.isUp(t, ns, `memcached_up`)
	v, err := e.prom.Query(t.Context(), fmt.Sprintf(`memcached_up{job="sessions",container="outrider-sessions",namespace=%q} == 1`, ns))
	if err != nil || len(v) != 1 {
		t.Errorf("memcached_up of job sessions is %v, %v", v, err)
	}

	// Nothing but the controller can tell that this is no regular expression.
	if err := e.applier.Apply(t.Context(), fmt.Appendf(nil, sessions, "v0.0.1", "[")); err != nil {
		t.Fatal(err)
	}
	e.told(t, metav1.ConditionFalse, decider.Invalid, "spec.parameters[0].pattern:", "in force instead: the last good definition, generation 1")
	e.everyReplicaKnows(t, 0, 1)
	ask := map[string]string{sidecars.InjectKey: "sessions"}
	pod := e.create(t, ns, "last-good", ask)
	if ours := added(pod.Spec.Containers); len(ours) != 1 || !strings.HasSuffix(ours[0].Image, ":"+sessionsTag) {
		t.Errorf("while the definition is bad, a new pod gets %v, want the last good one", ours)
	}

	if err := e.applier.Delete(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	e.everyReplicaKnows(t, 0, 0)
	pod = e.create(t, ns, "deleted", ask)
	if d := sidecars.ParseStatus(pod).Decisions; len(d) != 1 || d[0].Reason != sidecars.UnknownExporter || len(added(pod.Spec.Containers)) != 0 {
		t.Errorf("with the exporter deleted, a new pod is answered %+v, and gets %v", d, added(pod.Spec.Containers))
	}
}

// told waits for the Ready condition of sessions, of its present generation, and
// for every part of its message.
func (e *env) told(t *testing.T, status metav1.ConditionStatus, reason string, parts ...string) {
	t.Helper()
	eventually(t, func() string {
		raw, err := e.client.CoreV1().RESTClient().Get().AbsPath("/apis/outrider.dev/v1alpha1/exporters/sessions").DoRaw(t.Context())
		if err != nil {
			return err.Error()
		}
		var x v1alpha1.Exporter
		if err := json.Unmarshal(raw, &x); err != nil {
			return err.Error()
		}
		c := meta.FindStatusCondition(x.Status.Conditions, decider.Ready)
		if c == nil || c.Status != status || c.Reason != reason || c.ObservedGeneration != x.Generation {
			return fmt.Sprintf("generation %d has condition %+v, want %s because of %s", x.Generation, c, status, reason)
		}
		for _, part := range parts {
			if !strings.Contains(c.Message, part) {
				return fmt.Sprintf("the message is %q, want %q in it", c.Message, part)
			}
		}
		return ""
	})
}

// everyReplicaKnows waits until each has so many custom exporters, good and bad.
func (e *env) everyReplicaKnows(t *testing.T, good, bad int) {
	t.Helper()
	want := map[string]int{"true": good, "false": bad}
	eventually(t, func() (wrong string) {
		e.eachReplica(t, func(name string) {
			metrics := e.metrics(t, name)
			for ready, n := range want {
				line := fmt.Sprintf("outrider_exporters{ready=%q,source=\"custom\"} %d\n", ready, n)
				if !strings.Contains(metrics, line) {
					wrong = name + " has no " + line
				}
			}
		})
		return wrong
	})
}
