package docs_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/outrider-dev/outrider/cmd/outrider/release"
)

// job is a line of the table of scrape jobs.
type job struct{ name, what, found, off string }

var jobs = []job{
	{"an exporter's name, such as redis", "injected exporters", "pods labeled `outrider.dev/monitored`", "the pod's annotation"},
	{"what the pod says", "endpoints that applications serve", "pods annotated `outrider.dev/scrape`", "the pod's annotation"},
	{"apiserver", "the API servers", "addresses of the Service kubernetes", "`scrape.jobs`"},
	{"kubelet", "each node's kubelet", "nodes", "`scrape.jobs`"},
	{"cadvisor", "CPU, memory, network, disks of containers", "nodes", "`scrape.jobs`"},
	{"kubelet-probes", "results of the pods' probes", "nodes", "`scrape.jobs`"},
	{"scheduler", "kube-scheduler", "kubeadm's pods, or `scrape.addresses`", "`scrape.jobs`"},
	{"controller-manager", "kube-controller-manager", "kubeadm's pods, or `scrape.addresses`", "`scrape.jobs`"},
	{"etcd", "the cluster's etcd; yours have another namespace than `kube-system`", "kubeadm's pods, or `scrape.addresses`", "`scrape.jobs`"},
	{"kube-proxy", "each node's kube-proxy", "its pods, or `scrape.addresses`", "`scrape.jobs`"},
	{"coredns", "the cluster's DNS; yours have another namespace than `kube-system`", "its pods", "`scrape.jobs`"},
	{"node-exporter", "CPU, memory, network, disks of nodes", "this release's pods", "`nodeExporter.enabled`"},
	{"kube-state-metrics", "the cluster's objects", "this release's pods", "`kubeStateMetrics.enabled`"},
	{"prometheus", "Prometheus", "this release's pods", "–"},
	{"alertmanager", "Alertmanager", "this release's pods", "`alertmanager.enabled`"},
	{"outrider-controller", "the controller", "this release's pods", "–"},
	{"outrider-webhook", "the webhook", "this release's pods", "–"},
	{"outrider-thanos-sidecar", "Thanos' sidecars", "this release's pods", "off: `thanos.enabled`"},
	{"outrider-thanos-query", "its query", "this release's pods", "off: `thanos.enabled`"},
	{"outrider-thanos-store", "its store gateway", "this release's pods", "off: `thanos.objectStorageSecret`"},
	{"outrider-thanos-compactor", "its compactor", "this release's pods", "off: `thanos.objectStorageSecret`"},
	{"outrider-thanos-ruler", "its ruler", "this release's pods", "off: `prometheus.shards`"},
	{"grafana", "Grafana", "this release's pods", "off: `grafana.enabled`"},
	{"metrics-server", "metrics-server", "this release's pods", "off: `metricsServer.enabled`"},
	{"blackbox-exporter", "blackbox-exporter", "this release's pods", "off: `blackboxExporter.enabled`"},
	{"probes", "what it probes", "`scrape.probes`", "off: `scrape.probes`"},
	{"the application's name", "pods annotated `prometheus.io/scrape`, up to three ports", "all pods of `scrape.annotated.namespaces`", "off: `scrape.annotated.enabled`"},
	{"the name that you choose", "static targets, Consul, anything that Prometheus discovers", "`scrape.extra`", "off: `scrape.extra`"},
}

// renamed are the jobs whose targets get another job, by the words that the table has for that one.
var renamed = map[string]string{
	"outrider-exporters": jobs[0].name, "outrider-endpoints": jobs[1].name, "annotated": "the application's name", "yours": "the name that you choose",
}

func jobTable() string {
	var b strings.Builder
	b.WriteString("| job | what | found by | off switch |\n|---|---|---|---|\n")
	for _, j := range jobs {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", j.name, j.what, j.found, j.off)
	}
	return b.String()
}

// TestJobTable compares the table's jobs with those of a release in which everything is switched on.
func TestJobTable(t *testing.T) {
	on := map[string]any{"enabled": true}
	rendered, err := release.Release{}.Render(map[string]any{
		"metricsServer": on, "blackboxExporter": on, "grafana": on, "prometheus": map[string]any{"shards": 2}, "thanos": map[string]any{"enabled": true, "objectStorageSecret": "bucket"},
		"scrape": map[string]any{
			"annotated": on,
			"probes":    []any{map[string]any{"module": "http_2xx", "targets": []any{"http://a"}}},
			"extra":     []any{map[string]any{"job_name": "yours"}},
		},
	}, "1.37.0")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^ +-? *job_name: (\S+)$`).FindAllStringSubmatch(rendered, -1) {
		name := regexp.MustCompile(`-[0-9]+$`).ReplaceAllString(m[1], "")
		if words, ok := renamed[name]; ok {
			name = words
		}
		found[name] = true
	}
	listed := map[string]bool{}
	for _, j := range jobs {
		listed[j.name] = true
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(found)), slices.Sorted(maps.Keys(listed))); diff != "" {
		t.Errorf("jobs (-rendered +table):\n%s", diff)
	}
}
