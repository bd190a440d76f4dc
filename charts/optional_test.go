package charts_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/config"
	promdiscovery "github.com/prometheus/prometheus/discovery"
	sd "github.com/prometheus/prometheus/discovery/kubernetes"
	"go.yaml.in/yaml/v3"
)

// staticTargets are a job's static targets with their labels.
func staticTargets(j *config.ScrapeConfig) (found []map[string]string) {
	for _, d := range j.ServiceDiscoveryConfigs {
		static, ok := d.(promdiscovery.StaticConfig)
		if !ok {
			continue
		}
		for _, group := range static {
			for _, target := range group.Targets {
				ls := map[string]string{}
				for name, value := range target.Merge(group.Labels) {
					ls[string(name)] = string(value)
				}
				found = append(found, ls)
			}
		}
	}
	return found
}

func parse(t *testing.T, text string) map[string]any {
	t.Helper()
	var values map[string]any
	if err := yaml.Unmarshal([]byte(text), &values); err != nil {
		t.Fatal(err)
	}
	return values
}

// The limits of the values are those of every job whose targets others choose; the cluster's own and the
// stack's have none, or a large cluster's kube-state-metrics would be cut off.
func TestLimits(t *testing.T) {
	const values = `{scrape: {
		annotated: {enabled: true}, extra: [{job_name: x, static_configs: [{targets: ["a:1"]}]}],
		limits: {samples: 2000000, labels: 7, labelNameLength: 8, labelValueLength: 9, bodySize: 1GB, targets: 0}}}`
	limited := 0
	for name, j := range scrapeJobs(t, parse(t, values)) {
		got := []uint64{uint64(j.BodySizeLimit), uint64(j.SampleLimit), uint64(j.LabelLimit), uint64(j.LabelNameLengthLimit), uint64(j.LabelValueLengthLimit), uint64(j.TargetLimit)}
		want := make([]uint64, 6)
		if ofWorkloads(j) || strings.HasPrefix(name, "annotated-") || name == "x" {
			limited++
			want = []uint64{1 << 30, 2_000_000, 7, 8, 9, 0}
			if _, least, own := strings.Cut(name, "outrider-exporters-"); own { // the definitions' limits
				want[1], _ = strconv.ParseUint(least, 10, 64)
			}
			if name != "x" && (j.HonorLabels || j.HonorTimestamps || j.HTTPClientConfig.FollowRedirects) { // x is the user's own
				t.Errorf("%s believes its targets", name)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if limited != 10 {
		t.Errorf("%d jobs have limits", limited)
	}
	for name, j := range scrapeJobs(t, nil) {
		if ofWorkloads(j) && (j.BodySizeLimit == 0 || j.SampleLimit == 0 || j.LabelLimit == 0 || j.LabelNameLengthLimit == 0 || j.LabelValueLengthLimit == 0 || j.TargetLimit == 0) {
			t.Errorf("%s: a limit is off by default", name)
		}
	}
}

// Pods annotated prometheus.io/scrape: one target for each port of the list, none of init containers or undeclared ports,
// none that Outrider has.
func TestAnnotatedPods(t *testing.T) {
	if _, ok := scrapeJobs(t, nil)["annotated-1"]; ok {
		t.Error("pods annotated prometheus.io/scrape are scraped without being asked for")
	}
	jobs := scrapeJobs(t, scrape("annotated", map[string]any{"enabled": true, "namespaces": []any{"shop"}}))
	k := jobs["annotated-1"].ServiceDiscoveryConfigs[0].(*sd.SDConfig)
	if diff := cmp.Diff([]string{"shop"}, k.NamespaceDiscovery.Names); diff != "" {
		t.Errorf("namespaces (-want +got):\n%s", diff)
	}
	const annotation = "annotation_prometheus_io_"
	for name, c := range map[string]struct {
		found []string
		want  []string // as JOB SCHEME://ADDRESS PATH
	}{
		"no annotation":  {nil, nil},
		"off":            {[]string{annotation + "scrape", "false"}, nil},
		"declared":       {[]string{annotation + "scrape", "true"}, []string{"pods http://10.0.0.1:1/metrics"}},
		"init container": {[]string{annotation + "scrape", "true", "container_init", "true"}, nil},
		"undeclared":     {[]string{annotation + "scrape", "true", "container_port_protocol", ""}, nil},
		"UDP":            {[]string{annotation + "scrape", "true", "container_port_protocol", "UDP"}, nil},
		"port":           {[]string{annotation + "scrape", "true", annotation + "port", "8080"}, []string{"pods http://10.0.0.1:8080/metrics"}},
		"ports": {
			[]string{annotation + "scrape", "true", annotation + "port", "8080, 9090,1", annotation + "path", "/m", annotation + "scheme", "https", "label_app", "shop"},
			[]string{"shop https://10.0.0.1:8080/m", "shop https://10.0.0.1:9090/m", "shop https://10.0.0.1:1/m"},
		},
		"four ports":     {[]string{annotation + "scrape", "true", annotation + "port", "1,2,3,4"}, nil},
		"another host":   {[]string{annotation + "scrape", "true", annotation + "port", "evil:80"}, nil},
		"another scheme": {[]string{annotation + "scrape", "true", annotation + "scheme", "file"}, []string{"pods http://10.0.0.1:1/metrics"}},
		"odd path":       {[]string{annotation + "scrape", "true", annotation + "path", "evil?x"}, []string{"pods http://10.0.0.1:1/metrics"}},
		"our exporter":   {[]string{annotation + "scrape", "true", "container_name", "outrider-redis"}, nil},
		"our endpoint":   {[]string{annotation + "scrape", "true", "annotationpresent_outrider_dev_scrape", "true"}, nil},
		"ended":          {[]string{annotation + "scrape", "true", "phase", "Succeeded"}, nil},
		"the stack's":    {[]string{annotation + "scrape", "true", "label_app", "apiserver"}, []string{"pods http://10.0.0.1:1/metrics"}},
		"named":          {[]string{annotation + "scrape", "true", "label_app", "a", "label_app_kubernetes_io_name", "b"}, []string{"b http://10.0.0.1:1/metrics"}},
	} {
		var got []string
		for _, job := range []string{"annotated-1", "annotated-2", "annotated-3"} {
			if ls := target(jobs[job], pod("10.0.0.1", c.found...)); ls != nil {
				got = append(got, ls["job"]+" "+ls["__scheme__"]+"://"+ls["__address__"]+ls["__metrics_path__"])
				if ls["namespace"] != "kube-system" || ls["pod"] != "p" || ls["node"] != "n" || len(ls) != 7 {
					t.Errorf("%s: labels %v", name, ls)
				}
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// Entries of the user's own stay as they are, but for the limits. That Prometheus reads Consul's is for promtool to say.
func TestExtraJobs(t *testing.T) {
	jobs := scrapeJobs(t, parse(t, `
scrape:
  extra:
    - job_name: gateway
      static_configs: [{targets: ["gateway.example.com:9100"], labels: {site: north}}]
    - job_name: large
      sample_limit: 0
      honor_timestamps: true
`))
	if diff := cmp.Diff([]map[string]string{{"__address__": "gateway.example.com:9100", "site": "north"}}, staticTargets(jobs["gateway"])); diff != "" {
		t.Errorf("static targets (-want +got):\n%s", diff)
	}
	if large := jobs["large"]; large.SampleLimit != 0 || !large.HonorTimestamps || large.LabelLimit != 60 || jobs["gateway"].SampleLimit != 100000 {
		t.Error("what a job says itself does not stand, or what it does not say is not limited")
	}
}

func TestScrapeRefuses(t *testing.T) {
	for name, c := range map[string]struct{ values, want string }{
		"a job of the cluster's": {`{scrape: {extra: [{job_name: kubelet}]}}`, `scrape.extra[0]: the job "kubelet" is already defined, or reserved; choose another job_name`},
		"a job that is left out": {`{scrape: {jobs: [], extra: [{job_name: apiserver}]}}`, `the job "apiserver" is already defined, or reserved`},
		"a job of ours":          {`{scrape: {extra: [{job_name: outrider-x}]}}`, `the job "outrider-x" is already defined, or reserved`},
		"a job twice":            {`{scrape: {extra: [{job_name: x}, {job_name: x}]}}`, `scrape.extra[1]: the job "x" is already defined`},
		"a password":             {`{scrape: {extra: [{job_name: x, basic_auth: {username: a, password: b}}]}}`, `scrape.extra[0]: job "x": password would be readable in a ConfigMap; put it into a Secret`},
		"a password of Azure":    {`{scrape: {extra: [{job_name: x, azure_sd_configs: [{client_secret: b}]}]}}`, `where it takes no such key, put the job as a whole into prometheus.extraScrapeConfigSecret`},
		"OVHcloud's secret":      {`{scrape: {extra: [{job_name: x, ovhcloud_sd_configs: [{application_secret: b}]}]}}`, `job "x": application_secret would be`},
		"STACKIT's key":          {`{scrape: {extra: [{job_name: x, stackit_sd_configs: [{service_account_key: b}]}]}}`, `job "x": service_account_key would be`},
		"Consul's token":         {`{scrape: {extra: [{job_name: x, consul_sd_configs: [{server: "a:1", token: b}]}]}}`, `job "x": token would be`},
		"a user of a proxy":      {`{scrape: {extra: [{job_name: x, proxy_url: "http://a:b@c"}]}}`, `job "x": proxy_url would be`},
		"a user of a target":     {`{scrape: {extra: [{job_name: x, static_configs: [{targets: ["http://a:b@c"]}]}]}}`, `job "x": targets would be`},
		"a user of a discovery":  {`{scrape: {extra: [{job_name: x, http_sd_configs: [{url: "http://a@c"}]}]}}`, `job "x": url would be`},
		"a header":               {`{scrape: {extra: [{job_name: x, http_headers: {Api-Key: {values: [b]}}}]}}`, `job "x": http_headers would be`},
		"a proxy's header":       {`{scrape: {extra: [{job_name: x, proxy_connect_header: {Api-Key: [b]}}]}}`, `job "x": proxy_connect_header would be`},
		"no name":                {`{scrape: {extra: [{static_configs: []}]}}`, `at '/scrape/extra/0': missing property 'job_name'`},
		"a name as an address":   {`{scrape: {addresses: {etcd: [etcd.example.com]}}}`, `at '/scrape/addresses/etcd/0'`},
		"an unknown job":         {`{scrape: {jobs: [kube-dns]}}`, `at '/scrape/jobs/0'`},
		"probes by nothing":      {`{scrape: {probes: [{module: http_2xx, targets: ["http://a"]}]}}`, `set blackboxExporter.enabled=true`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := install(t, parse(t, c.values), latest)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}
