package charts_test

import (
	"encoding/json"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// dashboardMaps are the ConfigMaps that a Grafana's sidecar would find.
func dashboardMaps(objects []runtime.Object, label, value string) map[string]*corev1.ConfigMap {
	found := map[string]*corev1.ConfigMap{}
	for _, c := range all[*corev1.ConfigMap](objects) {
		if got, ok := c.Labels[label]; ok && got == value {
			found[c.Name] = c
		}
	}
	return found
}

func TestDashboardsAreFoundByTheirLabel(t *testing.T) {
	count := 0
	for _, f := range load(t).Files {
		if path.Dir(f.Name) == "files/dashboards" {
			count++
		}
	}
	for _, c := range []struct {
		values       map[string]any
		label, value string
		want         int
	}{
		{nil, "grafana_dashboard", "1", count},
		{map[string]any{"discovery": map[string]any{"mode": "operator"}}, "grafana_dashboard", "1", count},
		{map[string]any{"discovery": map[string]any{"mode": "none"}}, "grafana_dashboard", "1", 0},
		{map[string]any{"dashboards": map[string]any{"enabled": false}}, "grafana_dashboard", "1", 0},
		{map[string]any{"dashboards": map[string]any{"label": "example.com/boards", "labelValue": "yes"}}, "example.com/boards", "yes", count},
	} {
		found := dashboardMaps(objects(t, render(t, c.values, latest)), c.label, c.value)
		if len(found) != c.want || count < 18 {
			t.Errorf("%v: %d dashboards of %d, want %d", c.values, len(found), count, c.want)
		}
		for name, m := range found {
			for _, text := range m.Data {
				var model struct {
					UID    string
					Panels []any
				}
				if err := json.Unmarshal([]byte(text), &model); err != nil || model.UID == "" || len(model.Panels) == 0 {
					t.Errorf("%s holds no dashboard: %v", name, err)
				}
			}
			if len(m.Data) != 1 || m.Annotations["grafana_folder"] != "Outrider" {
				t.Errorf("%s: %d files, annotations %v", name, len(m.Data), m.Annotations)
			}
		}
	}
}

// grafana is what a render has of it.
type grafana struct {
	files     map[string]string // by path in the container
	objects   []runtime.Object
	container corev1.Container
}

// grafanaOf puts the files together as the kubelet would, from the ConfigMaps of the render.
func grafanaOf(t *testing.T, values map[string]any) grafana {
	t.Helper()
	g := grafana{files: map[string]string{}, objects: objects(t, render(t, values, latest))}
	maps := map[string]map[string]string{}
	for _, m := range all[*corev1.ConfigMap](g.objects) {
		maps[m.Name] = m.Data
	}
	for _, s := range all[*appsv1.StatefulSet](g.objects) {
		if s.Labels["app.kubernetes.io/component"] != "grafana" {
			continue
		}
		g.container = s.Spec.Template.Spec.Containers[0]
		for _, mount := range g.container.VolumeMounts {
			i := slices.IndexFunc(s.Spec.Template.Spec.Volumes, func(v corev1.Volume) bool { return v.Name == mount.Name })
			if i < 0 {
				if len(s.Spec.VolumeClaimTemplates) == 0 || mount.Name != s.Spec.VolumeClaimTemplates[0].Name {
					t.Fatalf("volume %s does not exist", mount.Name)
				}
				continue
			}
			v := s.Spec.Template.Spec.Volumes[i]
			if v.ConfigMap != nil {
				for _, item := range v.ConfigMap.Items {
					text, ok := maps[v.ConfigMap.Name][item.Key]
					if !ok {
						t.Errorf("ConfigMap %s has no key %s", v.ConfigMap.Name, item.Key)
					}
					g.files[path.Join(mount.MountPath, item.Path)] = text
				}
			}
			if v.Projected != nil {
				for _, source := range v.Projected.Sources {
					for key, text := range maps[source.ConfigMap.Name] {
						g.files[path.Join(mount.MountPath, key)] = text
					}
				}
			}
			if v.Secret != nil {
				g.files[mount.MountPath] = v.Secret.SecretName
			}
		}
	}
	return g
}

// ini reads what Grafana would: section.key = value.
func ini(t *testing.T, text string) map[string]string {
	t.Helper()
	settings, section := map[string]string{}, ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if name, ok := strings.CutPrefix(line, "["); ok {
			section = strings.TrimSuffix(name, "]")
			continue
		}
		key, value, ok := strings.Cut(line, " = ")
		if !ok || settings[section+"."+key] != "" {
			t.Errorf("grafana.ini: %q", line)
		}
		settings[section+"."+key] = value
	}
	return settings
}

