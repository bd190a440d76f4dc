package decider

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
)

// exporter is a good definition that recognizes an image of its own name.
func exporter(name string, generation int64, image string) v1alpha1.Exporter {
	r := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("10m"), corev1.ResourceMemory: resource.MustParse("32Mi")}
	return v1alpha1.Exporter{
		ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID(name), Generation: generation},
		Spec: v1alpha1.ExporterSpec{
			Image: image, Port: 9131, UpMetric: "up", RunAsUser: 65534,
			Recognize: v1alpha1.Recognition{Images: []string{name}},
			Resources: corev1.ResourceRequirements{Requests: r, Limits: r},
		},
	}
}

// broken is a definition that the API server lets in.
func broken(name string, generation int64) v1alpha1.Exporter {
	e := exporter(name, generation, "never:1")
	e.Spec.Args = []string{"--port=${port}"}
	e.Spec.Parameters = []v1alpha1.Parameter{{Name: "port", Default: "1", Pattern: "[", Doc: "Port."}}
	return e
}

func recreated(e v1alpha1.Exporter) v1alpha1.Exporter {
	e.UID += "-2"
	return e
}

// accepted has the status say which definition was accepted last.
func accepted(e, last v1alpha1.Exporter) v1alpha1.Exporter {
	raw, err := json.Marshal(last.Spec)
	if err != nil {
		panic(err)
	}
	e.Status.LastGood = &v1alpha1.AcceptedDefinition{Generation: last.Generation, Spec: runtime.RawExtension{Raw: raw}}
	return e
}

func claiming(image string, e v1alpha1.Exporter) v1alpha1.Exporter {
	e.Spec.Recognize.Images = append(e.Spec.Recognize.Images, image)
	return e
}

const (
	good    = "True: new pods get this definition"
	instead = "False: spec.parameters[0].pattern: error parsing regexp: missing closing ]: `[)$`; in force instead: "
)

// mergeCases take catalogs through changes and say what the last one is.
var mergeCases = map[string]struct {
	steps      [][]v1alpha1.Exporter
	images     map[string]string // by exporter
	conditions map[string]string
}{
	"none": {images: map[string]string{"redis": "builtin:1"}},
	"added": {
		steps:      [][]v1alpha1.Exporter{{exporter("varnish", 1, "v:1")}},
		images:     map[string]string{"redis": "builtin:1", "varnish": "v:1"},
		conditions: map[string]string{"varnish": good},
	},
	"replaced": {
		steps:      [][]v1alpha1.Exporter{{exporter("redis", 1, "custom:1")}},
		images:     map[string]string{"redis": "custom:1"},
		conditions: map[string]string{"redis": good + ", in place of the built-in one"},
	},
	"deleted": {
		steps:  [][]v1alpha1.Exporter{{exporter("redis", 1, "custom:1"), exporter("varnish", 1, "v:1")}, {}},
		images: map[string]string{"redis": "builtin:1"},
	},
	"changed": {
		steps:      [][]v1alpha1.Exporter{{exporter("varnish", 1, "v:1")}, {exporter("varnish", 2, "v:2")}},
		images:     map[string]string{"redis": "builtin:1", "varnish": "v:2"},
		conditions: map[string]string{"varnish": good},
	},
	"bad change, twice": {
		steps:      [][]v1alpha1.Exporter{{exporter("varnish", 1, "v:1")}, {broken("varnish", 2)}, {broken("varnish", 3)}},
		images:     map[string]string{"redis": "builtin:1", "varnish": "v:1"},
		conditions: map[string]string{"varnish": instead + "the last good definition, generation 1"},
	},
	"bad change, put right": {
		steps:      [][]v1alpha1.Exporter{{exporter("varnish", 1, "v:1")}, {broken("varnish", 2)}, {exporter("varnish", 3, "v:3")}},
		images:     map[string]string{"redis": "builtin:1", "varnish": "v:3"},
		conditions: map[string]string{"varnish": good},
	},
	"bad change of one that replaces": {
		steps:      [][]v1alpha1.Exporter{{exporter("redis", 1, "custom:1")}, {broken("redis", 2)}},
		images:     map[string]string{"redis": "custom:1"},
		conditions: map[string]string{"redis": instead + "the last good definition, generation 1"},
	},
	"bad from the start": {
		steps:      [][]v1alpha1.Exporter{{broken("varnish", 1), broken("redis", 1)}},
		images:     map[string]string{"redis": "builtin:1"},
		conditions: map[string]string{"varnish": instead + "nothing", "redis": instead + "the built-in definition"},
	},
	"bad when it is first seen, good before": {
		steps:      [][]v1alpha1.Exporter{{accepted(broken("varnish", 3), exporter("varnish", 2, "v:2")), accepted(broken("redis", 2), broken("redis", 1))}},
		images:     map[string]string{"redis": "builtin:1", "varnish": "v:2"},
		conditions: map[string]string{"varnish": instead + "the last good definition, generation 2", "redis": instead + "the built-in definition"},
	},
	"bad after it was deleted and created": {
		steps:      [][]v1alpha1.Exporter{{exporter("varnish", 1, "v:1")}, {recreated(broken("varnish", 1))}},
		images:     map[string]string{"redis": "builtin:1"},
		conditions: map[string]string{"varnish": instead + "nothing"},
	},
	"a bad one among good ones": {
		steps:      [][]v1alpha1.Exporter{{exporter("a", 1, "a:1"), broken("b", 1), exporter("c", 1, "c:1")}},
		images:     map[string]string{"redis": "builtin:1", "a": "a:1", "c": "c:1"},
		conditions: map[string]string{"a": good, "b": instead + "nothing", "c": good},
	},
	"two claim an image": {
		steps:      [][]v1alpha1.Exporter{{claiming("shared", exporter("b", 1, "b:1")), claiming("shared", exporter("a", 1, "a:1"))}},
		images:     map[string]string{"redis": "builtin:1", "a": "a:1", "b": "b:1"},
		conditions: map[string]string{"a": good, "b": good + "; image shared is recognized as a, which comes first by name"},
	},
}

