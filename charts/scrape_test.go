package charts_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
	sd "github.com/prometheus/prometheus/discovery/kubernetes"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"
)

// clusterJobs are the jobs for the cluster itself.
var clusterJobs = []string{
	"apiserver", "cadvisor", "kubelet", "kubelet-probes", "scheduler", "controller-manager", "etcd", "kube-proxy", "coredns",
}

// scrape is values with one key of the block scrape.
func scrape(key string, value any) map[string]any {
	return map[string]any{"scrape": map[string]any{key: value}}
}

func scrapeJobs(t *testing.T, values map[string]any) map[string]*config.ScrapeConfig {
	t.Helper()
	_, jobs := prometheusConfig(t, objects(t, render(t, values, latest)))
	byName := map[string]*config.ScrapeConfig{}
	for _, j := range jobs {
		byName[j.JobName] = j
	}
	return byName
}

// target runs a job's rules over what discovery found, and gives the labels that are left, or nil where it is dropped.
func target(j *config.ScrapeConfig, found map[string]string) map[string]string {
	b := labels.NewBuilder(labels.FromMap(map[string]string{model.JobLabel: j.JobName, model.SchemeLabel: j.Scheme, model.MetricsPathLabel: j.MetricsPath}))
	for name, value := range found {
		b.Set(name, value)
	}
	if !relabel.ProcessBuilder(b, j.RelabelConfigs...) {
		return nil
	}
	kept := b.Labels().Map()
	maps.DeleteFunc(kept, func(name, _ string) bool {
		return strings.HasPrefix(name, model.MetaLabelPrefix) || strings.HasPrefix(name, model.TmpLabelPrefix)
	})
	return kept
}

// pod is what discovery finds of a running pod, with labels and annotations added.
func pod(ip string, more ...string) map[string]string {
	found := map[string]string{
		"__address__": ip + ":1", "__meta_kubernetes_pod_ip": ip, "__meta_kubernetes_pod_phase": "Running",
		"__meta_kubernetes_namespace": "kube-system", "__meta_kubernetes_pod_name": "p", "__meta_kubernetes_pod_node_name": "n",
		"__meta_kubernetes_pod_container_name": "c", "__meta_kubernetes_pod_container_init": "false",
		"__meta_kubernetes_pod_container_port_protocol": "TCP",
	}
	for i := 0; i < len(more); i += 2 {
		found["__meta_kubernetes_pod_"+more[i]] = more[i+1]
	}
	return found
}

// What kubeadm's pods, nodes and the Service kubernetes become.
func TestClusterJobsMakeTheTargets(t *testing.T) {
	jobs := scrapeJobs(t, nil)
	component := func(name string) map[string]string { return pod("10.0.0.1", "label_component", name) }
	app := func(name string) map[string]string { return pod("10.0.0.1", "label_k8s_app", name) }
	dns := func(container, port string) map[string]string { // GKE's kube-dns has the label of CoreDNS
		p := app("kube-dns")
		p["__meta_kubernetes_pod_container_name"], p["__meta_kubernetes_pod_container_port_number"] = container, port
		return p
	}
	node := map[string]string{"__address__": "10.0.0.1:10250", "instance": "n", "__meta_kubernetes_node_name": "n"}
	at := func(job, scheme, address, path string, more ...string) map[string]string {
		want := map[string]string{"job": job, "__scheme__": scheme, "__address__": address, "__metrics_path__": path}
		for i := 0; i < len(more); i += 2 {
			want[more[i]] = more[i+1]
		}
		return want
	}
	where := []string{"namespace", "kube-system", "pod", "p", "node", "n"}
	ended := component("kube-scheduler")
	ended["__meta_kubernetes_pod_phase"] = "Failed"
	for _, c := range []struct {
		job   string
		found map[string]string
		want  map[string]string
	}{
		{"apiserver", map[string]string{"__address__": "10.0.0.1:6443", "__meta_kubernetes_endpointslice_port_name": "https"}, at("apiserver", "https", "10.0.0.1:6443", "/metrics")},
		{"apiserver", map[string]string{"__address__": "10.0.0.1:8080", "__meta_kubernetes_endpointslice_port_name": "http"}, nil},
		{"kubelet", node, at("kubelet", "https", "10.0.0.1:10250", "/metrics", "instance", "n", "node", "n")},
		{"cadvisor", node, at("cadvisor", "https", "10.0.0.1:10250", "/metrics/cadvisor", "instance", "n", "node", "n")},
		{"kubelet-probes", node, at("kubelet-probes", "https", "10.0.0.1:10250", "/metrics/probes", "instance", "n", "node", "n")},
		{"scheduler", component("kube-scheduler"), at("scheduler", "https", "10.0.0.1:10259", "/metrics", where...)},
		{"scheduler", component("kube-controller-manager"), nil},
		{"scheduler", ended, nil},
		{"controller-manager", component("kube-controller-manager"), at("controller-manager", "https", "10.0.0.1:10257", "/metrics", where...)},
		{"etcd", component("etcd"), at("etcd", "http", "10.0.0.1:2381", "/metrics", where...)},
		{"etcd", pod("fd00::1", "label_component", "etcd"), at("etcd", "http", "[fd00::1]:2381", "/metrics", where...)},
		{"kube-proxy", app("kube-proxy"), at("kube-proxy", "http", "10.0.0.1:10249", "/metrics", where...)},
		{"kube-proxy", app("kube-dns"), nil},
		{"coredns", dns("kubedns", "10055"), nil},
		{"coredns", dns("sidecar", "10054"), nil},
		{"coredns", dns("dns", "9153"), at("coredns", "http", "10.0.0.1:9153", "/metrics", where...)},
		{"coredns", dns("rke2-coredns", ""), at("coredns", "http", "10.0.0.1:9153", "/metrics", where...)},
	} {
		if diff := cmp.Diff(c.want, target(jobs[c.job], c.found)); diff != "" {
			t.Errorf("%s of %v (-want +got):\n%s", c.job, c.found, diff)
		}
	}
}

