package charts_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	_ "github.com/prometheus/prometheus/discovery/consul" // reads consul_sd_configs
	_ "github.com/prometheus/prometheus/discovery/dns"
	_ "github.com/prometheus/prometheus/discovery/file"
	_ "github.com/prometheus/prometheus/discovery/http"
	"github.com/prometheus/prometheus/model/relabel"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// Values as users write them, each of a kind that once broke the render or the program.
func TestValuesFromTheField(t *testing.T) {
	const store = `remoteWrite: [{url: "https://store.example/write"}]`
	for name, c := range map[string]struct {
		release, values string
		check           func(t *testing.T, l loaded)
	}{
		"large numbers": {"", `{prometheus: {exemplars: 20000000, remoteWrite: [{url: "https://store.example", queue_config: {capacity: 3000000}}]},
			scrape: {limits: {samples: 123456789}, extra: [{job_name: x, sample_limit: 7000000, static_configs: [{targets: ["a:1"], labels: {id: "98765432109", exponent: "1e6", yes: "yes", time: "12:30:00"}}]}]}}`,
			func(t *testing.T, l loaded) {
				j := l.job(t, 0, "x")
				want := map[string]string{"__address__": "a:1", "id": "98765432109", "exponent": "1e6", "yes": "yes", "time": "12:30:00"}
				if diff := cmp.Diff([]map[string]string{want}, staticTargets(j)); diff != "" || j.SampleLimit != 7000000 {
					t.Errorf("sample_limit %d (-want +got):\n%s", j.SampleLimit, diff)
				}
				c := l.prometheus[0]
				if c.StorageConfig.ExemplarsConfig.MaxExemplars != 20000000 || c.RemoteWriteConfigs[0].QueueConfig.Capacity != 3000000 || l.job(t, 0, "outrider-exporters").SampleLimit != 123456789 {
					t.Error("a number was changed")
				}
			}},
		"a receiver with a large number": {"", `{alertmanager: {config: {route: {receiver: chat}, receivers: [{name: chat, telegram_configs: [{chat_id: -1001234567890, bot_token_file: /t}]}]}}}`,
			func(t *testing.T, l loaded) {
				if got := l.alertmanager.Receivers[0].TelegramConfigs[0].ChatID; got != -1001234567890 {
					t.Errorf("chat %d", got)
				}
			}},
		"IPv6": {"", `{alertmanager: {replicas: 2}}`, func(t *testing.T, l loaded) {
			if args := l.args(t, "alertmanager"); !slices.Contains(args, "--cluster.advertise-address=[$(POD_IP)]:9094") {
				t.Errorf("no brackets around an address of IPv6: %q", args)
			}
		}},
		"a long name":          {strings.Repeat("n", 53), `{alertmanager: {replicas: 2}, grafana: {enabled: true}, metricsServer: {enabled: true}, blackboxExporter: {enabled: true}}`, nil},
		"a name of 40":         {strings.Repeat("n", 31) + "-outrider", `{alertmanager: {replicas: 3}}`, nil},
		"a long name given":    {"", `{fullnameOverride: ` + strings.Repeat("n", 39) + `, alertmanager: {replicas: 3}}`, nil},
		"a hyphen at the cut":  {strings.Repeat("n", 38) + "-" + strings.Repeat("n", 10), `{}`, nil},
		"flags of two servers": {"", `{prometheus: {extraArgs: [--web.route-prefix=/p/, --no-config.auto-reload, --storage.tsdb.path=/prometheus/data, --log.level=warn, --enable-feature=extra-scrape-metrics], exemplars: 1}, alertmanager: {extraArgs: ["--web.route-prefix=/alerts", --data.retention=1h, --data.retention=2h]}}`, routePrefixes},
		"flags of exporters": {"", `{nodeExporter: {extraArgs: [--path.rootfs=/host]}, kubeStateMetrics: {extraArgs: [--resources=pods]}, metricsServer: {enabled: true, extraArgs: [--metric-resolution=30s, --kubelet-preferred-address-types=Hostname]}, blackboxExporter: {enabled: true, extraArgs: [--config.auto-reload-interval=60]}}`,
			func(t *testing.T, l loaded) {
				for component, want := range map[string]string{"node-exporter": "--path.rootfs=/host", "kube-state-metrics": "--resources=pods", "metrics-server": "--metric-resolution=30s", "blackbox-exporter": "--config.auto-reload-interval=60"} {
					if args := l.args(t, component); !slices.Contains(args, want) {
						t.Errorf("%s has %q", component, args)
					}
				}
			}},
		"a release with dots":             {"shop.monitoring", `{prometheus: {externalURL: "https://a.example:"}, alertmanager: {externalURL: "https://b.example:"}}`, nil},
		"a webhook on the node's network": {"", `{webhook: {hostNetwork: true}}`, nil},
		"flags of the controller": {"", `{controller: {extraArgs: [--log-level=debug, --excluded-namespace=ci, "--metrics-bind-address=127.0.0.1:8080"]}}`, func(t *testing.T, l loaded) {
			if args := l.args(t, "controller"); slices.Contains(args, "--log-level=info") || !slices.Contains(args, "--excluded-namespace=kube-system") {
				t.Errorf("%q", args)
			}
		}},
		"names that YAML takes for numbers": {"", `{namespaceOverride: "123", certs: {mode: secret, secretName: "1e3"}, prometheus: {web: {configSecret: "0"}, persistence: {mode: claim, storageClassName: "true"}, extraScrapeConfigSecret: "12"}, alertmanager: {configSecret: "7", ingress: {host: "a", className: "1", tlsSecret: "2"}}, grafana: {enabled: true, access: login, adminSecret: "3"}, metricsServer: {enabled: true, serving: {tlsSecret: "4"}}}`, nil},
		"settings of jobs":                  {"", `{prometheus: {outOfOrderTimeWindow: 30m, features: {nativeHistograms: true, otlpReceiver: true}}, scrape: {settings: {cadvisor: {interval: 60s, timeout: 20s, keep: [container_cpu_.+, container_memory_.+]}, outrider-exporters: {drop: [go_.+]}}, namespaceLabels: [cost-center]}}`, jobSettings},
		"labels of objects": {"", `{kubeStateMetrics: {labels: {pods: [team, a/b], namespaces: ["*"]}}}`, func(t *testing.T, l loaded) {
			if args := l.args(t, "kube-state-metrics"); !slices.Contains(args, "--metric-labels-allowlist=namespaces=[*],pods=[team,a/b]") {
				t.Errorf("%q", args)
			}
		}},
		"owners that compare": {"", `{sidecars: {comparingOwners: [workloads.kubeblocks.io, example.com/Set]}}`, func(t *testing.T, l loaded) {
			for _, component := range []string{"controller", "webhook"} {
				if args := l.args(t, component); !slices.Contains(args, "--comparing-owner=workloads.kubeblocks.io") || !slices.Contains(args, "--comparing-owner=example.com/Set") {
					t.Errorf("%s has %q", component, args)
				}
			}
		}},
		"annotations of the webhook": {"", `{webhook: {annotations: {admissions.enforcer/disabled: "true"}}, certs: {mode: cert-manager}}`, func(t *testing.T, l loaded) {
			a := one[*admissionv1.MutatingWebhookConfiguration](t, l.objects).Annotations
			if a["admissions.enforcer/disabled"] != "true" || a["cert-manager.io/inject-ca-from"] == "" {
				t.Errorf("annotations %v", a)
			}
		}},
		"Alertmanagers elsewhere": {"", `{alertmanager: {enabled: false}, prometheus: {alertmanagers: [{scheme: https, static_configs: [{targets: ["alerts.example.com:9093"]}], basic_auth: {username: u, password_file: /p}}]}}`, alertmanagers(1)},
		"Alertmanagers beside":    {"", `{prometheus: {alertmanagers: [{dns_sd_configs: [{names: [alerts.example.com], type: A, port: 9093}]}, {static_configs: [{targets: ["[fd00::1]:9093"]}]}]}}`, alertmanagers(3)},
		"no Alertmanager":         {"", `{alertmanager: {enabled: false}}`, alertmanagers(0)},
		"federation": {"", `{scrape: {extra: [{job_name: cluster-b, honor_labels: true, metrics_path: /federate, params: {"match[]": ['{job="shop"}', up]}, static_configs: [{targets: ["b.example:9090"]}]}, {job_name: firm, honor_timestamps: false, follow_redirects: false}]}}`,
			func(t *testing.T, l loaded) {
				j, firm := l.job(t, 0, "cluster-b"), l.job(t, 0, "firm")
				if !j.HonorLabels || !j.HonorTimestamps || !j.HTTPClientConfig.FollowRedirects || len(j.RelabelConfigs) != 0 || len(j.Params["match[]"]) != 2 || firm.HonorTimestamps || firm.HTTPClientConfig.FollowRedirects {
					t.Errorf("a job of the user's was changed: %+v, %+v", j, firm)
				}
			}},
		"Secrets that differ by a dot": {"", `{prometheus: {secrets: [a.b, a-b, ` + strings.Repeat("n", 70) + `, ` + strings.Repeat("n", 71) + `]}, alertmanager: {secrets: [x.y.z, x-y-z, x.y-z]}}`, nil},
		"shards": {"", `{prometheus: {shards: 2, ` + store + `}, scrape: {addresses: {etcd: [10.0.0.1, "fd00::1"]}, annotated: {enabled: true}, extra: [
			{job_name: plain, static_configs: [{targets: ["a:1"]}]}, {job_name: none, relabel_configs: []}, {job_name: nothing, relabel_configs: },
			{job_name: flow, relabel_configs: [{source_labels: [__meta_consul_service], target_label: job}], consul_sd_configs: [{server: "c:8500"}]},
			{job_name: divided, relabel_configs: [{source_labels: [__address__], modulus: 4, target_label: __tmp_shard, action: hashmod}, {source_labels: [__tmp_shard], regex: "3", action: keep}], file_sd_configs: [{files: [/a.json]}]},
			{job_name: metric, metric_relabel_configs: [{regex: "relabel_configs:", action: labeldrop}], http_sd_configs: [{url: "http://a"}]}]}}`, sharded},
		"shards with copies": {"", `{prometheus: {shards: 3, replicas: 2, extraScrapeConfigSecret: more, ` + store + `}}`, sharded},
	} {
		t.Run(name, func(t *testing.T) {
			release := c.release
			if release == "" {
				release = releaseName
			}
			l := loads(t, release, parse(t, c.values))
			if c.check != nil {
				c.check(t, l)
			}
		})
	}
}

