package build

import "strings"

// Component is a program that the cluster or an image of it needs. Its version is the one that the
// go.mod of its folder pins.
type Component struct {
	Name    string // of the binary
	Module  string // that provides it
	Package string // of its main, below the module; "" for the module's root
	Nested  string // folder below components/ whose go.mod pins it; "" for components/ itself
	Tags    string // build tags, separated by commas
	CGO     bool   // links C libraries
	Own     bool   // its main is ours, and stands in the Nested folder; Module is what it is made of

	// Lacking are files that the program embeds and its Go module comes without, by their path in the
	// module: what a release's build makes with tools of its own.
	Lacking map[string]string

	// Stamp gives the linker's -X settings by which the program knows its version, which comes
	// without the leading v. Nil sets none.
	Stamp func(version string) []string
}

const (
	kubernetes = "k8s.io/kubernetes"
	containerd = "github.com/containerd/containerd/v2"
	community  = "github.com/prometheus-community/"
)

// components lists every program. A new one needs a line here and a tool directive in the go.mod.
var components = append(olderAPIServers(), []Component{
	{Name: "etcd", Module: "go.etcd.io/etcd/server/v3"},
	{Name: "kube-apiserver", Module: kubernetes, Package: "cmd/kube-apiserver", Stamp: stampKubernetes},
	{Name: "kube-controller-manager", Module: kubernetes, Package: "cmd/kube-controller-manager", Stamp: stampKubernetes},
	{Name: "kube-scheduler", Module: kubernetes, Package: "cmd/kube-scheduler", Stamp: stampKubernetes},
	{Name: "kubelet", Module: kubernetes, Package: "cmd/kubelet", Stamp: stampKubernetes},
	{Name: "kube-proxy", Module: kubernetes, Package: "cmd/kube-proxy", Stamp: stampKubernetes},
	{Name: "kubectl", Module: kubernetes, Package: "cmd/kubectl", Stamp: stampKubernetes},
	{Name: "containerd", Module: containerd, Package: "cmd/containerd", Stamp: stamp(containerd + "/version.Version")},
	{Name: "containerd-shim-runc-v2", Module: containerd, Package: "cmd/containerd-shim-runc-v2", Stamp: stamp(containerd + "/version.Version")},
	{Name: "ctr", Module: containerd, Package: "cmd/ctr", Stamp: stamp(containerd + "/version.Version")},
	{Name: "runc", Module: "github.com/opencontainers/runc", Tags: "seccomp", CGO: true, Stamp: stamp("main.version")},
	{Name: "coredns", Module: "github.com/coredns/coredns"},
	// Prometheus' other service discoveries would pull in every cloud's SDK.
	{Name: "prometheus", Module: "github.com/prometheus/prometheus", Package: "cmd/prometheus", Tags: "remove_all_sd,enable_kubernetes_sd", Stamp: stampPrometheus},
	{Name: "promtool", Module: "github.com/prometheus/prometheus", Package: "cmd/promtool", Nested: "promtool", Tags: "remove_all_sd,enable_kubernetes_sd,enable_consul_sd,enable_dns_sd", Stamp: stampPrometheus},
	{
		Name: "alertmanager", Module: "github.com/prometheus/alertmanager", Package: "cmd/alertmanager", Nested: "alertmanager", Stamp: stamp(commonVersion),
		Lacking: map[string]string{"ui/app/dist/index.html": "This Alertmanager has no web interface.\n"},
	},
	{Name: "blackbox_exporter", Module: "github.com/prometheus/blackbox_exporter", Nested: "blackbox_exporter", Stamp: stamp(commonVersion)},
	{Name: "metrics-server", Module: "sigs.k8s.io/metrics-server", Package: "cmd/metrics-server", Nested: "metrics-server", Stamp: stampMetricsServer},
	{Name: "node_exporter", Module: "github.com/prometheus/node_exporter", Stamp: stamp(commonVersion)},
	{Name: "kube-state-metrics", Module: "k8s.io/kube-state-metrics/v2", Nested: "kube-state-metrics", Stamp: stamp(commonVersion)},
	{Name: "nginx-prometheus-exporter", Module: "github.com/nginx/nginx-prometheus-exporter", Stamp: stamp(commonVersion)},
	{Name: "redis_exporter", Module: "github.com/oliver006/redis_exporter", Stamp: stamp("main.BuildVersion")},
	{Name: "memcached_exporter", Module: "github.com/prometheus/memcached_exporter", Package: "cmd/memcached_exporter", Nested: "exporters", Stamp: stamp(commonVersion)},
	{Name: "mysqld_exporter", Module: "github.com/prometheus/mysqld_exporter", Nested: "exporters", Stamp: stamp(commonVersion)},
	{Name: "postgres_exporter", Module: community + "postgres_exporter", Package: "cmd/postgres_exporter", Nested: "exporters", Stamp: stamp(commonVersion)},
	{Name: "pgbouncer_exporter", Module: community + "pgbouncer_exporter", Nested: "pgbouncer_exporter", Stamp: stamp(commonVersion)},
	{Name: "statsd_exporter", Module: "github.com/prometheus/statsd_exporter", Nested: "statsd_exporter", Stamp: stamp(commonVersion)},
	{Name: "elasticsearch_exporter", Module: community + "elasticsearch_exporter", Nested: "exporters", Stamp: stamp(commonVersion)},
	{Name: "cert-manager", Module: "github.com/cert-manager/cert-manager", Nested: "cert-manager", Own: true},
	// It needs an older YAML parser than the tools of test/tools.
	{Name: "actionlint", Module: "github.com/rhysd/actionlint", Package: "cmd/actionlint", Nested: "actionlint"},
	// What a release is published to and installed with; see test/release.
	{Name: "registry", Module: "github.com/distribution/distribution/v3", Nested: "registry", Own: true},
	{Name: "helm-3", Module: "helm.sh/helm/v3", Package: "cmd/helm", Nested: "helm-3", Stamp: stamp("helm.sh/helm/v3/internal/version.version")},
	{Name: "helm-4", Module: "helm.sh/helm/v4", Package: "cmd/helm", Nested: "helm-4", Stamp: stamp("helm.sh/helm/v4/internal/version.version")},
	{Name: "cosign", Module: "github.com/sigstore/cosign/v3", Package: "cmd/cosign", Nested: "cosign", Stamp: stamp("sigs.k8s.io/release-utils/version.gitVersion")},
	{Name: "krew", Module: "sigs.k8s.io/krew", Package: "cmd/krew", Nested: "krew"},
	{Name: "validate-krew-manifest", Module: "sigs.k8s.io/krew", Package: "cmd/validate-krew-manifest", Nested: "krew"},
	// Of NetworkPolicies, on a node; see test/network.
	{Name: "kube-network-policies", Module: "sigs.k8s.io/kube-network-policies", Package: "cmd", Nested: "kube-network-policies"},
	// It needs replacements of its own, and casts labels to slices. Only what tests Thanos builds it.
	{Name: "thanos", Module: "github.com/thanos-io/thanos", Package: "cmd/thanos", Nested: "thanos", Tags: "slicelabels", Stamp: stamp(commonVersion)},
	// Later versions need a module of theirs that is not in it. Only test/cost builds it.
	{Name: "traefik", Module: "github.com/traefik/traefik/v3", Package: "cmd/traefik", Nested: "traefik", Stamp: stamp("github.com/traefik/traefik/v3/pkg/version.Version")},
	// Only what tests remote write builds it.
	{Name: "victoria-metrics", Module: "github.com/VictoriaMetrics/VictoriaMetrics", Package: "app/victoria-metrics", Nested: "victoria-metrics", Stamp: stamp("github.com/VictoriaMetrics/VictoriaMetrics/lib/buildinfo.Version")},
	{Name: "mongodb_exporter", Module: "github.com/percona/mongodb_exporter", Nested: "mongodb_exporter", Stamp: stamp("main.version")},
}...)

