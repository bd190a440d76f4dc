package stack

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/outrider-dev/outrider/cmd/outrider/release"
	"github.com/outrider-dev/outrider/test/cluster/build"
)

// Prometheus starts in each of its modes with the arguments and files that it is given there.
func TestPrometheusStarts(t *testing.T) {
	for name, c := range map[string]struct{ values, files, storage string }{
		"server": {`{}`, "outrider-prometheus", "--storage.tsdb.path"},
		"everything": {`{prometheus: {replicas: 2, exemplars: 1000, externalLabels: {cluster: a}, externalURL: "https://p.example.com/x",
			remoteWrite: [{url: "http://127.0.0.1:1/write"}], remoteRead: [{url: "http://127.0.0.1:1/read"}]}}`, "outrider-prometheus", "--storage.tsdb.path"},
		"agent":  {`{prometheus: {mode: agent, remoteWrite: [{url: "http://127.0.0.1:1/write"}]}}`, "outrider-prometheus", "--storage.agent.path"},
		"shards": {`{prometheus: {shards: 2}}`, "outrider-prometheus-shards", "--storage.tsdb.path"},
	} {
		t.Run(name, func(t *testing.T) {
			m := rendered(t, c.values)
			address, _ := startPrometheus(t, m, 1, m.files(t, "ConfigMap/"+c.files), c.storage+"="+t.TempDir())
			eventually(t, address+"/api/v1/status/config", func(answer string) bool {
				return strings.Contains(answer, "replica: outrider-prometheus-1")
			})
		})
	}
}

// Alertmanager starts with what the chart gives it. The container beside it tells it of a new configuration, without a
// restart; a bad one leaves the old one in force.
func TestAlertmanagerReloads(t *testing.T) {
	program := binary(t, "alertmanager")
	m := rendered(t, `{}`)
	files, port := m.files(t, "Secret/outrider-alertmanager"), freePort(t)
	start(t, program, nil, replaced(t, m.container(t, "StatefulSet/outrider-alertmanager", 0).Args,
		"/etc/alertmanager", files, "--storage.path=/alertmanager", "--storage.path="+t.TempDir(), "--web.listen-address=:9093", "--web.listen-address=127.0.0.1:"+port)...)
	address := "http://127.0.0.1:" + port
	eventually(t, address+"/-/ready", anything)
	beside, err := build.Main(t.Context(), "./cmd/outrider-controller")
	if err != nil {
		t.Fatal(err)
	}
	args := replaced(t, m.container(t, "StatefulSet/outrider-alertmanager", 1).Args, "/etc/alertmanager", files, "127.0.0.1:9093", "127.0.0.1:"+port)
	start(t, beside, nil, append(args, "--interval=50ms")...)

	file := filepath.Join(files, "alertmanager.yaml")
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	has := func(word string) func(string) bool {
		return func(answer string) bool { return strings.Contains(answer, word) }
	}
	configuration := address + "/api/v2/status"
	write(t, file, strings.ReplaceAll(string(before), `"null"`, "on-call"))
	eventually(t, configuration, has("receiver: on-call"))
	write(t, file, strings.ReplaceAll(string(before), "receiver:", "receivers:"))
	eventually(t, address+"/metrics", has("alertmanager_config_last_reload_successful 0"))
	eventually(t, configuration, has("receiver: on-call"))
	write(t, file, string(before))
	eventually(t, address+"/metrics", has("alertmanager_config_last_reload_successful 1"))
}

// Two copies, with the arguments for two, become one cluster.
func TestAlertmanagersMeet(t *testing.T) {
	program := binary(t, "alertmanager")
	m := rendered(t, `{alertmanager: {replicas: 2}}`)
	gossip := []string{freePort(t), freePort(t)}
	var web []string
	for i := range gossip {
		web = append(web, freePort(t))
		const peer = "outrider-alertmanager-%d.outrider-alertmanager-headless.outrider.svc:9094"
		start(t, program, nil, replaced(t, m.container(t, "StatefulSet/outrider-alertmanager", 0).Args,
			"/etc/alertmanager", m.files(t, "Secret/outrider-alertmanager"), "--storage.path=/alertmanager", "--storage.path="+t.TempDir(),
			"--web.listen-address=:9093", "--web.listen-address=127.0.0.1:"+web[i],
			"--cluster.listen-address=:9094", "--cluster.listen-address=127.0.0.1:"+gossip[i], "[$(POD_IP)]:9094", "[127.0.0.1]:"+gossip[i],
			fmt.Sprintf(peer, 0), "127.0.0.1:"+gossip[0], fmt.Sprintf(peer, 1), "127.0.0.1:"+gossip[1])...)
	}
	for _, port := range web {
		eventually(t, "http://127.0.0.1:"+port+"/metrics", func(answer string) bool { return strings.Contains(answer, "alertmanager_cluster_members 2") })
	}
}

func TestBlackboxExporterProbes(t *testing.T) {
	program := binary(t, "blackbox_exporter")
	m := rendered(t, `{blackboxExporter: {enabled: true}}`)
	port := freePort(t)
	start(t, program, nil, replaced(t, m.container(t, "Deployment/outrider-blackbox-exporter", 0).Args,
		"/etc/blackbox-exporter", m.files(t, "Secret/outrider-blackbox-exporter"), "--web.listen-address=:9115", "--web.listen-address=127.0.0.1:"+port)...)
	eventually(t, "http://127.0.0.1:"+port+"/-/healthy", anything)
	site := httptest.NewServer(http.NotFoundHandler())
	defer site.Close()
	for module, success := range map[string]string{"tcp_connect": "1", "http_2xx": "0"} {
		target := strings.TrimPrefix(site.URL, "http://")
		eventually(t, "http://127.0.0.1:"+port+"/probe?module="+module+"&target="+url.QueryEscape(target), func(answer string) bool {
			return strings.Contains(answer, "\nprobe_success "+success+"\n")
		})
	}
}