// Components that are no pods are where the values say, and nowhere else.
func TestAddressesReplaceTheSearch(t *testing.T) {
	jobs := scrapeJobs(t, scrape("addresses", map[string]any{"etcd": []any{"10.0.0.1", "fd00::1"}}))
	if n := len(jobs["etcd"].ServiceDiscoveryConfigs); n != 1 || jobs["etcd"].ServiceDiscoveryConfigs[0].Name() != "static" {
		t.Fatalf("etcd is found by %v", jobs["etcd"].ServiceDiscoveryConfigs)
	}
	var got []string
	for _, found := range staticTargets(jobs["etcd"]) {
		ls := target(jobs["etcd"], found)
		got = append(got, ls["__scheme__"]+"://"+ls["__address__"]+" "+ls["namespace"])
	}
	if diff := cmp.Diff([]string{"http://10.0.0.1:2381 kube-system", "http://[fd00::1]:2381 kube-system"}, got); diff != "" {
		t.Errorf("etcd (-want +got):\n%s", diff)
	}
	if jobs["scheduler"].ServiceDiscoveryConfigs[0].Name() != "kubernetes" {
		t.Error("the addresses of etcd replace the search for the scheduler")
	}
}

// No job makes Prometheus remember what it does not scrape: pods are asked for by label or in one namespace of the
// system's, Services by name. So memory grows with what is monitored.
func TestDiscoveryCostsWhatIsMonitored(t *testing.T) {
	asked := map[string]int{}
	for name, j := range scrapeJobs(t, nil) {
		for _, d := range j.ServiceDiscoveryConfigs {
			k, ok := d.(*sd.SDConfig)
			if !ok {
				t.Errorf("%s: discovery by %s", name, d.Name())
				continue
			}
			if a := k.AttachMetadata; a.Node || a.Namespace {
				t.Errorf("%s: attach_metadata watches more than targets: %+v", name, a)
			}
			text := string(k.Role) + " of " + strings.Join(k.NamespaceDiscovery.Names, ",")
			selected := map[sd.Role]bool{}
			for _, s := range k.Selectors {
				selected[s.Role] = s.Label+s.Field != ""
				text += " " + s.Label + s.Field
			}
			asked[text]++
			for _, role := range watched[k.Role] {
				if !selected[role] {
					t.Errorf("%s asks for every %s", name, role)
				}
			}
		}
	}
	want := map[string]int{
		"pod of  outrider.dev/monitored=true": 6,
		"pod of " + namespace + " app.kubernetes.io/name=outrider,app.kubernetes.io/instance=outrider": 6,
		"pod of kube-system component in (etcd,kube-controller-manager,kube-scheduler)":                3,
		"pod of kube-system k8s-app in (kube-dns,kube-proxy)":                                          2,
		"node of ": 3,
		"endpointslice of default metadata.name=kubernetes metadata.name=kubernetes metadata.name=kubernetes": 1,
	}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// watched is what Prometheus lists and watches for each role, but nodes: they are few, and all of them are targets.
var watched = map[sd.Role][]sd.Role{
	sd.RolePod:           {sd.RolePod},
	sd.RoleService:       {sd.RoleService},
	sd.RoleIngress:       {sd.RoleIngress},
	sd.RoleEndpoint:      {sd.RoleEndpoint, sd.RoleService, sd.RolePod},
	sd.RoleEndpointSlice: {sd.RoleEndpointSlice, sd.RoleService, sd.RolePod},
}

// The token goes to the cluster's own servers: over TLS, without redirects, and unverified only where the values say so.
func TestTokenGoesToTheClusterOnly(t *testing.T) {
	const folder = "/var/run/secrets/kubernetes.io/serviceaccount/"
	trusted := []string{"apiserver", "cadvisor", "controller-manager", "kubelet", "kubelet-probes", "metrics-server", "scheduler"}
	for _, c := range []struct {
		values     map[string]any
		unverified []string
	}{
		{nil, []string{"cadvisor", "controller-manager", "kubelet", "kubelet-probes", "metrics-server", "scheduler"}},
		{scrape("unverified", []any{"scheduler"}), []string{"scheduler"}},
		{scrape("annotated", map[string]any{"enabled": true}), []string{"cadvisor", "controller-manager", "kubelet", "kubelet-probes", "metrics-server", "scheduler"}},
	} {
		for name, j := range scrapeJobs(t, c.values) {
			h := j.HTTPClientConfig
			if !slices.Contains(trusted, name) {
				if h.Authorization != nil || h.BasicAuth != nil || h.BearerTokenFile != "" {
					t.Errorf("%s sends credentials", name)
				}
				continue
			}
			if h.Authorization == nil || h.Authorization.CredentialsFile != folder+"token" || h.TLSConfig.CAFile != folder+"ca.crt" {
				t.Errorf("%s: %+v", name, h)
			}
			if j.Scheme != "https" || h.FollowRedirects {
				t.Errorf("%s sends the token over %s, redirects %v", name, j.Scheme, h.FollowRedirects)
			}
			if h.TLSConfig.InsecureSkipVerify != slices.Contains(c.unverified, name) {
				t.Errorf("%s: insecure_skip_verify is %v", name, h.TLSConfig.InsecureSkipVerify)
			}
		}
	}
}

func TestJobsCanBeLeftOut(t *testing.T) {
	jobs := scrapeJobs(t, scrape("jobs", []any{"kubelet"}))
	for _, name := range clusterJobs {
		if _, ok := jobs[name]; ok != (name == "kubelet") {
			t.Errorf("%s: %v", name, ok)
		}
	}
	if jobs := scrapeJobs(t, scrape("jobs", []any{})); len(jobs) != 12 {
		t.Errorf("without the cluster's, %d jobs are left: %v", len(jobs), slices.Sorted(maps.Keys(jobs)))
	}
}

// Other charts' monitors: the controller may read them and write one ConfigMap, which Prometheus mounts and loads, with and
// without shards; nothing of it is there otherwise.
func TestMonitorsAreFollowed(t *testing.T) {
	values := map[string]any{
		"scrape":     map[string]any{"monitors": map[string]any{"enabled": true, "namespaces": []any{"shop"}, "secrets": map[string]any{"shop/login": "copy"}}},
		"prometheus": map[string]any{"secrets": []any{"copy"}},
	}
	off := render(t, nil, latest).Manifest
	for _, word := range []string{"prometheus-monitors", "monitoring.coreos.com"} {
		if strings.Contains(off, word) {
			t.Errorf("%q although it is off", word)
		}
	}
	for _, shards := range []int{1, 2} {
		values["prometheus"].(map[string]any)["shards"] = shards
		on := render(t, values, latest).Manifest
		wants := []string{
			"name: outrider-prometheus-monitors", "--monitor-namespace=shop", "--monitor-secret=shop/login=copy", "mountPath: /etc/prometheus-monitors", "- /etc/prometheus-monitors/rules.yaml",
			"resources: [servicemonitors, podmonitors, probes, prometheusrules]", `"scrape_interval":"30s"`, `"sample_limit":100000`,
		}
		if shards == 1 {
			wants = append(wants, "- /etc/prometheus-monitors/scrape.yaml")
		} else {
			wants = append(wants, "- /etc/prometheus-monitors/shard-0-monitors.yaml", "- /etc/prometheus-monitors/shard-1-monitors.yaml", "--monitor-shards=2")
		}
		for _, want := range wants {
			if !strings.Contains(on, want) {
				t.Errorf("%d shards: no %q", shards, want)
			}
		}
	}
	values["prometheus"] = map[string]any{}
	if _, err := install(t, values, latest); err == nil || !strings.Contains(err.Error(), "copy is not mounted into Prometheus; add it to prometheus.secrets") {
		t.Errorf("a copy that is not mounted: %v", err)
	}
}
