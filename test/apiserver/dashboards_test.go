package apiserver_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/outrider-dev/outrider/discovery/dashboards"
)

// TestDashboards has the controller collect dashboards of other charts on a real API server: labeled ConfigMaps of any namespace and
// nothing else, as they come, change and go.
func TestDashboards(t *testing.T) {
	server, c := ownServer(t)
	create := func(namespace, name string, labels map[string]string, data map[string]string) {
		t.Helper()
		m := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}, Data: data}
		if _, err := c.CoreV1().ConfigMaps(namespace).Create(t.Context(), m, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	shown := map[string]string{"grafana_dashboard": "1"}
	create("default", "collected", nil, nil)
	create("kube-system", "theirs", shown, map[string]string{"a.json": `{"title": "A"}`})
	create("kube-system", "unlabeled", nil, map[string]string{"b.json": `{"title": "B"}`})
	create("default", "own", map[string]string{"grafana_dashboard": "1", "app.kubernetes.io/part-of": "outrider"}, map[string]string{"c.json": `{"title": "C"}`})

	mgr, err := ctrl.NewManager(server.Config(), ctrl.Options{Metrics: metricsserver.Options{BindAddress: "0"}})
	if err != nil {
		t.Fatal(err)
	}
	o := dashboards.Options{Namespace: "default", ConfigMap: "collected", Selector: "grafana_dashboard=1,app.kubernetes.io/part-of!=outrider"}
	if err := (&dashboards.Controller{Options: o}).SetupWithManager(mgr); err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- mgr.Start(t.Context()) }()
	t.Cleanup(func() {
		if err := <-done; err != nil {
			t.Error(err)
		}
	})

	holds := func(want ...string) {
		t.Helper()
		eventually(t, func() string {
			found, err := c.CoreV1().ConfigMaps("default").Get(t.Context(), "collected", metav1.GetOptions{})
			if err != nil {
				return err.Error()
			}
			if have := slices.Sorted(maps.Keys(found.Data)); !slices.Equal(have, want) {
				return fmt.Sprintf("there are %v, want %v", have, want)
			}
			return ""
		})
	}
	holds("kube-system.theirs.a.json")
	create("default", "late", shown, map[string]string{"d.json": `{"title": "D"}`, "readme.md": "none"})
	holds("default.late.d.json", "kube-system.theirs.a.json")
	if err := c.CoreV1().ConfigMaps("kube-system").Delete(t.Context(), "theirs", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	holds("default.late.d.json")
}
