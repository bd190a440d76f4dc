package charts_test

import (
	"encoding/json"
	"errors"
	"flag"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	certmanagerv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/release"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/runtime/serializer/yaml"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/outrider-dev/outrider/charts"
)

var update = flag.Bool("update", false, "rewrite the golden renders")

const (
	releaseName = "outrider"
	namespace   = "outrider-system"

	// latest is the Kubernetes that goldens are rendered for, oldest the first that the chart supports.
	latest = "v1.37.0"
	oldest = "v1.30.0"
)

// presets are the names of the values files in ci.
func presets(t *testing.T) []string {
	t.Helper()
	names := charts.Presets()
	if len(names) == 0 {
		t.Fatal("there are no presets")
	}
	return names
}

func presetValues(t *testing.T, preset string) map[string]any {
	t.Helper()
	raw, err := charts.Preset(preset)
	if err != nil {
		t.Fatal(err)
	}
	values, err := chartutil.ReadValues(raw)
	if err != nil {
		t.Fatal(err)
	}
	return values
}

// load hands the embedded files to Helm.
func load(t *testing.T) *chart.Chart {
	t.Helper()
	var files []*loader.BufferedFile
	err := fs.WalkDir(charts.Outrider(), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(charts.Outrider(), path)
		files = append(files, &loader.BufferedFile{Name: path, Data: data})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	c, err := loader.LoadFiles(files)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// bare is the chart as "helm upgrade --reuse-values" has it from a release whose chart had hardly any of the values: only the map
// whose keys users choose, with which Helm has merged theirs.
func bare(t *testing.T) *chart.Chart {
	t.Helper()
	c := load(t)
	c.Values = map[string]any{"alertmanager": map[string]any{"config": c.Values["alertmanager"].(map[string]any)["config"]}}
	return c
}

// install is what "helm template" does.
func install(t *testing.T, values map[string]any, kubernetes string) (*release.Release, error) {
	t.Helper()
	return installAs(t, releaseName, values, kubernetes)
}

// installAs is the same for a release of another name.
func installAs(t *testing.T, name string, values map[string]any, kubernetes string) (*release.Release, error) {
	t.Helper()
	return installChart(t, load(t), name, values, kubernetes)
}

func installChart(t *testing.T, c *chart.Chart, name string, values map[string]any, kubernetes string) (*release.Release, error) {
	t.Helper()
	version, err := chartutil.ParseKubeVersion(kubernetes)
	if err != nil {
		t.Fatal(err)
	}
	i := action.NewInstall(&action.Configuration{})
	i.ClientOnly, i.DryRun = true, true
	i.ReleaseName, i.Namespace, i.KubeVersion = name, namespace, version
	return i.Run(c, values)
}

// renders are releases by their values and the version of Kubernetes: most tests look at the same few.
var renders sync.Map

// render is the release of some values. Tests share it and change nothing in it.
func render(t *testing.T, values map[string]any, kubernetes string) *release.Release {
	t.Helper()
	key, err := json.Marshal([]any{values, kubernetes})
	if err != nil {
		t.Fatal(err)
	}
	if r, ok := renders.Load(string(key)); ok {
		return r.(*release.Release)
	}
	r, err := install(t, values, kubernetes)
	if err != nil {
		t.Fatal(err)
	}
	renders.Store(string(key), r)
	return r
}

// objects decodes a render with the API's own types. A field that they do not have fails the test. Kinds of other modules
// are decoded as they are: test/apiserver has the API server itself read those. Helm adds definitions to the scheme when it
// first talks to a cluster, and so sooner or later.
func objects(t *testing.T, r *release.Release) []runtime.Object {
	t.Helper()
	kinds := runtime.NewScheme()
	if err := errors.Join(scheme.AddToScheme(kinds), certmanagerv1.AddToScheme(kinds)); err != nil {
		t.Fatal(err)
	}
	known := serializer.NewCodecFactory(kinds, serializer.EnableStrict).UniversalDeserializer()
	unknown := yaml.NewDecodingSerializer(unstructured.UnstructuredJSONScheme)
	var objects []runtime.Object
	for document := range strings.SplitSeq(r.Manifest, "\n---\n") {
		data := []byte(strings.TrimPrefix(document, "---\n"))
		o, kind, err := unknown.Decode(data, nil, nil)
		if err == nil && kind.Kind != "CustomResourceDefinition" && kinds.Recognizes(*kind) {
			o, _, err = known.Decode(data, nil, nil)
		}
		if err != nil {
			t.Fatalf("%v in:\n%s", err, document)
		}
		objects = append(objects, o)
	}
	return objects
}

// all are the objects of one type.
func all[T runtime.Object](objects []runtime.Object) []T {
	var found []T
	for _, o := range objects {
		if o, ok := o.(T); ok {
			found = append(found, o)
		}
	}
	return found
}

// named is the object of its type and name.
func named[T interface {
	runtime.Object
	GetName() string
}](t *testing.T, objects []runtime.Object, name string) T {
	t.Helper()
	for _, o := range all[T](objects) {
		if o.GetName() == name {
			return o
		}
	}
	t.Fatalf("there is no %T %s", *new(T), name)
	panic("unreachable")
}

// one is the only object of its type.
func one[T runtime.Object](t *testing.T, objects []runtime.Object) T {
	t.Helper()
	found := all[T](objects)
	if len(found) != 1 {
		t.Fatalf("want one %T, got %d", *new(T), len(found))
	}
	return found[0]
}

// others are the objects of a kind that no type here is for.
func others(objects []runtime.Object, kind string) []*unstructured.Unstructured {
	return slices.DeleteFunc(all[*unstructured.Unstructured](objects), func(u *unstructured.Unstructured) bool { return u.GetKind() != kind })
}

// dashboard is one of Grafana's, in its ConfigMap.
var dashboard = regexp.MustCompile(`(?m)^    \{"uid":"([^"]+)".*$`)

// abridge leaves out what the dashboards say: test/dashboards has that, and it is the same in each preset.
func abridge(manifest string) string {
	return dashboard.ReplaceAllString(manifest, `    {"uid":"$1"}`)
}

func TestGolden(t *testing.T) {
	const repair = "go test ./charts -run TestGolden -update"
	stale := map[string]bool{}
	paths, err := filepath.Glob("testdata/*.golden.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		stale[path] = true
	}
	for _, preset := range presets(t) {
		t.Run(preset, func(t *testing.T) {
			path := filepath.Join("testdata", preset+".golden.yaml")
			delete(stale, path)
			got := abridge(render(t, presetValues(t, preset), latest).Manifest)
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("%s is out of date (-want +got):\n%s\nif the change is meant, repair it with: %s", path, diff, repair)
			}
		})
	}
	for path := range stale {
		if *update {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			continue
		}
		t.Errorf("%s belongs to no file in outrider/ci; repair it with: %s", path, repair)
	}
}

func TestRenderTwiceGivesTheSameBytes(t *testing.T) {
	for _, preset := range presets(t) {
		a := render(t, presetValues(t, preset), latest)
		b, err := install(t, presetValues(t, preset), latest)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(a.Manifest, b.Manifest); diff != "" {
			t.Errorf("%s:\n%s", preset, diff)
		}
		if diff := cmp.Diff(a.Info.Notes, b.Info.Notes); diff != "" {
			t.Errorf("%s: notes:\n%s", preset, diff)
		}
	}
}

// A render twice in one moment would not catch a date, and without a cluster a lookup finds nothing. There is one lookup, which
// finds something in a single upgrade: TestUpgradeFromThePreviousChart.
func TestTemplatesDependOnNothingElse(t *testing.T) {
	unstable := regexp.MustCompile(`\{\{(?:[^}]*[-\s(|])?(genCA|genSelfSigned\w*|genSignedCert\w*|genPrivateKey|rand\w+|uuidv4|now|lookup|getHostByName|env|expandenv|htpasswd|bcrypt)\b[^}]*\}\}`)
	for _, f := range load(t).Templates {
		data := f.Data
		if f.Name == "templates/webhook/_webhook.tpl" {
			data = regexp.MustCompile(`(?s)\{\{- define "outrider.webhook.caBundle" -\}\}.*?\n\n`).ReplaceAll(data, nil)
		}
		data = regexp.MustCompile(`"(?:[^"\\\n]|\\.)*"`).ReplaceAll(data, []byte(`""`)) // words in texts call nothing
		if found := unstable.Find(data); found != nil {
			t.Errorf("%s: %s renders differently each time or place", f.Name, found)
		}
	}
}

func TestOneObjectAFile(t *testing.T) {
	for _, preset := range presets(t) {
		sources := map[string]int{}
		for line := range strings.Lines(render(t, presetValues(t, preset), latest).Manifest) {
			if source, ok := strings.CutPrefix(line, "# Source: "); ok {
				sources[strings.TrimSpace(source)]++
			}
		}
		for _, source := range slices.Sorted(maps.Keys(sources)) {
			if source == "outrider/templates/dashboards/configmaps.yaml" {
				continue // one for each file of files/dashboards
			}
			if sources[source] != 1 {
				t.Errorf("%s: %s has %d objects, want one", preset, source, sources[source])
			}
		}
	}
}

func TestHelpersCarryTheChartsName(t *testing.T) {
	for _, f := range load(t).Templates {
		for line := range strings.Lines(string(f.Data)) {
			_, name, ok := strings.Cut(line, "define \"")
			if ok && !strings.HasPrefix(name, "outrider.") {
				t.Errorf("%s: %s", f.Name, line)
			}
		}
	}
}

func TestNotesAreShort(t *testing.T) {
	notes, err := fs.ReadFile(charts.Outrider(), "templates/NOTES.txt")
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(notes), "\n"); n >= 30 {
		t.Errorf("NOTES.txt has %d lines, want fewer than 30", n)
	}
	for _, preset := range presets(t) {
		notes := render(t, presetValues(t, preset), latest).Info.Notes
		if n := strings.Count(notes, "\n  kubectl "); n != 3 {
			t.Errorf("%s: %d commands to try, want 3:\n%s", preset, n, notes)
		}
	}
	jobs, err := fs.ReadFile(charts.Outrider(), "files/jobs.yaml")
	if err != nil {
		t.Fatal(err)
	}
	printed := render(t, presetValues(t, "webhook-only"), latest).Info.Notes
	_, printed, _ = strings.Cut(printed, "Add this to scrape_configs")
	if diff := cmp.Diff(string(jobs), strings.ReplaceAll(printed[strings.Index(printed, "#"):], "\n  ", "\n")); diff != "" {
		t.Errorf("discovery.mode none: the notes differ from the scrape jobs (-want +got):\n%s", diff)
	}
}
