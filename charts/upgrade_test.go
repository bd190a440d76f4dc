package charts_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/yaml"
)

// cluster holds webhook configurations for lookups.
type cluster struct{ dynamic.Interface }

func (c cluster) GetClientFor(string, string) (dynamic.NamespaceableResourceInterface, bool, error) {
	return c.Resource(admissionv1.SchemeGroupVersion.WithResource("mutatingwebhookconfigurations")), false, nil
}

// The upgrade that renames the configuration repeats the caBundle of the old one, and those that follow repeat the live one,
// because Helm takes away what only its last manifest had; no other render has a caBundle.
func TestRenameKeepsTrust(t *testing.T) {
	of := func(name, bundle string) runtime.Object {
		return &admissionv1.MutatingWebhookConfiguration{
			TypeMeta:   metav1.TypeMeta{APIVersion: "admissionregistration.k8s.io/v1", Kind: "MutatingWebhookConfiguration"},
			ObjectMeta: metav1.ObjectMeta{Name: name},
			Webhooks:   []admissionv1.MutatingWebhook{{Name: "a.b.c", ClientConfig: admissionv1.WebhookClientConfig{CABundle: []byte(bundle)}}},
		}
	}
	repeated := of("00-outrider", "live").(*admissionv1.MutatingWebhookConfiguration)
	repeated.Annotations = map[string]string{"outrider.dev/ca-bundle": "repeated"}
	for name, c := range map[string]struct {
		live []runtime.Object
		want string
	}{
		"installation":     {nil, ""},
		"rename":           {[]runtime.Object{of("outrider", "old")}, "old"},
		"not yet trusted":  {[]runtime.Object{of("outrider", "")}, ""},
		"later upgrade":    {[]runtime.Object{of("00-outrider", "new")}, ""},
		"after a rename":   {[]runtime.Object{repeated}, "live"},
		"both, half done":  {[]runtime.Object{of("outrider", "old"), of("00-outrider", "new")}, ""},
		"another's config": {[]runtime.Object{of("istio-sidecar-injector", "other")}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			chart := load(t)
			values, err := chartutil.ToRenderValues(chart, nil, chartutil.ReleaseOptions{Name: releaseName, Namespace: namespace, IsUpgrade: true}, nil)
			if err != nil {
				t.Fatal(err)
			}
			files, err := engine.RenderWithClientProvider(chart, values, cluster{dynamicfake.NewSimpleDynamicClient(scheme.Scheme, c.live...)})
			if err != nil {
				t.Fatal(err)
			}
			var got admissionv1.MutatingWebhookConfiguration
			if err := yaml.UnmarshalStrict([]byte(files["outrider/templates/webhook/mutatingwebhookconfiguration.yaml"]), &got); err != nil {
				t.Fatal(err)
			}
			if said := got.Annotations["outrider.dev/ca-bundle"]; (said == "repeated") != (c.want != "") {
				t.Errorf("the annotation is %q", said)
			}
			for _, w := range got.Webhooks {
				if bundle := string(w.ClientConfig.CABundle); w.Rules[0].Resources[0] == "pods" && bundle != c.want {
					t.Errorf("%s: caBundle %q, want %q", w.Name, bundle, c.want)
				}
			}
		})
	}
}

// "helm upgrade --reuse-values" takes the defaults from the release's older chart, which lacks the keys of this one.
func TestReusedValues(t *testing.T) {
	for _, preset := range presets(t) {
		r, err := installChart(t, bare(t), releaseName, presetValues(t, preset), latest)
		if err != nil {
			t.Errorf("%s: %v", preset, err)
			continue
		}
		want := render(t, presetValues(t, preset), latest)
		if diff := cmp.Diff(want.Manifest, r.Manifest); diff != "" {
			t.Errorf("%s (-with defaults +without):\n%s", preset, diff)
		}
		if diff := cmp.Diff(want.Info.Notes, r.Info.Notes); diff != "" {
			t.Errorf("%s, notes (-with defaults +without):\n%s", preset, diff)
		}
	}
}

// null takes a default out of the values; it means the default.
func TestNullIsTheDefault(t *testing.T) {
	want := render(t, nil, latest).Manifest
	for _, values := range []string{
		"{prometheus: null, scrape: null, rules: null, alertmanager: {config: null, service: {type: null}}}",
		"{controller: {podLabels: null, tolerations: null, image: {tag: null}}, common: {probes: null, extraEnv: null}}",
	} {
		r, err := install(t, parse(t, values), latest)
		if err != nil {
			t.Errorf("%s: %v", values, err)
			continue
		}
		if diff := cmp.Diff(want, r.Manifest); diff != "" {
			t.Errorf("%s (-without +with):\n%s", values, diff)
		}
	}
}
