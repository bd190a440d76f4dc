package faults_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/outrider-dev/outrider/test/promql"
)

// testTargets holds that every node's exporter, kubelet and cAdvisor are scraped by both copies of Prometheus, under the
// node's name.
func testTargets(t *testing.T, e *env) {
	e.spread(t, "webhook", 2)
	e.spread(t, "prometheus", 2)
	for _, pods := range e.on(t, "prometheus") {
		prom, err := promql.NewPod(e.cluster.RESTConfig(), "outrider", pods[0].Name+":9090")
		if err != nil {
			t.Fatal(err)
		}
		for _, job := range []string{"node-exporter", "kubelet", "cadvisor", "kube-proxy"} {
			want := e.cluster.Nodes()
			eventually(t, func() string {
				found, err := prom.Query(t.Context(), fmt.Sprintf("up{job=%q} == 1", job))
				if err != nil {
					return err.Error()
				}
				var names []string
				for _, s := range found {
					names = append(names, string(s.Metric["node"]))
				}
				slices.Sort(names)
				if job == "kube-proxy" && len(names) == len(want) { // processes here, which have no node
					return ""
				}
				if !slices.Equal(names, want) {
					return fmt.Sprintf("%s has the targets %v of %s, want %v", pods[0].Name, names, job, want)
				}
				return ""
			})
		}
	}
	e.variables(t)
	say(t, "targets of node-exporter, kubelet and cAdvisor of %d nodes: all up and named after their node, in both copies of Prometheus", len(e.cluster.Nodes()))
}

// matchers are those of a variable's query, which name other variables.
var matchers = regexp.MustCompile(`\{[^}]*\}`)

