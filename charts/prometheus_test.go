package charts_test

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// configFile writes the files of a ConfigMap and returns the path of prometheus.yml among them.
func configFile(t *testing.T, data map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range data {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "prometheus.yml")
}

// prometheusConfig is what Prometheus itself makes of the rendered ConfigMap.
func prometheusConfig(t *testing.T, objects []runtime.Object) (*config.Config, []*config.ScrapeConfig) {
	t.Helper()
	t.Setenv("POD_NAME", "outrider-prometheus-0")
	return loadConfig(t, configFile(t, named[*corev1.ConfigMap](t, objects, "outrider-prometheus").Data))
}

// loadConfig is a configuration and its jobs as Prometheus' own loader reads them.
func loadConfig(t *testing.T, path string) (*config.Config, []*config.ScrapeConfig) {
	t.Helper()
	c, err := config.LoadFile(path, false, promslog.NewNopLogger())
	if err != nil {
		t.Fatal(err)
	}
	jobs, err := c.GetScrapeConfigs()
	if err != nil {
		t.Fatal(err)
	}
	return c, jobs
}

func TestPrometheusLoadsItsConfiguration(t *testing.T) {
	always := append([]string{"outrider-controller", "outrider-endpoints-1", "outrider-endpoints-2", "outrider-endpoints-3", "outrider-exporters", "outrider-exporters-20000", "outrider-exporters-5000", "outrider-webhook", "prometheus"}, clusterJobs...)
	for preset, more := range map[string][]string{
		"default": {"alertmanager", "kube-state-metrics", "node-exporter"},
		"minimal": nil,
	} {
		want := slices.Sorted(slices.Values(append(more, always...)))
		c, jobs := prometheusConfig(t, objects(t, render(t, presetValues(t, preset), latest)))
		var got []string
		for _, j := range jobs {
			got = append(got, j.JobName)
			// These are ours, and report on others' namespaces and pods.
			if j.HonorLabels != (j.JobName == "kube-state-metrics" || j.JobName == "outrider-controller" || j.JobName == "outrider-webhook") {
				t.Errorf("%s: honor_labels is %v", j.JobName, j.HonorLabels)
			}
		}
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: jobs (-want +got):\n%s", preset, diff)
		}
		retention := c.StorageConfig.TSDBConfig.Retention
		if time.Duration(retention.Time) != 7*24*time.Hour || retention.Size != 6<<30 {
			t.Errorf("%s: retention %v", preset, retention)
		}
	}
}

// ofWorkloads reports whether a job is for what is monitored, and not for a component of the release.
func ofWorkloads(j *config.ScrapeConfig) bool {
	return strings.HasPrefix(j.JobName, "outrider-exporters") || strings.HasPrefix(j.JobName, "outrider-endpoints-")
}

