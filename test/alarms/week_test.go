package alarms_test

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/yaml"

	"github.com/outrider-dev/outrider/cmd/outrider/release"
	"github.com/outrider-dev/outrider/test/cluster/image"
	"github.com/outrider-dev/outrider/test/cluster/kube"
	"github.com/outrider-dev/outrider/test/manifest"
	"github.com/outrider-dev/outrider/test/poll"
	"github.com/outrider-dev/outrider/test/promql"
)

var (
	run    = flag.Bool("week", false, "Run the operations on the local cluster; make alarms does.")
	factor = flag.Int("factor", 10, "By what the durations of the rules are divided.")
	update = flag.Bool("update", false, "Rewrite the table of the operations.")
)

// patience is how long anything may take on a slow machine.
const patience = 4 * time.Minute

// week is the cluster with the release in it.
type week struct {
	cluster *kube.Cluster
	client  kubernetes.Interface
	applier *manifest.Applier
	release release.Release
	seen    *record
	laying  chan struct{} // has room for manifests that are applied at the same time: more would wait for each other
}

// operation is what is done, and the alerts that should fire while and after it is done.
type operation struct {
	name     string
	manifest string                                        // applied first; NS is its namespace
	settle   bool                                          // whether everything in the namespace is to run before the steps
	steps    []string                                      // arguments of kubectl in that namespace, or "pass 10m": as long as ten minutes of the rules
	do, end  func(t *testing.T, w *week, namespace string) // after the steps; and, of an outage, once its alerts fire
	fires    []string                                      // as "warning JobFailed"; none: it is an ordinary operation
}

var parts = []struct {
	name       string
	operations []operation
	run        func(*testing.T, *week, []operation)
}{
	{"Workloads", slices.Concat(everyday, trouble), together},
	{"Maintenance", maintenance, inTurn},
	{"Outages", outages, inTurn},
}

// TestWeek has parts, each on an installation of its own: with -run one of them fits into a quarter of an hour.
func TestWeek(t *testing.T) {
	if !*run {
		t.Skip("make alarms runs it")
	}
	for _, part := range parts {
		t.Run(part.name, func(t *testing.T) {
			part.run(t, begin(t), part.operations)
			t.Logf("figure: %d operations, %d of them ordinary", len(part.operations), ordinary(part.operations))
		})
	}
}