// routePrefixes holds that who calls a server under a prefix knows the prefix.
func routePrefixes(t *testing.T, l loaded) {
	args := l.args(t, "prometheus")
	for _, want := range []string{"--web.route-prefix=/p/", "--no-config.auto-reload", "--enable-feature=exemplar-storage", "--enable-feature=extra-scrape-metrics", "--web.external-url=http://outrider-prometheus." + namespace + ".svc:9090/p"} {
		if !slices.Contains(args, want) {
			t.Errorf("no %s in %q", want, args)
		}
	}
	if args := l.args(t, "alertmanager"); slices.Contains(args, "--data.retention=1h") || !slices.Contains(args, "--data.retention=2h") {
		t.Errorf("the last of a flag does not win: %q", args)
	}
	for component, prefix := range map[string]string{"prometheus": "/p", "alertmanager": "/alerts"} {
		if got := l.job(t, 0, component).MetricsPath; got != prefix+"/metrics" {
			t.Errorf("%s is scraped at %s", component, got)
		}
		pod := statefulSet(t, l.objects, component).Spec.Template.Spec
		if got := pod.Containers[0].ReadinessProbe.HTTPGet.Path; got != prefix+"/-/ready" {
			t.Errorf("%s is probed at %s", component, got)
		}
	}
	if got := l.prometheus[0].AlertingConfig.AlertmanagerConfigs[0].PathPrefix; got != "/alerts" {
		t.Errorf("alerts go to the path %s", got)
	}
	reload := statefulSet(t, l.objects, "alertmanager").Spec.Template.Spec.Containers[1].Args
	if !slices.Contains(reload, "--url=http://127.0.0.1:9093/alerts/-/reload") {
		t.Errorf("%q", reload)
	}
}