const commonVersion = "github.com/prometheus/common/version.Version"

func stamp(variable string) func(string) []string {
	return func(version string) []string { return []string{variable + "=" + version} }
}

func stampKubernetes(version string) []string {
	const pkg = "k8s.io/component-base/version."
	major, rest, _ := strings.Cut(version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	return []string{pkg + "gitVersion=v" + version, pkg + "gitMajor=" + major, pkg + "gitMinor=" + minor}
}

func stampMetricsServer(version string) []string {
	return []string{"k8s.io/client-go/pkg/version.gitVersion=v" + version}
}

func stampPrometheus(version string) []string {
	return []string{commonVersion + "=" + PrometheusRelease(version)}
}

// PrometheusRelease turns the version of Prometheus' Go module into that of its release: the module
// v0.315.0 is release 3.15.0, since a Go module of version 3 would need another path.
func PrometheusRelease(version string) string {
	version = strings.TrimPrefix(version, "v")
	rest, ok := strings.CutPrefix(version, "0.")
	minor, patch, found := strings.Cut(rest, ".")
	if !ok || !found || len(minor) < 3 {
		return version
	}
	return minor[:len(minor)-2] + "." + strings.TrimPrefix(minor[len(minor)-2:], "0") + "." + patch
}

// importPath is the path of the program's main package.
func (c Component) importPath() string {
	if c.Own {
		return "github.com/outrider-dev/outrider/test/cluster/components/" + c.Nested
	}
	if c.Package == "" {
		return c.Module
	}
	return c.Module + "/" + c.Package
}
