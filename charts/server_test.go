package charts_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	promconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/config"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// server is the values of one Prometheus.
func server(values map[string]any) map[string]any { return map[string]any{"prometheus": values} }

func statefulSet(t *testing.T, objects []runtime.Object, name string) *appsv1.StatefulSet {
	t.Helper()
	return named[*appsv1.StatefulSet](t, objects, "outrider-"+name)
}

func TestRemoteWriteAndRead(t *testing.T) {
	rendered := objects(t, render(t, server(map[string]any{
		"externalLabels": map[string]any{"cluster": "eu-1"},
		"remoteWrite": []any{map[string]any{
			"url":        "https://store.example/write",
			"basic_auth": map[string]any{"username": "u", "password_file": "/etc/prometheus-secrets/store.example/password"},
		}},
		"remoteRead": []any{map[string]any{"url": "https://store.example/read"}},
		"exemplars":  1000,
		"secrets":    []any{"store.example"},
	}), latest))
	c, _ := prometheusConfig(t, rendered)
	if len(c.RemoteWriteConfigs) != 1 || c.RemoteWriteConfigs[0].HTTPClientConfig.BasicAuth.PasswordFile == "" || len(c.RemoteReadConfigs) != 1 {
		t.Errorf("remote_write %v, remote_read %v", c.RemoteWriteConfigs, c.RemoteReadConfigs)
	}
	if c.StorageConfig.ExemplarsConfig.MaxExemplars != 1000 {
		t.Errorf("exemplars %v", c.StorageConfig.ExemplarsConfig)
	}
	if got := c.GlobalConfig.ExternalLabels.Get("cluster"); got != "eu-1" {
		t.Errorf("external label cluster is %q", got)
	}
	pod := statefulSet(t, rendered, "prometheus").Spec.Template.Spec
	mounts, args := pod.Containers[0].VolumeMounts, pod.Containers[0].Args
	if !slices.ContainsFunc(mounts, func(m corev1.VolumeMount) bool {
		return m.MountPath == "/etc/prometheus-secrets/store.example" && m.ReadOnly
	}) {
		t.Errorf("the Secret is not mounted: %v", mounts)
	}
	if !slices.Contains(args, "--enable-feature=exemplar-storage") {
		t.Errorf("exemplars are not kept: %v", args)
	}
}

// What stands in a ConfigMap is read by more people than a Secret.
func TestPasswordsAreRefused(t *testing.T) {
	for _, c := range []struct{ key, entry, field string }{
		{"remoteWrite", "basic_auth", "password"},
		{"remoteWrite", "authorization", "credentials"},
		{"remoteRead", "oauth2", "client_secret"},
		{"remoteWrite", "sigv4", "secret_key"},
		{"remoteWrite", "tls_config", "key"},
	} {
		_, err := install(t, server(map[string]any{c.key: []any{map[string]any{"url": "https://a.example", c.entry: map[string]any{c.field: "hunter2"}}}}), latest)
		want := "prometheus." + c.key + ": " + c.field + " would be readable in a ConfigMap; put it into a Secret, name that in prometheus.secrets, and refer to it with " + c.field + "_file"
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: got %v, want %q", c.field, err, want)
		}
	}
	for entry, want := range map[string]string{
		`{url: "https://u:hunter2@a.example"}`:                                          "url would be readable in a ConfigMap; take the user out of the address",
		`{url: "https://hunter2@a.example/w"}`:                                          "url would be",
		`{url: "https://a.example", proxy_url: "http://u:hunter2@p"}`:                   "proxy_url would be readable in a ConfigMap; use a proxy that asks for no login",
		`{url: "https://a.example", oauth2: {token_url: "http://u:hunter2@p"}}`:         "token_url would be",
		`{url: "https://a.example", headers: {X-Scope-OrgID: a, Api-Key: hunter2}}`:     "headers would be readable in a ConfigMap; put it into a Secret, name that in prometheus.secrets, and refer to it with http_headers: {<header>: {files: [",
		`{url: "https://a.example", http_headers: {Api-Key: {secrets: [hunter2]}}}`:     "http_headers would be",
		`{url: "https://a.example", http_headers: {Api-Key: {values: [hunter2]}}}`:      "http_headers would be",
		`{url: "https://a.example", proxy_connect_header: {Authorization: [hunter2]}}`:  "proxy_connect_header would be",
		`{url: "https://a.example", oauth2: {proxy_connect_header: {a: {s: hunter2}}}}`: "proxy_connect_header would be",
	} {
		for _, key := range []string{"remoteWrite", "remoteRead"} {
			_, err := install(t, server(map[string]any{key: []any{map[string]any{"url": "https://b.example"}, parse(t, entry)}}), latest)
			if want := "prometheus." + key + ": " + want; err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%s: got %v, want %q", entry, err, want)
			}
		}
	}
	render(t, server(parse(t, `{remoteWrite: [{url: "https://a.example/@b?c=d@e", headers: {X-Scope-OrgID: shop}, http_headers: {Api-Key: {files: [/a]}}}]}`)), latest)
}