func alertmanagers(want int) func(t *testing.T, l loaded) {
	return func(t *testing.T, l loaded) {
		if got := len(l.prometheus[0].AlertingConfig.AlertmanagerConfigs); got != want {
			t.Errorf("%d alertmanagers, want %d", got, want)
		}
	}
}

// sharded holds that every job of every configuration keeps one part of its targets, before its own rules.
func sharded(t *testing.T, l loaded) {
	shards := 0
	for i, jobs := range l.jobs {
		for _, j := range jobs {
			rules := j.RelabelConfigs
			if len(rules) < 2 || rules[0].Action != relabel.HashMod || rules[1].Action != relabel.Keep {
				t.Fatalf("configuration %d: job %s is in every shard: %v", i, j.JobName, rules)
			}
			shards = max(shards, int(rules[0].Modulus))
			if want := fmt.Sprint(i % int(rules[0].Modulus)); rules[1].Regex.String() != want {
				t.Errorf("configuration %d: job %s keeps part %s", i, j.JobName, rules[1].Regex)
			}
		}
	}
	if len(l.prometheus) < shards {
		t.Errorf("%d configurations for %d shards", len(l.prometheus), shards)
	}
}

// What cannot work is refused with the way out.
func TestValuesFromTheFieldRefused(t *testing.T) {
	for name, c := range map[string]struct{ values, want string }{
		"another port":                {`{prometheus: {extraArgs: ["--web.listen-address=:80"]}}`, `prometheus.extraArgs: --web.listen-address=:80: the Service, the probes and the scrape job use the port 9090`},
		"another port of an exporter": {`{kubeStateMetrics: {extraArgs: [--port=80]}}`, `kubeStateMetrics.extraArgs: --port=80: the Service, the probes and the scrape job use the port 8080`},
		"a flag and its value":        {`{alertmanager: {extraArgs: [--log.level debug]}}`, "at '/alertmanager/extraArgs/0'"},
		"settings of no job":          {`{scrape: {settings: {cadviser: {interval: 60s}}}}`, `scrape.settings: there is no job "cadviser"; there are outrider-exporters`},
		"a timeout too long":          {`{scrape: {settings: {kubelet: {timeout: 45s}}}}`, "scrape.settings.kubelet: the timeout 45s is longer than the interval 30s"},
		"a namespace's label":         {`{scrape: {namespaceLabels: [pod]}}`, "scrape.namespaceLabels: pod is a label that every target has already"},
		"no alert":                    {`{rules: {overrides: {NodeCpu: {for: 1h}}}}`, `rules.overrides: there is no alert "NodeCpu"`},
		"a name with a digit":         {`{fullnameOverride: 1password}`, "at '/fullnameOverride'"},
		"a name too long":             {`{fullnameOverride: ` + strings.Repeat("n", 40) + `}`, "at '/fullnameOverride'"},
		"a receiver of no name":       {`{alertmanager: {config: {receivers: [{name: mail}]}}}`, `alertmanager.config.route.receiver is "null", and alertmanager.config.receivers has no such name: add it there, or name one of mail`},
		"a receiver of a route":       {`{alertmanager: {config: {route: {routes: [{receiver: "null"}, {receiver: chat}]}}}}`, `alertmanager.config.route.routes[1].receiver is "chat"`},
		"an Alertmanager's password":  {`{prometheus: {alertmanagers: [{basic_auth: {username: u, password: hunter2}}]}}`, "prometheus.alertmanagers: password would be readable"},
		"a duration of no order":      {`{prometheus: {scrapeInterval: 1m1h}}`, "at '/prometheus/scrapeInterval'"},
		"no duration":                 {`{prometheus: {scrapeInterval: ""}}`, "at '/prometheus/scrapeInterval'"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := install(t, parse(t, c.values), latest); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// What names an account beside its secret is no secret.
func TestAccessKeysMayBeRead(t *testing.T) {
	const values = `{scrape: {extra: [{job_name: x, scaleway_sd_configs: [{access_key: SCW1, secret_key_file: /etc/prometheus-secrets/a/b}]}]}}`
	if _, err := install(t, parse(t, values), latest); err != nil {
		t.Error(err)
	}
}

// A StatefulSet's Service has no address of its own, or its pods have no names in the DNS.
func TestStatefulSetsHaveHeadlessServices(t *testing.T) {
	rendered := objects(t, render(t, parse(t, `{grafana: {enabled: true}}`), latest))
	for _, s := range all[*appsv1.StatefulSet](rendered) {
		if got := named[*corev1.Service](t, rendered, s.Spec.ServiceName).Spec.ClusterIP; got != corev1.ClusterIPNone {
			t.Errorf("%s: its Service %s has the address %q", s.Name, s.Spec.ServiceName, got)
		}
	}
}

func jobSettings(t *testing.T, l loaded) {
	j := l.job(t, 0, "cadvisor")
	keep := j.MetricRelabelConfigs[len(j.MetricRelabelConfigs)-1]
	if j.ScrapeInterval.String() != "1m" || j.ScrapeTimeout.String() != "20s" || keep.Action != relabel.Keep || !keep.Regex.MatchString("container_cpu_x") || keep.Regex.MatchString("container_fs_x") {
		t.Errorf("cadvisor: %v, %v, %v", j.ScrapeInterval, j.ScrapeTimeout, keep)
	}
	exporters := l.job(t, 0, "outrider-exporters")
	ls := target(exporters, pod("10.0.0.1", "container_name", "outrider-redis", "container_port_name", "outrider-9121"))
	if _, ok := ls["cost_center"]; ok {
		t.Errorf("a label without a value: %v", ls)
	}
	found := pod("10.0.0.1", "container_name", "outrider-redis", "container_port_name", "outrider-9121")
	found["__meta_kubernetes_namespace_label_cost_center"] = "c7"
	if ls := target(exporters, found); ls["cost_center"] != "c7" || len(exporters.MetricRelabelConfigs) != 3 {
		t.Errorf("labels %v", ls)
	}
	c := l.prometheus[0]
	if c.StorageConfig.TSDBConfig.OutOfOrderTimeWindow == 0 || !exporters.ScrapeNativeHistogramsEnabled() || !slices.Contains(l.args(t, "prometheus"), "--web.enable-otlp-receiver") {
		t.Errorf("%+v", c.StorageConfig.TSDBConfig)
	}
}

// Alerts are changed one by one, and all get the labels of the values.
func TestAlertsAreOverridden(t *testing.T) {
	files := renderedRules(t, parse(t, `{labels: {team: infra}, overrides: {NodeFilesystemAlmostFull: {for: 1h, labels: {severity: info}, annotations: {runbook_url: "https://wiki.example"}}}}`))
	changed := 0
	for _, f := range files {
		for _, g := range f.Groups {
			for _, r := range g.Rules {
				labels, _ := r["labels"].(map[string]any)
				if r["alert"] != nil && labels["team"] != "infra" {
					t.Errorf("%v has the labels %v", r["alert"], labels)
				}
				if r["alert"] == "NodeFilesystemAlmostFull" && r["for"] == "1h" && labels["severity"] == "info" {
					changed++
				}
			}
		}
	}
	if changed != 2 {
		t.Errorf("%d rules are changed, want 2", changed)
	}
}
