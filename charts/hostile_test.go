package charts_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chartutil"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// Values as they might be written, whose second line says what becomes of them: Prometheus and Alertmanager load what is
// rendered, or a sentence refuses them. The first line says what they are for; a file may hold several.
func TestHostileValues(t *testing.T) {
	paths, err := filepath.Glob("testdata/values/*.yaml")
	if err != nil || len(paths) < 30 {
		t.Fatalf("%d files, %v", len(paths), err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for text := range strings.SplitSeq(string(data), "\n---\n") {
			lines := strings.SplitN(text, "\n", 3)
			t.Run(strings.TrimPrefix(lines[0], "# "), func(t *testing.T) {
				says, refused := strings.CutPrefix(lines[1], "# refused: ")
				if !refused && lines[1] != "# loads" {
					t.Fatalf("%s says neither", path)
				}
				values := parse(t, text)
				if !refused {
					loads(t, "o", values)
					return
				}
				if _, err := install(t, values, latest); err == nil || !strings.Contains(err.Error(), says) {
					t.Errorf("got %v, want %q", err, says)
				}
			})
		}
	}
}

// Of several kube-state-metrics each has the objects of its own number, and there is no Deployment beside them.
func TestKubeStateMetricsShards(t *testing.T) {
	rendered := objects(t, render(t, parse(t, `{kubeStateMetrics: {shards: 3}}`), latest))
	set := statefulSet(t, rendered, "kube-state-metrics")
	c := set.Spec.Template.Spec.Containers[0]
	if *set.Spec.Replicas != 3 || !slices.Contains(c.Args, "--shard=$(SHARD)") || !slices.Contains(c.Args, "--total-shards=3") || c.Env[0].ValueFrom.FieldRef.FieldPath != "metadata.labels['apps.kubernetes.io/pod-index']" {
		t.Errorf("%d pods with %q and %v", *set.Spec.Replicas, c.Args, c.Env)
	}
	for _, d := range all[*appsv1.Deployment](rendered) {
		if d.Labels["app.kubernetes.io/component"] == "kube-state-metrics" {
			t.Errorf("Deployment %s reports every object again", d.Name)
		}
	}
}

// Where the cluster has ServiceMonitors that nobody follows, the notes say how they are followed.
func TestNotesNameMonitors(t *testing.T) {
	for _, c := range []struct {
		values string
		kinds  chartutil.VersionSet
		named  bool
	}{
		{`{}`, chartutil.VersionSet{"monitoring.coreos.com/v1/ServiceMonitor"}, true},
		{`{scrape: {monitors: {enabled: true}}}`, chartutil.VersionSet{"monitoring.coreos.com/v1/ServiceMonitor"}, false},
		{`{}`, nil, false},
	} {
		version, err := chartutil.ParseKubeVersion(latest)
		if err != nil {
			t.Fatal(err)
		}
		i := action.NewInstall(&action.Configuration{})
		i.ClientOnly, i.DryRun = true, true
		i.ReleaseName, i.Namespace, i.KubeVersion, i.APIVersions = releaseName, namespace, version, c.kinds
		r, err := i.Run(load(t), parse(t, c.values))
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(r.Info.Notes, "scrape.monitors.enabled=true"); got != c.named {
			t.Errorf("%s with %v: named %v\n%s", c.values, c.kinds, got, r.Info.Notes)
		}
	}
}

// Dashboards of other charts are collected where that is asked for: by the controller, into a ConfigMap that Grafana mounts.
func TestOtherDashboards(t *testing.T) {
	l := loads(t, releaseName, parse(t, `{grafana: {enabled: true, otherDashboards: true}, dashboards: {label: team_dashboard, labelValue: "yes"}}`))
	args := l.args(t, "controller")
	for _, want := range []string{"--dashboard-configmap=outrider-grafana-dashboards", "--dashboard-selector=team_dashboard=yes,app.kubernetes.io/part-of!=outrider"} {
		if !slices.Contains(args, want) {
			t.Errorf("the controller lacks %s: %q", want, args)
		}
	}
	volumes := statefulSet(t, l.objects, "grafana").Spec.Template.Spec.Volumes
	i := slices.IndexFunc(volumes, func(v corev1.Volume) bool { return v.Name == "own-dashboards" })
	if i < 0 || volumes[i].Projected.Sources[0].ConfigMap.Name != named[*corev1.ConfigMap](t, l.objects, "outrider-grafana-dashboards").Name {
		t.Errorf("Grafana mounts %v", volumes)
	}
	if args := loads(t, releaseName, parse(t, `{grafana: {enabled: true}}`)).args(t, "controller"); strings.Contains(strings.Join(args, " "), "--dashboard") {
		t.Errorf("dashboards are collected though nobody asked for them: %q", args)
	}
}