func TestAgent(t *testing.T) {
	_, err := install(t, server(map[string]any{"mode": "agent"}), latest)
	if want := "prometheus.mode is agent and prometheus.remoteWrite is empty"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
	rendered := objects(t, render(t, server(map[string]any{
		"mode": "agent", "remoteWrite": []any{map[string]any{"url": "https://store.example/write"}},
		"remoteRead": []any{map[string]any{"url": "https://store.example/read"}}, "exemplars": 1,
	}), latest))
	path := configFile(t, named[*corev1.ConfigMap](t, rendered, "outrider-prometheus").Data)
	if _, err := config.LoadFile(path, true, promslog.NewNopLogger()); err != nil {
		t.Errorf("an agent refuses its configuration: %v", err)
	}
	for _, arg := range statefulSet(t, rendered, "prometheus").Spec.Template.Spec.Containers[0].Args {
		if strings.HasPrefix(arg, "--storage.tsdb") || strings.HasPrefix(arg, "--enable-feature") {
			t.Errorf("an agent has no %s", arg)
		}
	}
	for _, w := range workloads(rendered) {
		if w.component == "alertmanager" {
			t.Error("there is an Alertmanager, and nothing that could send it an alert")
		}
	}
}

// Copies are distinguished by an external label, which alerts do not carry: Alertmanager would see two of each.
func TestCopiesRaiseTheSameAlerts(t *testing.T) {
	c, _ := prometheusConfig(t, objects(t, render(t, server(map[string]any{"replicas": 2}), latest)))
	if c.GlobalConfig.ExternalLabels.Get("replica") == "" {
		t.Errorf("external labels %v tell copies not apart", c.GlobalConfig.ExternalLabels)
	}
	rules := c.AlertingConfig.AlertRelabelConfigs
	if len(rules) != 1 || rules[0].Action != "labeldrop" || !rules[0].Regex.MatchString("replica") {
		t.Errorf("alerts leave with the label: %v", rules)
	}
	if got := len(c.AlertingConfig.AlertmanagerConfigs); got != 1 {
		t.Fatalf("%d alertmanagers", got)
	}
	c, _ = prometheusConfig(t, objects(t, render(t, map[string]any{"alertmanager": map[string]any{"enabled": false}}, latest)))
	if len(c.AlertingConfig.AlertmanagerConfigs) != 0 {
		t.Error("alerts are sent to an Alertmanager that is not there")
	}
}

// A web server that asks for a password is probed without one, and Prometheus is given it.
func TestWebConfiguration(t *testing.T) {
	web := func(secret string) map[string]any {
		return map[string]any{"web": map[string]any{"configSecret": secret, "scheme": "https", "user": "outrider"}}
	}
	rendered := objects(t, render(t, map[string]any{"prometheus": web("prometheus-web"), "alertmanager": web("alerts-web")}, latest))
	for _, name := range []string{"prometheus", "alertmanager"} {
		container := statefulSet(t, rendered, name).Spec.Template.Spec.Containers[0]
		if !slices.Contains(container.Args, "--web.config.file=/etc/"+name+"-web/web-config.yaml") {
			t.Errorf("%s: %v", name, container.Args)
		}
		for _, probe := range []*corev1.Probe{container.LivenessProbe, container.ReadinessProbe} {
			if probe.HTTPGet != nil || probe.TCPSocket == nil {
				t.Errorf("%s: a kubelet has no password: %v", name, probe)
			}
		}
	}
	c, _ := prometheusConfig(t, rendered)
	alerts := c.AlertingConfig.AlertmanagerConfigs[0]
	want := &promconfig.BasicAuth{Username: "outrider", PasswordFile: "/etc/alertmanager-web/password"}
	if diff := cmp.Diff(want.PasswordFile+want.Username, alerts.HTTPClientConfig.BasicAuth.PasswordFile+alerts.HTTPClientConfig.BasicAuth.Username); diff != "" || alerts.Scheme != "https" {
		t.Errorf("Prometheus reaches Alertmanager by %s (-want +got):\n%s", alerts.Scheme, diff)
	}
	mounts := statefulSet(t, rendered, "prometheus").Spec.Template.Spec.Containers[0].VolumeMounts
	if !slices.ContainsFunc(mounts, func(m corev1.VolumeMount) bool { return m.MountPath == "/etc/alertmanager-web" }) {
		t.Errorf("the password is not mounted: %v", mounts)
	}
	_, jobs := prometheusConfig(t, rendered)
	for _, j := range jobs {
		for _, name := range []string{"prometheus", "alertmanager"} {
			if auth := j.HTTPClientConfig.BasicAuth; j.JobName == name && (j.Scheme != "https" || auth == nil || auth.PasswordFile != "/etc/"+name+"-web/password") {
				t.Errorf("job %s scrapes over %s as %v", name, j.Scheme, auth)
			}
		}
	}
}

// During an upgrade a copy ends when the one before it has scraped everything: after discovery's five seconds and an interval.
func TestCopiesOverlap(t *testing.T) {
	for interval, want := range map[string]int32{"30s": 40, "1m30s": 100, "1h": 3610, "500ms": 10, "1d": 86410} {
		s := statefulSet(t, objects(t, render(t, server(map[string]any{"replicas": 2, "scrapeInterval": interval}), latest)), "prometheus")
		if s.Spec.MinReadySeconds != want {
			t.Errorf("%s: minReadySeconds is %d, want %d", interval, s.Spec.MinReadySeconds, want)
		}
	}
	if s := statefulSet(t, objects(t, render(t, nil, latest)), "prometheus"); s.Spec.MinReadySeconds != 0 {
		t.Error("a single copy is waited for, and none takes its place")
	}
}