func TestGrafanaIsProvisioned(t *testing.T) {
	g := grafanaOf(t, presetValues(t, "air-gapped"))
	var providers struct {
		APIVersion int `yaml:"apiVersion"`
		Providers  []struct {
			Name, Folder, Type    string
			AllowUIUpdates        bool `yaml:"allowUiUpdates"`
			UpdateIntervalSeconds int  `yaml:"updateIntervalSeconds"`
			Options               struct{ Path string }
		}
	}
	decode(t, g.files["/etc/grafana/provisioning/dashboards/outrider.yaml"], &providers)
	if len(providers.Providers) != 1 || providers.APIVersion != 1 {
		t.Fatalf("providers: %+v", providers)
	}
	provider := providers.Providers[0]
	shown := 0
	for file := range g.files {
		if path.Dir(file) == provider.Options.Path {
			shown++
		}
	}
	if want := len(dashboardMaps(g.objects, "grafana_dashboard", "1")); provider.Type != "file" || shown != want {
		t.Errorf("it finds %d dashboards at %s, want %d", shown, provider.Options.Path, want)
	}
	settings := ini(t, g.files["/etc/grafana/grafana.ini"])
	if home := settings["dashboards.default_home_dashboard_path"]; g.files[home] == "" {
		t.Errorf("its home %q does not exist", home)
	}
	if settings["server.http_port"] != "3000" || g.container.Ports[0].ContainerPort != 3000 {
		t.Errorf("it listens on %s and says %v", settings["server.http_port"], g.container.Ports)
	}
	source := datasource(t, g)
	url := regexp.MustCompile(`^http://([^.]+)\.outrider-system\.svc:9090$`).FindStringSubmatch(source.URL)
	if url == nil || !slices.ContainsFunc(all[*corev1.Service](g.objects), func(s *corev1.Service) bool { return s.Name == url[1] }) {
		t.Errorf("its datasource is at %s, which is no Service of the release", source.URL)
	}
	if source.Type != "prometheus" || !source.IsDefault || source.JSONData["timeInterval"] != "30s" || source.BasicAuth {
		t.Errorf("datasource %+v", source)
	}
}

type provisionedSource struct {
	Name, UID, Type, Access, URL string
	IsDefault                    bool              `yaml:"isDefault"`
	Editable                     bool              `yaml:"editable"`
	BasicAuth                    bool              `yaml:"basicAuth"`
	BasicAuthUser                string            `yaml:"basicAuthUser"`
	SecureJSONData               map[string]string `yaml:"secureJsonData"`
	JSONData                     map[string]any    `yaml:"jsonData"`
}

func datasource(t *testing.T, g grafana) provisionedSource {
	t.Helper()
	var sources struct {
		APIVersion  int `yaml:"apiVersion"`
		Datasources []provisionedSource
	}
	decode(t, g.files["/etc/grafana/provisioning/datasources/outrider.yaml"], &sources)
	if len(sources.Datasources) != 1 || sources.APIVersion != 1 {
		t.Fatalf("datasources: %+v", sources)
	}
	return sources.Datasources[0]
}