// variables holds that every dashboard with a variable for nodes offers each of them.
func (e *env) variables(t *testing.T) {
	t.Helper()
	files, err := filepath.Glob("../../charts/outrider/files/dashboards/*.json")
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	for _, file := range files {
		var dashboard struct {
			Templating struct {
				List []struct{ Name, Definition string }
			}
		}
		raw, err := os.ReadFile(file)
		if err == nil {
			err = json.Unmarshal(raw, &dashboard)
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range dashboard.Templating.List {
			if v.Name != "node" {
				continue
			}
			asked++
			metric, found := strings.CutPrefix(matchers.ReplaceAllString(v.Definition, ""), "label_values(")
			metric, label, separate := strings.Cut(strings.TrimSuffix(metric, ")"), ", ")
			if !found || !separate {
				t.Fatalf("%s: %q is no list of a label's values", file, v.Definition)
			}
			eventually(t, func() string { return e.offers(t.Context(), filepath.Base(file), metric, label) })
		}
	}
	if asked == 0 {
		t.Error("no dashboard has a variable for nodes")
	}
}

func (e *env) offers(ctx context.Context, dashboard, metric, label string) string {
	found, err := e.prom.Query(ctx, fmt.Sprintf("group by (%s) (%s)", label, metric))
	if err != nil {
		return err.Error()
	}
	var names []string
	for _, s := range found {
		names = append(names, string(s.Metric[model.LabelName(label)]))
	}
	slices.Sort(names)
	if want := e.cluster.Nodes(); !slices.Equal(names, want) {
		return fmt.Sprintf("%s offers the nodes %v, want %v", dashboard, names, want)
	}
	return ""
}

// victim is a node that has a webhook's replica, and as much as possible of a copy of Prometheus and the controller that
// leads. It is not the machine itself.
func (e *env) victim(t *testing.T) string {
	t.Helper()
	webhooks, copies, controllers := e.on(t, "webhook"), e.on(t, "prometheus"), e.on(t, "controller")
	best, most := "", -1
	for _, node := range e.cluster.Nodes()[1:] {
		if n := 3*len(webhooks[node]) + len(copies[node]) + len(controllers[node]); n > most {
			best, most = node, n
		}
	}
	for range 5 { // a new replica may take over instead
		leader := e.leader(t, leaderLease)
		if leader.Spec.NodeName == best || len(controllers[best]) == 0 {
			break
		}
		if err := e.client.CoreV1().Pods("outrider").Delete(t.Context(), leader.Name, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		eventually(t, func() string {
			if holder := e.holder(t, leaderLease); holder == "" || strings.HasPrefix(holder, leader.Name+"_") {
				return fmt.Sprintf("%s is held by %q, which is gone", leaderLease, holder)
			}
			return ""
		})
		e.whole(t)
		controllers = e.on(t, "controller")
	}
	return best
}

// testNodeDies takes a node's power away: until the cluster notices, calls of the replica on it go nowhere, and last for
// the webhook's timeout.
func testNodeDies(t *testing.T, e *env) {
	const namespace = "faults-nodedies-moving"
	e.moving(t, namespace)
	node := e.victim(t)
	before := e.on(t, "webhook")[node]
	leader := e.leader(t, leaderLease)
	survivor := e.survivor(t, node)
	l := e.startLoad(t, false)
	l.more(t, 20)
	l.missed.Store(0)

	if err := e.cluster.Kill(node); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	l.rollOut(t)
	handOver := "was elsewhere"
	if leader.Spec.NodeName == node {
		eventually(t, func() string {
			if holder := e.holder(t, leaderLease); holder == "" || strings.HasPrefix(holder, leader.Name+"_") {
				return fmt.Sprintf("%s is held by %q on the dead node", leaderLease, holder)
			}
			return ""
		})
		handOver = "was taken over after " + seconds(began)
	}
	eventually(t, func() string { return e.left(t, before) })
	noticed := seconds(began)
	asked, missed := l.asked.Load(), l.missed.Load()
	after := l.phase(t, 40, func() {})
	if after.missed > 0 {
		t.Errorf("%+v after the dead replica had left the Service, want none missed", after)
	}
	eventually(t, func() string { return e.moved(t.Context(), namespace, node, 3) })
	moved := seconds(began)
	alerts := e.alertsOf(t, survivor, node)
	gap := e.gap(t, survivor, began)
	disturbed := e.apps.disturbedOff(t, node)
	if disturbed > 0 {
		t.Errorf("%d app pods on other nodes were disturbed", disturbed)
	}

	if err := e.cluster.Restart(t.Context(), node); err != nil {
		t.Fatal(err)
	}
	e.restarted(t, node, began)
	back := time.Now()
	eventually(t, func() string {
		if named, err := alertsOf(t.Context(), survivor, node); err != nil || len(named) > 0 {
			return fmt.Sprintf("alerts still name %s, which is back: %v (%v)", node, named, err)
		}
		return ""
	})
	resolved := seconds(back)
	e.apps.settle(t)
	c := l.end(t)
	say(t, "%s dies with %d of 2 webhook replicas: out of the Service after %s, %d of %d pods came without their exporter; the leader %s; 3 of 3 app pods with their exporters on other nodes after %s; %d app pods on other nodes disturbed",
		node, len(before), noticed, missed, asked, handOver, moved, disturbed)
	say(t, "%s dies: alerts that name it: %s, none %s after it was back; longest time between samples of the other copy of Prometheus: %s at an interval of 5s", node, alerts, resolved, gap)
	if c.told > 0 {
		t.Errorf("%d pods were refused their exporter", c.told)
	}
}

// left returns which of the pods the webhook's Service still leads to, or "".
func (e *env) left(t *testing.T, pods []corev1.Pod) string {
	known, err := e.endpoints(t.Context())
	if err != nil {
		return err.Error()
	}
	for _, pod := range pods {
		if slices.Contains(known, pod.Status.PodIP) {
			return "the Service leads to " + pod.Name + " on the dead node"
		}
	}
	return ""
}

// survivor is a client of a copy of Prometheus that is not on a node.
func (e *env) survivor(t *testing.T, node string) *promql.Client {
	t.Helper()
	for on, pods := range e.on(t, "prometheus") {
		if on != node {
			client, err := promql.NewPod(e.cluster.RESTConfig(), "outrider", pods[0].Name+":9090")
			if err != nil {
				t.Fatal(err)
			}
			return client
		}
	}
	t.Fatalf("every copy of Prometheus is on %s", node)
	return nil
}

// alertsOf waits for alerts about a node that fire, and returns all about it, as "name (state)".
func (e *env) alertsOf(t *testing.T, prom *promql.Client, node string) string {
	t.Helper()
	var named []string
	eventually(t, func() string {
		var err error
		if named, err = alertsOf(t.Context(), prom, node); err != nil || !slices.ContainsFunc(named, func(a string) bool { return strings.HasSuffix(a, "(firing)") }) {
			return fmt.Sprintf("no alert that names %s fires: %v (%v)", node, named, err)
		}
		return ""
	})
	return strings.Join(named, ", ")
}

// aboutMachine are alerts that the death of a node neither fires nor resolves.
var aboutMachine = regexp.MustCompile(`^(` + promql.MachineAlerts + `)$`)

func alertsOf(ctx context.Context, prom *promql.Client, node string) ([]string, error) {
	alerts, err := prom.Alerts(ctx)
	var named []string
	for _, a := range alerts {
		if string(a.Labels["node"]) == node && a.Labels["severity"] != "info" && !aboutMachine.MatchString(string(a.Labels["alertname"])) {
			named = append(named, fmt.Sprintf("%s (%s)", a.Labels["alertname"], a.State))
		}
	}
	slices.Sort(named)
	return slices.Compact(named), err
}

// gap is the longest time between two samples of a target of the first node, which is up all the time.
func (e *env) gap(t *testing.T, prom *promql.Client, since time.Time) time.Duration {
	t.Helper()
	longest := e.longest(t, prom, e.cluster.Nodes()[0], since)
	if longest > 15*time.Second {
		t.Errorf("the copy of Prometheus on another node was without samples for %s", longest)
	}
	return longest.Round(100 * time.Millisecond)
}

// longest is the longest time for which a copy of Prometheus did not reach a node's exporter.
func (e *env) longest(t *testing.T, prom *promql.Client, node string, since time.Time) time.Duration {
	t.Helper()
	window := time.Since(since) + 15*time.Second
	series, err := prom.Samples(t.Context(), fmt.Sprintf(`up{job="node-exporter",node=%q}[%ds]`, node, int(window.Seconds())))
	if err != nil || len(series) != 1 {
		t.Fatalf("samples of the exporter of %s: %d series, %v", node, len(series), err)
	}
	var longest time.Duration
	last := series[0].Values[0].Timestamp
	for _, sample := range series[0].Values {
		if sample.Value == 1 {
			longest = max(longest, sample.Timestamp.Sub(last))
			last = sample.Timestamp
		}
	}
	return max(longest, time.Since(last.Time()))
}
