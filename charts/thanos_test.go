package charts_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/relabel"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

const longTerm = `prometheus: {shards: 3, replicas: 2, externalLabels: {cluster: eu-1}}, thanos: {enabled: true, objectStorageSecret: bucket}`

// thanosParts are the parts that are installed, by component.
func thanosParts(t *testing.T, values string) map[string]corev1.PodTemplateSpec {
	t.Helper()
	found := map[string]corev1.PodTemplateSpec{}
	for _, w := range workloads(loads(t, releaseName, parse(t, "{"+values+"}")).objects) {
		if strings.HasPrefix(w.component, "thanos-") {
			found[strings.TrimPrefix(w.component, "thanos-")] = w.pod
		}
		for _, c := range w.pod.Spec.Containers {
			if c.Name == "thanos-sidecar" {
				found["sidecar"] = w.pod
			}
		}
	}
	return found
}

// Each part is installed where there is something for it to do.
func TestThanosParts(t *testing.T) {
	for values, want := range map[string][]string{
		``:                                 nil,
		`prometheus: {shards: 3}`:          nil,
		`thanos: {objectStorageSecret: b}`: nil,
		`thanos: {enabled: true}`:          {"query", "sidecar"},
		`thanos: {enabled: true, objectStorageSecret: b}`:                              {"compactor", "query", "sidecar", "store"},
		`thanos: {enabled: true, objectStorageSecret: b, compactor: {enabled: false}}`: {"query", "sidecar", "store"},
		`prometheus: {shards: 2}, thanos: {enabled: true}`:                             {"query", "ruler", "sidecar"},
		longTerm: {"compactor", "query", "ruler", "sidecar", "store"},
		`discovery: {mode: operator}, thanos: {enabled: true}`:                                       nil,
		`prometheus: {mode: agent, remoteWrite: [{url: "http://a/write"}]}, thanos: {enabled: true}`: nil,
	} {
		var got []string
		for part := range thanosParts(t, values) {
			got = append(got, part)
		}
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", values, diff)
		}
	}
}

// Everything that asks this release's Prometheus asks query where there is one, also with shards, TLS and a login.
func TestEverythingAsksQuery(t *testing.T) {
	const web = `web: {configSecret: web, scheme: https, user: outrider}`
	for values, want := range map[string]string{
		`{}`:                          "http://outrider-prometheus.outrider-system.svc:9090",
		`{prometheus: {` + web + `}}`: "https://outrider-prometheus.outrider-system.svc:9090",
		`{thanos: {enabled: true}}`:   "http://outrider-thanos-query.outrider-system.svc:9090",
		`{` + longTerm + `}`:          "http://outrider-thanos-query.outrider-system.svc:9090",
		`{prometheus: {shards: 2, ` + web + `}, thanos: {enabled: true}}`: "https://outrider-thanos-query.outrider-system.svc:9090",
	} {
		v := parse(t, values)
		v["grafana"] = map[string]any{"enabled": true}
		r := render(t, v, latest)
		rendered := objects(t, r)
		controller := named[*appsv1.Deployment](t, rendered, "outrider-controller").Spec.Template.Spec
		login := strings.HasPrefix(want, "https")
		for flag, set := range map[string]bool{
			"--prometheus-url=" + want: true, "--prometheus-user=outrider": login, "--prometheus-skip-verify": login,
			"--prometheus-password-file=/etc/prometheus-web/password": login,
		} {
			if slices.Contains(controller.Containers[0].Args, flag) != set {
				t.Errorf("%s: %s of the controller: %v", values, flag, !set)
			}
		}
		if (len(controller.Volumes) == 1) != login {
			t.Errorf("%s: the controller has the volumes %v", values, controller.Volumes)
		}
		if script := testPod(t, v).Spec.Containers[0].Args[0]; !strings.Contains(script, " "+want+" ") {
			t.Errorf("%s: helm test does not ask %s:\n%s", values, want, script)
		}
		if files := named[*corev1.ConfigMap](t, rendered, "outrider-grafana").Data["datasources.yaml"]; !strings.Contains(files, "url: "+want+"\n") {
			t.Errorf("%s: Grafana asks another:\n%s", values, files)
		}
		if service := strings.TrimSuffix(strings.SplitN(want, "://", 2)[1], ".outrider-system.svc:9090"); !strings.Contains(r.Info.Notes, "port-forward service/"+service+" 9090") {
			t.Errorf("%s: the notes name another:\n%s", values, r.Info.Notes)
		}
	}
	if args := thanosParts(t, `prometheus: {`+web+`}, thanos: {enabled: true}`); !slices.Contains(args["query"].Spec.Containers[0].Args, "--http.config=/etc/thanos-query-web/web-config.yaml") {
		t.Errorf("query asks for no login: %q", args["query"].Spec.Containers[0].Args)
	}
}

