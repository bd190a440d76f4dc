package charts_test

import (
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	amconfig "github.com/prometheus/alertmanager/config"
	"github.com/prometheus/prometheus/config"
	"helm.sh/helm/v3/pkg/chart"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation"
)

var valuesFile = flag.String("values", "", "file of values that TestValuesFile renders and loads")

// loaded are the configurations of Prometheus, one for each shard, and of Alertmanager, read by the programs' own loaders.
type loaded struct {
	objects      []runtime.Object
	prometheus   []*config.Config
	jobs         [][]*config.ScrapeConfig // of each configuration
	alertmanager *amconfig.Config         // nil without one
}

// job is the scrape job of a name in one configuration.
func (l loaded) job(t *testing.T, of int, name string) *config.ScrapeConfig {
	t.Helper()
	i := slices.IndexFunc(l.jobs[of], func(j *config.ScrapeConfig) bool { return j.JobName == name })
	if i < 0 {
		t.Fatalf("configuration %d has no job %s", of, name)
	}
	return l.jobs[of][i]
}

// args are the flags of a component's first container.
func (l loaded) args(t *testing.T, component string) []string {
	t.Helper()
	for _, w := range workloads(l.objects) {
		if w.component == component {
			return w.pod.Spec.Containers[0].Args
		}
	}
	t.Fatalf("there is no %s", component)
	return nil
}

// loads renders values for a release of the name, and reads what the programs would read. It fails where one of them would
// refuse its configuration, or the API server a name.
func loads(t *testing.T, release string, values map[string]any) loaded {
	t.Helper()
	return loadsChart(t, load(t), release, values)
}

func loadsChart(t *testing.T, c *chart.Chart, release string, values map[string]any) loaded {
	t.Helper()
	r, err := installChart(t, c, release, values, latest)
	if err != nil {
		t.Fatal(err)
	}
	l := loaded{objects: objects(t, r)}
	t.Setenv("POD_NAME", release+"-0")
	dir := t.TempDir()
	for _, c := range all[*corev1.ConfigMap](l.objects) {
		if name := c.Labels["app.kubernetes.io/component"]; name != "prometheus" {
			continue
		}
		for name, text := range c.Data {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	paths, err := filepath.Glob(filepath.Join(dir, "prometheus-*.yml"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "prometheus.yml")); err == nil && len(paths) == 0 {
		paths = []string{filepath.Join(dir, "prometheus.yml")}
	}
	for _, path := range paths {
		l.read(t, path)
	}
	for _, s := range all[*corev1.Secret](l.objects) {
		if text, ok := s.Data["alertmanager.yaml"]; ok {
			if l.alertmanager, err = amconfig.Load(string(text)); err != nil {
				t.Errorf("Alertmanager refuses its configuration: %v\n%s", err, text)
			}
		}
	}
	checkNames(t, l.objects)
	return l
}

func (l *loaded) read(t *testing.T, path string) {
	t.Helper()
	c, jobs := loadConfig(t, path)
	l.prometheus, l.jobs = append(l.prometheus, c), append(l.jobs, jobs)
}

// checkNames holds what the API server and the controllers behind it ask of names and labels: those of the objects, and
// those that they make of them.
func checkNames(t *testing.T, objects []runtime.Object) {
	t.Helper()
	for _, o := range objects {
		m := o.(metav1.Object)
		for key, value := range m.GetLabels() {
			if errs := append(validation.IsQualifiedName(key), validation.IsValidLabelValue(value)...); len(errs) > 0 {
				t.Errorf("%T %s: label %s=%s: %v", o, m.GetName(), key, value, errs)
			}
		}
		if s, ok := o.(*corev1.Service); ok {
			if errs := validation.IsDNS1035Label(s.Name); len(errs) > 0 {
				t.Errorf("Service %s: %v", s.Name, errs)
			}
		}
	}
	for _, s := range all[*appsv1.StatefulSet](objects) {
		// Its revision, which is its name and a hash of at most ten bytes, is a pod label.
		if revision := s.Name + "-" + strings.Repeat("0", 10); len(revision) > validation.LabelValueMaxLength {
			t.Errorf("%s: the pod label controller-revision-hash=%s has %d bytes", s.Name, revision, len(revision))
		}
	}
	for _, w := range workloads(objects) {
		for key, value := range w.pod.Labels {
			if errs := append(validation.IsQualifiedName(key), validation.IsValidLabelValue(value)...); len(errs) > 0 {
				t.Errorf("%s: pod label %s=%s: %v", w.component, key, value, errs)
			}
		}
		volumes := map[string]bool{}
		for _, v := range w.pod.Spec.Volumes {
			if errs := validation.IsDNS1123Label(v.Name); len(errs) > 0 || volumes[v.Name] {
				t.Errorf("%s: volume %s: %v, twice: %v", w.component, v.Name, errs, volumes[v.Name])
			}
			volumes[v.Name] = true
		}
		for _, c := range slices.Concat(w.pod.Spec.InitContainers, w.pod.Spec.Containers) {
			paths := map[string]bool{}
			for _, m := range c.VolumeMounts {
				if paths[m.MountPath] || !volumes[m.Name] && m.Name != "data" {
					t.Errorf("%s: mount of %s at %s: twice, or of no volume", w.component, m.Name, m.MountPath)
				}
				paths[m.MountPath] = true
			}
			checkFlags(t, w.component, c.Args)
		}
	}
}

// checkFlags holds that no flag stands twice but those that may.
func checkFlags(t *testing.T, component string, args []string) {
	t.Helper()
	seen := map[string]bool{}
	for _, a := range args {
		name, _, _ := strings.Cut(strings.TrimLeft(a, "-"), "=")
		name = strings.TrimPrefix(name, "no-")
		repeatable := []string{"cluster.peer", "comparing-owner", "enable-feature", "excluded-namespace", "file", "image-pull-secret", "label", "monitor-namespace", "monitor-secret", "query.replica-label", "rule-file"}
		if strings.HasPrefix(a, "-") && seen[name] && !slices.Contains(repeatable, name) {
			t.Errorf("%s: --%s stands twice in %v", component, name, args)
		}
		seen[name] = true
	}
}

// A file of one's own: go test ./charts -run TestValuesFile -values FILE.
func TestValuesFile(t *testing.T) {
	if *valuesFile == "" {
		t.Skip("no -values")
	}
	data, err := os.ReadFile(*valuesFile)
	if err != nil {
		t.Fatal(err)
	}
	l := loads(t, releaseName, parse(t, string(data)))
	for i, jobs := range l.jobs {
		names := map[string]bool{}
		for _, j := range jobs {
			names[j.JobName] = true
		}
		t.Logf("configuration %d: jobs %v", i, slices.Sorted(maps.Keys(names)))
	}
}
