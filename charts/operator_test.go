package charts_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"
	corev1 "k8s.io/api/core/v1"
)

// serviceMonitor is as much of a ServiceMonitor as is looked at here.
type serviceMonitor struct {
	Spec struct {
		Selector struct {
			MatchLabels map[string]string `json:"matchLabels"`
		} `json:"selector"`
		Endpoints []struct {
			Port        string `json:"port"`
			HonorLabels bool   `json:"honorLabels"`
			Relabelings []struct {
				SourceLabels []string `json:"sourceLabels"`
				TargetLabel  string   `json:"targetLabel"`
				Regex        string   `json:"regex"`
				Replacement  string   `json:"replacement"`
				Action       string   `json:"action"`
			} `json:"relabelings"`
		} `json:"endpoints"`
	} `json:"spec"`
}

// Under the operator the components' series have the labels that they have under the bundled Prometheus. What the operator
// sets is set here first.
func TestServiceMonitorsGiveTheSameLabels(t *testing.T) {
	rendered := objects(t, render(t, map[string]any{
		"discovery": map[string]any{"mode": "operator"}, "blackboxExporter": map[string]any{"enabled": true},
	}, latest))
	const component = "app.kubernetes.io/component"
	got := map[string]map[string]string{}
	for _, u := range others(rendered, "ServiceMonitor") {
		raw, err := json.Marshal(u.Object)
		if err != nil {
			t.Fatal(err)
		}
		var m serviceMonitor
		if err := json.Unmarshal(raw, &m); err != nil {
			t.Fatal(err)
		}
		found := 0
		for _, s := range all[*corev1.Service](rendered) {
			if s.Labels[component] == m.Spec.Selector.MatchLabels[component] && s.Spec.Ports[0].Name == m.Spec.Endpoints[0].Port {
				found++
			}
		}
		if found != 1 {
			t.Errorf("%s finds %d Services", u.GetName(), found)
		}
		e := m.Spec.Endpoints[0]
		b := labels.NewBuilder(labels.FromMap(map[string]string{
			"namespace": "n", "service": "s", "pod": "p", "container": "c", "endpoint": "metrics", "job": "s",
			"__meta_kubernetes_namespace": namespace, "__meta_kubernetes_pod_name": "p", "__meta_kubernetes_pod_node_name": "n",
			"__meta_kubernetes_pod_container_name": m.Spec.Selector.MatchLabels[component],
		}))
		for _, r := range e.Relabelings {
			c := relabel.DefaultRelabelConfig
			c.TargetLabel, c.NameValidationScheme = r.TargetLabel, model.UTF8Validation
			for _, l := range r.SourceLabels {
				c.SourceLabels = append(c.SourceLabels, model.LabelName(l))
			}
			if r.Regex != "" {
				c.Regex = relabel.MustNewRegexp(r.Regex)
			}
			if r.Replacement != "" {
				c.Replacement = r.Replacement
			}
			if r.Action != "" {
				c.Action = relabel.Action(r.Action)
			}
			relabel.ProcessBuilder(b, &c)
		}
		kept := b.Labels().Map()
		for k := range kept {
			if strings.HasPrefix(k, "__") {
				delete(kept, k)
			}
		}
		if e.HonorLabels != (kept["job"] == "kube-state-metrics" || strings.HasPrefix(kept["job"], "outrider-")) {
			t.Errorf("%s: honorLabels is %v", u.GetName(), e.HonorLabels)
		}
		got[kept["job"]] = kept
	}
	want := map[string]map[string]string{
		"outrider-controller": {"job": "outrider-controller", "namespace": namespace, "pod": "p", "container": "controller", "node": "n"},
		"outrider-webhook":    {"job": "outrider-webhook", "namespace": namespace, "pod": "p", "container": "webhook", "node": "n"},
		"blackbox-exporter":   {"job": "blackbox-exporter", "namespace": namespace, "pod": "p", "container": "blackbox-exporter", "node": "n"},
		"node-exporter":       {"job": "node-exporter", "instance": "n", "node": "n"},
		"kube-state-metrics":  {"job": "kube-state-metrics"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Operators that select monitors by label find ours, and our own labels stay.
func TestMonitorLabels(t *testing.T) {
	found := 0
	for _, kind := range []string{"PodMonitor", "ServiceMonitor", "PrometheusRule"} {
		for _, u := range others(objects(t, render(t, presetValues(t, "operator"), latest)), kind) {
			found++
			if l := u.GetLabels(); l["release"] != "kube-prometheus-stack" || l["app.kubernetes.io/name"] != "outrider" {
				t.Errorf("%s %s has the labels %v", kind, u.GetName(), l)
			}
		}
	}
	if found < 2 {
		t.Errorf("%d monitors", found)
	}
}