// With several shards the rules are the ruler's, and each shard scrapes every Prometheus, with its shard, and every part of Thanos.
func TestThanosShards(t *testing.T) {
	l := loads(t, releaseName, parse(t, `{`+longTerm+`}`))
	whole := []string{"prometheus", "outrider-thanos-sidecar", "outrider-thanos-query", "outrider-thanos-store", "outrider-thanos-compactor", "outrider-thanos-ruler"}
	for i, jobs := range l.jobs {
		for _, j := range jobs {
			if divided := j.RelabelConfigs[0].Action == relabel.HashMod; divided == slices.Contains(whole, j.JobName) {
				t.Errorf("configuration %d: job %s is divided: %v", i, j.JobName, divided)
			}
		}
	}
	job := l.job(t, 1, "prometheus")
	for ordinal, shard := range map[string]string{"0": "0", "1": "1", "4": "1", "5": "2"} {
		got := target(job, map[string]string{
			"__meta_kubernetes_pod_label_app_kubernetes_io_component": "prometheus", "__meta_kubernetes_pod_container_port_name": "http",
			"__meta_kubernetes_pod_label_apps_kubernetes_io_pod_index": ordinal,
		})
		if got["shard"] != shard {
			t.Errorf("pod %s is of shard %q, want %s", ordinal, got["shard"], shard)
		}
	}
	for _, c := range l.prometheus {
		if diff := cmp.Diff([]string{"/etc/prometheus-rules/thanos-down.prometheus"}, c.RuleFiles); diff != "" {
			t.Errorf("Prometheus' rules (-want +got):\n%s", diff)
		}
	}
	rules := named[*corev1.ConfigMap](t, l.objects, "outrider-prometheus-rules").Data
	if strings.Contains(rules["thanos-down.prometheus"], "partial_response") || !strings.Contains(rules["nodes.yaml"], "partial_response_strategy: warn") {
		t.Error("Prometheus refuses what the ruler needs")
	}
	args := l.args(t, "thanos-ruler")
	for _, want := range []string{"--rule-file=/etc/thanos-rules/*.yaml", `--label=replica="$(POD_NAME)"`, `--label=cluster="eu-1"`, "--alert.label-drop=replica",
		`--alertmanagers.config={"alertmanagers":[{"scheme":"http","static_configs":["dns+outrider-alertmanager-headless.outrider-system.svc:9093"]}]}`} {
		if !slices.Contains(args, want) {
			t.Errorf("the ruler has no %s: %q", want, args)
		}
	}
}