func TestMerge(t *testing.T) {
	builtin, err := sidecars.Catalog{}.With(exporter("redis", 0, "builtin:1"))
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range mergeCases {
		t.Run(name, func(t *testing.T) {
			now := merged{catalog: builtin}
			for _, exporters := range tc.steps {
				now = merge(builtin, now, exporters)
				if !now.of(exporters) {
					t.Error("the merged catalog does not know what it was made of")
				}
			}
			images, conditions := map[string]string{}, map[string]string{}
			for _, name := range now.catalog.Names() {
				spec, _ := now.catalog.Spec(name)
				images[name] = spec.Image
			}
			for name, c := range now.customs {
				condition := now.condition(builtin, c)
				conditions[name] = string(condition.Status) + ": " + condition.Message
			}
			if tc.conditions == nil {
				tc.conditions = map[string]string{}
			}
			if diff := cmp.Diff(tc.images, images); diff != "" {
				t.Errorf("images in force (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.conditions, conditions); diff != "" {
				t.Errorf("conditions (-want +got):\n%s", diff)
			}
		})
	}
}

// A catalog is made again only for other definitions, not when a status is written.
func TestSameDefinitions(t *testing.T) {
	a, b := exporter("a", 1, "a:1"), exporter("b", 1, "b:1")
	now := merge(sidecars.Catalog{}, merged{}, []v1alpha1.Exporter{a, b})
	a.ResourceVersion = "2"
	for name, tc := range map[string]struct {
		exporters []v1alpha1.Exporter
		want      bool
	}{
		"other order and status": {[]v1alpha1.Exporter{b, a}, true},
		"one less":               {[]v1alpha1.Exporter{a}, false},
		"one more":               {[]v1alpha1.Exporter{a, b, exporter("c", 1, "c:1")}, false},
		"other generation":       {[]v1alpha1.Exporter{exporter("a", 2, "a:1"), b}, false},
		"other object":           {[]v1alpha1.Exporter{recreated(a), b}, false},
	} {
		if got := now.of(tc.exporters); got != tc.want {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}

func TestExportersMetric(t *testing.T) {
	builtin, err := sidecars.Catalog{}.With(exporter("redis", 0, "builtin:1"), exporter("nginx", 0, "builtin:1"))
	if err != nil {
		t.Fatal(err)
	}
	registry := prometheus.NewRegistry()
	x := NewExporters(builtin, registry)
	check := func(series ...string) {
		t.Helper()
		want := "# HELP outrider_exporters " + exportersHelp + "\n# TYPE outrider_exporters gauge\n" + strings.Join(series, "\n") + "\n"
		if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "outrider_exporters"); err != nil {
			t.Error(err)
		}
	}
	check(`outrider_exporters{ready="true",source="builtin"} 2`, `outrider_exporters{ready="true",source="custom"} 0`, `outrider_exporters{ready="false",source="custom"} 0`)
	x.gauge(merge(builtin, merged{}, []v1alpha1.Exporter{exporter("redis", 1, "r:1"), broken("nginx", 1), exporter("varnish", 1, "v:1")}))
	check(`outrider_exporters{ready="true",source="builtin"} 1`, `outrider_exporters{ready="true",source="custom"} 2`, `outrider_exporters{ready="false",source="custom"} 1`)
}