// begin installs the chart with shrunk rules on a cluster of two nodes. What there is one of, and would be down with the second node, is on
// the first one.
func begin(t *testing.T) *week {
	t.Helper()
	ctrllog.SetLogger(logr.Discard()) // controller-runtime's clients complain when there is none
	cluster, err := kube.Up(t.Context(), kube.Options{Nodes: 2})
	if err != nil {
		t.Fatal(err)
	}
	if cluster.ControlPlane() == "" {
		t.Skip("nodes and the control plane are restarted, on the local cluster only")
	}
	controller, err := image.Controller()
	if err != nil {
		t.Fatal(err)
	}
	if err := cluster.LoadImages(t.Context(), append(image.Workloads(), controller)...); err != nil {
		t.Fatal(err)
	}
	w := &week{laying: make(chan struct{}, 6), cluster: cluster, release: release.Release{Kubeconfig: cluster.Kubeconfig, Timeout: patience}}
	config := cluster.RESTConfig()
	config.WarningHandler = rest.NoWarnings{}
	if w.client, err = kubernetes.NewForConfig(config); err != nil {
		t.Fatal(err)
	}
	if w.applier, err = manifest.NewApplier(cluster.RESTConfig()); err != nil {
		t.Fatal(err)
	}
	w.clear(t)
	t.Cleanup(func() { w.clear(t) })
	if _, err := w.release.Apply(t.Context(), w.values(t)); err != nil {
		t.Fatalf("install the chart: %v", err)
	}
	w.dns(t, fmt.Sprintf(`{"spec":{"template":{"spec":{"nodeSelector":{%q:%q}}}}}`, corev1.LabelHostname, w.cluster.Nodes()[0]))
	service, err := w.client.CoreV1().Services("outrider").Get(t.Context(), "outrider-prometheus", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	prom, err := promql.At("http://" + service.Spec.ClusterIP + ":9090") // not through the API server, which is restarted too
	if err != nil {
		t.Fatal(err)
	}
	w.seen = watch(t, prom)
	poll.Until(t, patience, time.Second, func() string {
		v, err := prom.Query(t.Context(), `up == 0 or prometheus_rule_group_last_evaluation_timestamp_seconds == 0 or absent(prometheus_rule_group_rules)`)
		if err != nil || len(v) > 0 {
			return fmt.Sprintf("Prometheus is not at work: %v, %v", v, err)
		}
		return ""
	})
	return w
}

// values have the chart's own rules, shrunk, in place of them.
func (w *week) values(t *testing.T) map[string]any {
	t.Helper()
	interval := fmt.Sprintf("%dms", 30_000 / *factor)
	values := map[string]any{
		"webhook":    map[string]any{"mode": "webhook"},
		"certs":      map[string]any{"settleTime": "10s"},
		"controller": map[string]any{"coverage": map[string]any{"proofInterval": fmt.Sprintf("%ds", max(1, 60 / *factor))}},
		"prometheus": map[string]any{"scrapeInterval": interval},
		"scrape":     w.cluster.ScrapeValues(),
	}
	for _, component := range []string{"prometheus", "alertmanager", "kubeStateMetrics", "controller"} {
		own, _ := values[component].(map[string]any)
		if own == nil {
			own = map[string]any{}
			values[component] = own
		}
		own["nodeSelector"] = map[string]any{corev1.LabelHostname: w.cluster.Nodes()[0]}
	}
	values["rules"] = map[string]any{"packs": []any{}, "extra": shrunk(t)}
	return values
}

// shrunk are the chart's rules as values of rules.extra.
func shrunk(t *testing.T) map[string]any {
	t.Helper()
	rendered, err := release.Release{}.Render(nil, "1.37.0")
	if err != nil {
		t.Fatal(err)
	}
	files, err := manifest.ConfigMap(rendered, "outrider-prometheus-rules")
	if err != nil {
		t.Fatal(err)
	}
	packs := map[string]any{}
	for file, text := range files {
		var pack struct{ Groups []map[string]any }
		if err := yaml.Unmarshal([]byte(text), &pack); err != nil {
			t.Fatal(err)
		}
		var groups []any
		for _, group := range pack.Groups {
			if group["interval"], err = shrinkDuration(fmt.Sprint(group["interval"]), *factor); err != nil {
				t.Fatal(err)
			}
			for _, rule := range group["rules"].([]any) {
				if err := shrinkRule(rule.(map[string]any), *factor); err != nil {
					t.Fatal(err)
				}
			}
			groups = append(groups, group)
		}
		packs[strings.TrimSuffix(file, ".yaml")] = groups
	}
	return packs
}

// clear removes what this or an earlier run made.
func (w *week) clear(t *testing.T) {
	ctx := context.Background()
	if err := w.release.Uninstall(); err != nil {
		t.Error(err)
	}
	poll.Until(t, patience, time.Second, func() string {
		all, err := w.client.CoreV1().Namespaces().List(ctx, metav1.ListOptions{})
		if err != nil {
			return err.Error()
		}
		var left []string
		for _, ns := range all.Items {
			if !strings.HasPrefix(ns.Name, prefix) && ns.Name != "outrider" {
				continue
			}
			left = append(left, ns.Name)
			if err := w.client.CoreV1().Namespaces().Delete(ctx, ns.Name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
				return err.Error()
			}
		}
		if len(left) > 0 {
			return "namespaces do not go: " + strings.Join(left, ", ")
		}
		return ""
	})
}

// prefix begins the namespaces of operations.
const prefix = "week-"

// perform does an operation in a namespace of its own.
func (w *week) perform(t *testing.T, o operation, namespace string) {
	t.Helper()
	if err := w.lay(t.Context(), o, namespace); err != nil {
		events, _ := w.cluster.Kubectl(t.Context(), "get", "events,pods,pvc", "--namespace", namespace)
		t.Errorf("%s: %v\n%s", o.name, err, events)
		return
	}
	for _, step := range o.steps {
		if long, ok := strings.CutPrefix(step, "pass "); ok {
			pass(t, long)
			continue
		}
		if _, err := w.cluster.Kubectl(t.Context(), append([]string{"--namespace", namespace}, strings.Fields(strings.ReplaceAll(step, "NS", namespace))...)...); err != nil {
			t.Errorf("%s: %v", o.name, err)
			return
		}
	}
	if o.do != nil {
		o.do(t, w, namespace)
	}
}

// lay applies an operation's manifest.
func (w *week) lay(ctx context.Context, o operation, namespace string) error {
	w.laying <- struct{}{}
	defer func() { <-w.laying }()
	text := "apiVersion: v1\nkind: Namespace\nmetadata: {name: NS}\n---\n" + o.manifest
	if err := w.applier.Apply(ctx, []byte(strings.ReplaceAll(text, "NS", namespace))); err != nil || !o.settle {
		return err
	}
	return w.applier.Settle(ctx, namespace, patience)
}

// pass waits for as long as a duration of the rules, such as 10m, is here.
func pass(t *testing.T, long string) {
	t.Helper()
	d, err := time.ParseDuration(long)
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-t.Context().Done():
	case <-time.After(d / time.Duration(*factor)):
	}
}

// TestTables holds that the tables of the page have the operations.
func TestTables(t *testing.T) {
	for _, part := range parts {
		var b strings.Builder
		b.WriteString("| operation | alerts |\n|---|---|\n")
		for _, o := range part.operations {
			alerts := "none"
			if len(o.fires) > 0 {
				alerts = strings.Join(slices.Sorted(slices.Values(o.fires)), ", ")
			}
			fmt.Fprintf(&b, "| %s | %s |\n", o.name, alerts)
		}
		path := filepath.Join("testdata", strings.ToLower(part.name)+".md")
		if *update {
			if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if have, err := os.ReadFile(path); err != nil || string(have) != b.String() {
			t.Errorf("%s lacks an operation (%v); repair with: go test ./test/alarms -run TestTables -update", path, err)
		}
	}
}

func ordinary(operations []operation) (n int) {
	for _, o := range operations {
		if len(o.fires) == 0 {
			n++
		}
	}
	return n
}

// expect compares alerts that fired with those that should have.
func expect(t *testing.T, o operation, fired map[string]string) {
	t.Helper()
	for _, want := range o.fires {
		if _, ok := fired[want]; !ok {
			t.Errorf("%s: %s does not fire", o.name, want)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(fired)) {
		if !slices.Contains(o.fires, name) {
			t.Errorf("%s: %s fires: %s", o.name, name, fired[name])
		}
	}
}
