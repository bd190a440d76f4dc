package apiserver_test

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/outrider-dev/outrider/cmd/outrider/release"
	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
)

// podMonitor is as much of a PodMonitor as the chart renders. A field that it renders beyond that fails the test; that the
// operator has these fields is TestPresetsApply's to say.
type podMonitor struct {
	APIVersion string            `json:"apiVersion"`
	Kind       string            `json:"kind"`
	Metadata   metav1.ObjectMeta `json:"metadata"`
	Spec       struct {
		Selector              metav1.LabelSelector `json:"selector"`
		SelectorMechanism     string               `json:"selectorMechanism"`
		NamespaceSelector     struct{ Any bool }   `json:"namespaceSelector"`
		SampleLimit           uint64               `json:"sampleLimit"`
		TargetLimit           uint64               `json:"targetLimit"`
		LabelLimit            uint64               `json:"labelLimit"`
		LabelNameLengthLimit  uint64               `json:"labelNameLengthLimit"`
		LabelValueLengthLimit uint64               `json:"labelValueLengthLimit"`
		BodySizeLimit         string               `json:"bodySizeLimit"`
		KeepDroppedTargets    uint64               `json:"keepDroppedTargets"`
		PodMetricsEndpoints   []struct {
			HonorLabels     bool `json:"honorLabels"`
			HonorTimestamps bool `json:"honorTimestamps"`
			FollowRedirects bool `json:"followRedirects"`
			FilterRunning   bool `json:"filterRunning"`
			TLSConfig       struct {
				InsecureSkipVerify bool `json:"insecureSkipVerify"`
			} `json:"tlsConfig"`
			Relabelings       []relabeling `json:"relabelings"`
			MetricRelabelings []relabeling `json:"metricRelabelings"`
		} `json:"podMetricsEndpoints"`
	} `json:"spec"`
}

// relabeling is a rule in the operator's words.
type relabeling struct {
	SourceLabels []string `json:"sourceLabels"`
	Separator    *string  `json:"separator"`
	TargetLabel  string   `json:"targetLabel"`
	Regex        string   `json:"regex"`
	Replacement  *string  `json:"replacement"`
	Action       string   `json:"action"`
}

// prometheus is the rule in Prometheus' words.
func (r relabeling) prometheus() map[string]any {
	made := map[string]any{}
	for key, value := range map[string]string{"target_label": r.TargetLabel, "regex": r.Regex, "action": strings.ToLower(r.Action)} {
		if value != "" {
			made[key] = value
		}
	}
	if len(r.SourceLabels) > 0 {
		made["source_labels"] = r.SourceLabels
	}
	if r.Separator != nil {
		made["separator"] = *r.Separator
	}
	if r.Replacement != nil {
		made["replacement"] = *r.Replacement
	}
	return made
}

// operatorsJobs are the scrape jobs that the operator makes of a PodMonitor: its own rules, then the endpoint's.
func operatorsJobs(t *testing.T, m podMonitor) string {
	t.Helper()
	type rule = map[string]any
	var jobs []rule
	for i, e := range m.Spec.PodMetricsEndpoints {
		if e.FilterRunning || m.Spec.SelectorMechanism != "RoleSelector" || !m.Spec.NamespaceSelector.Any {
			t.Fatalf("the operator adds rules that are not made here: %+v", e)
		}
		rules := []rule{
			{"source_labels": []string{"job"}, "target_label": "__tmp_prometheus_job_name"},
			{"source_labels": []string{"__meta_kubernetes_namespace"}, "target_label": "namespace"},
			{"source_labels": []string{"__meta_kubernetes_pod_container_name"}, "target_label": "container"},
			{"source_labels": []string{"__meta_kubernetes_pod_name"}, "target_label": "pod"},
			{"target_label": "job", "replacement": m.Metadata.Namespace + "/" + m.Metadata.Name},
		}
		for _, r := range e.Relabelings {
			rules = append(rules, r.prometheus())
		}
		var ofMetrics []rule
		for _, r := range e.MetricRelabelings {
			ofMetrics = append(ofMetrics, r.prometheus())
		}
		jobs = append(jobs, rule{
			"job_name":               fmt.Sprintf("podMonitor/%s/%s/%d", m.Metadata.Namespace, m.Metadata.Name, i),
			"kubernetes_sd_configs":  []rule{{"role": "pod", "selectors": []rule{{"role": "pod", "label": metav1.FormatLabelSelector(&m.Spec.Selector)}}}},
			"relabel_configs":        rules,
			"metric_relabel_configs": ofMetrics,
		})
	}
	text, err := yaml.Marshal(jobs)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// renderedMonitors are the PodMonitors of discovery.mode operator, one for each limit of samples.
func renderedMonitors(t *testing.T) []podMonitor {
	t.Helper()
	manifest, err := release.Release{}.Render(map[string]any{"discovery": map[string]any{"mode": "operator"}}, api.Version())
	if err != nil {
		t.Fatal(err)
	}
	var monitors []podMonitor
	for document := range strings.SplitSeq(manifest, "\n---\n") {
		if strings.Contains(document, "\nkind: PodMonitor\n") {
			var m podMonitor
			if err := yaml.UnmarshalStrict([]byte(document), &m); err != nil {
				t.Fatal(err)
			}
			monitors = append(monitors, m)
		}
	}
	return monitors
}

// TestPodMonitorAgreesWithTheJobs requires that a Prometheus that the operator configures makes the same targets, with the
// same labels, as one that has the scrape jobs.
func TestPodMonitorAgreesWithTheJobs(t *testing.T) {
	c := client(t)
	ns := namespace(t, c, nil)
	operators, endpoints, limits := "", 0, map[uint64]bool{}
	for _, monitor := range renderedMonitors(t) {
		if limits[monitor.Spec.SampleLimit] = true; monitor.Spec.BodySizeLimit == "" {
			t.Errorf("limits %+v", monitor.Spec)
		}
		for _, e := range monitor.Spec.PodMetricsEndpoints {
			if endpoints++; e.HonorLabels || e.FollowRedirects || e.HonorTimestamps {
				t.Errorf("a tenant's labels, times or redirects are followed: %+v", e)
			}
		}
		operators += operatorsJobs(t, monitor)
	}
	if endpoints != 6 || len(limits) != len(v1alpha1.SampleLimits()) || limits[0] {
		t.Errorf("%d endpoints with the limits %v", endpoints, limits)
	}
	pods := map[string]*corev1.Pod{}
	for name, d := range discovered {
		p := basePod(ns, name)
		d.edit(p)
		pods[name] = createPod(t, c, p)
	}
	serves := basePod(ns, "serves-itself")
	serves.Annotations = map[string]string{sidecars.ScrapeKey: "https:8443/stats,db=9100"}
	pods["serves-itself"] = createPod(t, c, serves)
	prom := startProm(t, operators)
	prom.settle(t, c, ns)
	for name, pod := range pods {
		want := 3
		if name != "serves-itself" {
			want = discovered[name].want
		}
		if want >= 0 {
			agree(t, prom, pod, want)
		} else if prom.heardOf(ns, name) {
			t.Errorf("the API server sent %s, which is not monitored", name)
		}
	}
}