// Of several shards query names each Prometheus, so that an answer without one of them says so; others are found by the DNS.
func TestThanosEndpoints(t *testing.T) {
	endpoints := func(values string) string {
		for _, arg := range thanosParts(t, values)["query"].Spec.Containers[0].Args {
			if config, ok := strings.CutPrefix(arg, "--endpoint.sd-config="); ok {
				return config
			}
		}
		return ""
	}
	six := endpoints(longTerm)
	if strings.Count(six, `"strict":true`) != 7 {
		t.Errorf("six Prometheus and the store gateway: %s", six)
	}
	for ordinal := range 6 {
		if name := `"outrider-prometheus-` + strconv.Itoa(ordinal) + `.outrider-prometheus-headless.outrider-system.svc:10901"`; !strings.Contains(six, name) {
			t.Errorf("no %s", name)
		}
	}
	if got, want := endpoints(`prometheus: {replicas: 2}, thanos: {enabled: true, query: {endpoints: ["b.example.com:10901"]}}`),
		`{"endpoints":[{"address":"dnssrv+_grpc._tcp.outrider-prometheus-headless.outrider-system.svc"},{"address":"b.example.com:10901","strict":true}]}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	with := endpoints(`thanos: {enabled: true, tlsSecret: mine}`)
	if want := `"default_client_config":{"server_name":"outrider-thanos.outrider-system.svc","tls_config":{"ca_file":"/etc/thanos-tls/ca.crt","cert_file":"/etc/thanos-tls/tls.crt","enabled":true,"key_file":"/etc/thanos-tls/tls.key"}}`; !strings.Contains(with, want) {
		t.Errorf("no TLS: %s", with)
	}
	for part, pod := range thanosParts(t, strings.Replace(longTerm, "enabled: true", "enabled: true, tlsSecret: mine", 1)) {
		c := pod.Spec.Containers[0]
		if part == "sidecar" {
			c = pod.Spec.Containers[1]
		}
		if tls := slices.Contains(c.Args, "--grpc-server-tls-client-ca=/etc/thanos-tls/ca.crt"); tls == (part == "compactor") {
			t.Errorf("%s has TLS: %v", part, tls)
		}
	}
	if r := render(t, parse(t, `{certs: {mode: cert-manager}, thanos: {enabled: true}}`), latest); !strings.Contains(r.Manifest, "secretName: \"outrider-thanos-cert\"\n  dnsNames:\n    - outrider-thanos.outrider-system.svc\n") {
		t.Error("cert-manager issues no certificate for Thanos")
	}
}

// What the block thanos has of common is for all parts, and a part's own replaces it.
func TestThanosTakesCommon(t *testing.T) {
	for part, pod := range thanosParts(t, strings.Replace(longTerm, "thanos: {", "thanos: {priorityClassName: low, podLabels: {a: x, b: x}, query: {podLabels: {b: y}}, ", 1)) {
		if part == "sidecar" {
			if pod.Spec.PriorityClassName != "" {
				t.Error("Prometheus has the priority of Thanos")
			}
			continue
		}
		b := map[bool]string{true: "y", false: "x"}[part == "query"]
		if pod.Spec.PriorityClassName != "low" || pod.Labels["a"] != "x" || pod.Labels["b"] != b {
			t.Errorf("%s: %s, %v", part, pod.Spec.PriorityClassName, pod.Labels)
		}
	}
}

// Alertmanagers that only Prometheus could discover are refused where Thanos sends the alerts.
func TestThanosAlertmanagers(t *testing.T) {
	const values = `{prometheus: {shards: 2, alertmanagers: [%s]}, thanos: {enabled: true}}`
	l := loads(t, releaseName, parse(t, strings.Replace(values, "%s", `{scheme: https, static_configs: [{targets: ["a:9093"]}], basic_auth: {username: u, password_file: /etc/x}}`, 1)))
	want := `{"http_config":{"basic_auth":{"password_file":"/etc/x","username":"u"}},"scheme":"https","static_configs":["a:9093"]}`
	if args := strings.Join(l.args(t, "thanos-ruler"), "\n"); !strings.Contains(args, want) {
		t.Errorf("no %s in\n%s", want, args)
	}
	refusesWith(t, strings.Replace(values, "%s", `{consul_sd_configs: [{server: "c:1"}]}`, 1), "prometheus.alertmanagers[0]: with several shards Thanos sends the alerts, which knows no consul_sd_configs; use static_configs")
}