// metrics-server knows its flags: without a cluster it ends, but not for one of them.
func TestMetricsServerKnowsItsFlags(t *testing.T) {
	program := binary(t, "metrics-server")
	for values, lacks := range map[string]string{
		`{metricsServer: {enabled: true}}`:                                                  "in-cluster configuration",
		`{metricsServer: {enabled: true, kubeletTLS: skip, serving: {tlsSecret: serving}}}`: "open /etc/metrics-server-tls/tls.crt",
	} {
		args := replaced(t, rendered(t, values).container(t, "Deployment/outrider-metrics-server", 0).Args, "--secure-port=10250", "--secure-port="+freePort(t))
		for i, arg := range args {
			args[i] = strings.Replace(arg, "--cert-dir=/tmp", "--cert-dir="+t.TempDir(), 1)
		}
		out, err := exec.Command(program, args...).CombinedOutput()
		if err == nil || strings.Contains(string(out), "unknown flag") || !strings.Contains(string(out), lacks) {
			t.Errorf("%q: %v, and not for lack of %q\n%s", args, err, lacks, out)
		}
	}
}

// The script of "helm test" asks the right questions: a real Prometheus answers them, through the real promtool.
func TestHelmTestAsksPrometheus(t *testing.T) {
	program, promtool := binary(t, "prometheus"), binary(t, "promtool")
	script := helmTestScript(t)
	exporter := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "redis_up 1") }))
	defer exporter.Close()
	empty := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer empty.Close()
	components := map[string]string{}
	for _, job := range []string{"outrider-controller", "outrider-webhook", "prometheus", "alertmanager", "kube-state-metrics", "node-exporter"} {
		components[job] = exporter.URL
	}
	with := func(job, url string) map[string]string {
		all := maps.Clone(components)
		all[job] = url
		return all
	}
	const nobody = "http://127.0.0.1:1"
	for name, c := range map[string]struct {
		targets map[string]string
		want    string
	}{
		"all is well":         {components, "Every component is scraped"},
		"an exporter":         {with("outrider-redis", exporter.URL), "Every component is scraped"},
		"a component is down": {with("node-exporter", nobody), "No target of job node-exporter is up."},
		"an exporter is down": {with("outrider-redis", nobody), "Pods have exporters, and none of these is up:\n"},
		"an exporter is mute": {with("outrider-redis", empty.URL), "Exporters are up, and none of these has a metric:\n"},
	} {
		t.Run(name, func(t *testing.T) {
			config := "global: {scrape_interval: 1s}\nscrape_configs:\n"
			for job, url := range c.targets {
				config += fmt.Sprintf("  - {job_name: %s, static_configs: [{targets: [%q], labels: {container: %s}}]}\n", job, strings.TrimPrefix(url, "http://"), container(job))
			}
			file, port := filepath.Join(t.TempDir(), "prometheus.yml"), freePort(t)
			write(t, file, config)
			start(t, program, nil, "--config.file="+file, "--storage.tsdb.path="+t.TempDir(), "--web.listen-address=127.0.0.1:"+port)
			address := "http://127.0.0.1:" + port
			eventually(t, address+"/api/v1/query?query="+url.QueryEscape("count(up == 1) + (count(up == 0) or vector(0)) * 100"), func(answer string) bool {
				return strings.Contains(answer, fmt.Sprintf(`"%d"]`, up(c.targets, nobody)))
			})
			folder := t.TempDir()
			if err := os.Symlink(promtool, filepath.Join(folder, "promtool")); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command("/bin/sh", "-c", strings.ReplaceAll(script, "http://outrider-prometheus.outrider.svc:9090", address))
			cmd.Env = append(os.Environ(), "PATH="+folder+":"+os.Getenv("PATH"), "TRIES=1")
			out, err := cmd.CombinedOutput()
			if well := strings.HasPrefix(c.want, "Every"); !strings.HasPrefix(string(out), c.want) || well != (err == nil) {
				t.Errorf("says %q, %v; want %q", out, err, c.want)
			}
		})
	}
}

// up is how many targets answer, and a hundred for each that does not.
func up(targets map[string]string, nobody string) int {
	n := 0
	for _, url := range targets {
		if url == nobody {
			n += 100
		} else {
			n++
		}
	}
	return n
}

// container is the label that an exporter's target has; a component's has another.
func container(job string) string {
	if exporter, ok := strings.CutPrefix(job, "outrider-"); ok && exporter != "controller" && exporter != "webhook" {
		return job
	}
	return "server"
}

func helmTestScript(t *testing.T) string {
	t.Helper()
	hooks, err := release.Release{}.Tests(nil, "1.37.0")
	if err != nil || len(hooks) != 1 {
		t.Fatalf("%d hooks, %v", len(hooks), err)
	}
	var pod struct {
		Spec struct {
			Containers []struct{ Args []string }
		}
	}
	manifests{"Pod": []byte(hooks[0])}.decode(t, "Pod", &pod)
	return pod.Spec.Containers[0].Args[0]
}