// Runs the jobs' own rules over the ports of the rendered pods: each job finds one port, and no port is found twice.
func TestJobsFindTheComponents(t *testing.T) {
	rendered := objects(t, render(t, nil, latest))
	_, jobs := prometheusConfig(t, rendered)
	got := map[string]map[string]string{}
	for _, j := range jobs {
		if ofWorkloads(j) || slices.Contains(clusterJobs, j.JobName) {
			continue
		}
		for _, w := range workloads(rendered) {
			for name, port := range portsOf(w.pod) {
				b := labels.NewBuilder(labels.FromMap(map[string]string{
					"__address__":                                             "10.0.0.1:" + strconv.Itoa(int(port)),
					"job":                                                     j.JobName,
					"__meta_kubernetes_namespace":                             namespace,
					"__meta_kubernetes_pod_name":                              "p",
					"__meta_kubernetes_pod_node_name":                         "n",
					"__meta_kubernetes_pod_phase":                             "Running",
					"__meta_kubernetes_pod_container_name":                    w.pod.Spec.Containers[0].Name,
					"__meta_kubernetes_pod_container_port_name":               name,
					"__meta_kubernetes_pod_label_app_kubernetes_io_component": w.component,
				}))
				if relabel.ProcessBuilder(b, j.RelabelConfigs...) {
					if got[j.JobName] != nil {
						t.Errorf("%s has a second target: %v", j.JobName, b.Labels())
					}
					kept := b.Labels().Map()
					for k := range kept {
						if strings.HasPrefix(k, "__meta_") {
							delete(kept, k)
						}
					}
					got[j.JobName] = kept
				}
			}
		}
	}
	want := map[string]map[string]string{
		"outrider-controller": {"__address__": "10.0.0.1:8080", "job": "outrider-controller", "namespace": namespace, "pod": "p", "container": "controller", "node": "n"},
		"outrider-webhook":    {"__address__": "10.0.0.1:8080", "job": "outrider-webhook", "namespace": namespace, "pod": "p", "container": "webhook", "node": "n"},
		"alertmanager":        {"__address__": "10.0.0.1:9093", "job": "alertmanager", "namespace": namespace, "pod": "p", "container": "alertmanager", "node": "n"},
		"prometheus":          {"__address__": "10.0.0.1:9090", "job": "prometheus", "namespace": namespace, "pod": "p", "container": "prometheus", "node": "n"},
		"node-exporter":       {"__address__": "10.0.0.1:9100", "job": "node-exporter", "instance": "n", "node": "n"},
		"kube-state-metrics":  {"__address__": "10.0.0.1:8080", "job": "kube-state-metrics"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A pod's author names the job of what is scraped there, and a container by hand, but cannot get into the job of a
// component: package discovery knows the names of all of them. etcd and coredns are exporters of the catalog; the
// cluster's own are distinguished by their namespace, which nobody else can choose.
func TestWorkloadsStayOutOfTheComponentsJobs(t *testing.T) {
	_, jobs := prometheusConfig(t, objects(t, render(t, nil, latest)))
	names := []string{"shop"}
	for _, j := range jobs {
		names = append(names, j.JobName)
	}
	for _, name := range names {
		for _, j := range jobs {
			if !ofWorkloads(j) {
				continue
			}
			b := labels.NewBuilder(labels.FromMap(map[string]string{
				"__address__":                          "10.0.0.1:9121",
				"job":                                  j.JobName,
				"__meta_kubernetes_pod_ip":             "10.0.0.1",
				"__meta_kubernetes_pod_container_name": "outrider-" + name,
				"__meta_kubernetes_pod_container_port_name":                  "outrider-9121",
				"__meta_kubernetes_pod_annotation_outrider_dev_sample_limit": strings.TrimPrefix(j.JobName, "outrider-exporters-"),
				"__meta_kubernetes_pod_label_app":                            name,
				"__meta_kubernetes_pod_annotation_outrider_dev_scrape":       name + "=1," + name + "=2," + name + "=3",
			}))
			free := name == "shop" || name == "etcd" || name == "coredns"
			if kept := relabel.ProcessBuilder(b, j.RelabelConfigs...); kept != free {
				t.Errorf("%s: a workload gets into job %s: %v", j.JobName, name, kept)
			}
		}
	}
}

// A changed file must be seen: mounted as a folder, and its checksum nowhere in the pod.
func TestPrometheusReloadsRatherThanRestarts(t *testing.T) {
	pod := func(values map[string]any) corev1.PodTemplateSpec {
		for _, w := range workloads(objects(t, render(t, values, latest))) {
			if w.component == "prometheus" {
				return w.pod
			}
		}
		t.Fatal("no Prometheus")
		return corev1.PodTemplateSpec{}
	}
	before := pod(nil)
	after := pod(map[string]any{"prometheus": map[string]any{"scrapeInterval": "5s", "retention": map[string]any{"time": "1d"}}})
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("a change of the configuration restarts the pod:\n%s", diff)
	}
	for _, m := range before.Spec.Containers[0].VolumeMounts {
		if m.SubPath != "" {
			t.Errorf("%s is mounted by subPath and never changes", m.MountPath)
		}
	}
	if !slices.Contains(before.Spec.Containers[0].Args, "--config.auto-reload") {
		t.Error("no --config.auto-reload")
	}
}