// decode refuses keys that Grafana does not know.
func decode(t *testing.T, text string, into any) {
	t.Helper()
	decoder := yaml.NewDecoder(strings.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(into); err != nil {
		t.Fatalf("%v in:\n%s", err, text)
	}
}

// Without a user there is no administrator with Grafana's well-known password, and no way to log in as one.
func TestGrafanaHasNoDefaultPassword(t *testing.T) {
	for preset, want := range map[string]map[string]string{
		"air-gapped": {
			"auth.anonymous.enabled": "true", "auth.anonymous.org_role": "Viewer", "auth.disable_login_form": "true", "auth.basic.enabled": "false",
			"security.disable_initial_admin_creation": "true",
		},
		"managed-cluster": {
			"security.admin_user": "$__file{/etc/grafana-admin/admin-user}", "security.admin_password": "$__file{/etc/grafana-admin/admin-password}",
		},
	} {
		g := grafanaOf(t, presetValues(t, preset))
		settings := ini(t, g.files["/etc/grafana/grafana.ini"])
		maps.DeleteFunc(settings, func(key, _ string) bool {
			return !strings.HasPrefix(key, "auth.") && !strings.HasPrefix(key, "security.") || key == "security.disable_gravatar"
		})
		if diff := cmp.Diff(want, settings); diff != "" {
			t.Errorf("%s (-want +got):\n%s", preset, diff)
		}
		secrets := map[string]string{}
		for file, secret := range g.files {
			if file == "/etc/grafana-admin" || file == "/etc/prometheus-web" {
				secrets[file] = secret
			}
		}
		mounted := map[string]string{}
		if preset == "managed-cluster" {
			mounted = map[string]string{"/etc/grafana-admin": "grafana-admin", "/etc/prometheus-web": "prometheus-web"}
			if source := datasource(t, g); !source.BasicAuth || source.BasicAuthUser != "outrider" || source.SecureJSONData["basicAuthPassword"] != "$__file{/etc/prometheus-web/password}" {
				t.Errorf("datasource %+v does not log in", source)
			}
		}
		if diff := cmp.Diff(mounted, secrets); diff != "" {
			t.Errorf("%s: Secrets (-want +got):\n%s", preset, diff)
		}
	}
}

func TestGrafanaRefuses(t *testing.T) {
	for want, values := range map[string]string{
		"grafana.adminSecret is empty: set it to":                                               `{grafana: {enabled: true, access: login}}`,
		"grafana.prometheusURL is empty, and this release has no Prometheus":                    `{grafana: {enabled: true}, discovery: {mode: none}}`,
		"grafana.prometheusURL: the user in it would be readable":                               `{grafana: {enabled: true, prometheusURL: "http://u:p@thanos:9090"}}`,
		"no Prometheus that answers queries":                                                    `{grafana: {enabled: true}, prometheus: {mode: agent, remoteWrite: [{url: "http://a.example"}]}}`,
		"at '/grafana/access': value must be one of 'anonymous', 'login'":                       `{grafana: {enabled: true, access: admin}}`,
		"at '/dashboards/label'":                                                                `{dashboards: {label: "a b"}}`,
		"at '/grafana/adminPassword': value must be 'no key of this chart: write access: login": `{grafana: {adminPassword: x}}`,
		"at '/dashboards/labelValue': got boolean, want string":                                 `{dashboards: {labelValue: true}}`,
	} {
		var v map[string]any
		if err := yaml.Unmarshal([]byte(values), &v); err != nil {
			t.Fatal(err)
		}
		if _, err := install(t, v, latest); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", values, err, want)
		}
	}
}

// Grafana reads its configuration once, so a change of it has to be a restart, and nothing else has.
func TestGrafanaRestartsForItsConfiguration(t *testing.T) {
	sum := func(values string) string {
		var v map[string]any
		if err := yaml.Unmarshal([]byte(values), &v); err != nil {
			t.Fatal(err)
		}
		for _, s := range all[*appsv1.StatefulSet](objects(t, render(t, v, latest))) {
			if s.Labels["app.kubernetes.io/component"] == "grafana" {
				return s.Spec.Template.Annotations["checksum/config"]
			}
		}
		return ""
	}
	before := sum(`{grafana: {enabled: true}}`)
	if after := sum(`{grafana: {enabled: true, prometheusURL: "http://thanos:9090"}}`); before == "" || after == before {
		t.Errorf("another datasource leaves %q", after)
	}
	if after := sum(`{grafana: {enabled: true, podAnnotations: {a: b}}, controller: {replicas: 3}}`); after != before {
		t.Error("what is not its configuration restarts it")
	}
}

// Grafana does not start with two default data sources: another one takes the place of the chart's own.
func TestOneDefaultDataSource(t *testing.T) {
	for values, want := range map[string]int{
		`{grafana: {enabled: true, dataSources: [{name: Loki, type: loki, url: "http://l"}]}}`:                         1,
		`{grafana: {enabled: true, dataSources: [{name: Mimir, type: prometheus, url: "http://m", isDefault: true}]}}`: 1,
	} {
		var text string
		for _, c := range all[*corev1.ConfigMap](objects(t, render(t, parse(t, values), latest))) {
			text += c.Data["datasources.yaml"]
		}
		if got := strings.Count(text, "isDefault: true"); got != want {
			t.Errorf("%s: %d default data sources\n%s", values, got, text)
		}
	}
}
