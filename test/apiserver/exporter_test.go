package apiserver_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	jsonpatch "github.com/evanphx/json-patch/v5"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	ctrlclient "sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
	"github.com/outrider-dev/outrider/webhook/decider"
)

// exporters returns a client for Exporters, of the API server that injects.
func exporters(t *testing.T) ctrlclient.Client {
	t.Helper()
	injecting(t, client(t))
	return exportersOf(t, api.Config())
}

func exportersOf(t *testing.T, config *rest.Config) ctrlclient.Client {
	t.Helper()
	kinds := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(kinds); err != nil {
		t.Fatal(err)
	}
	c, err := ctrlclient.New(config, ctrlclient.Options{Scheme: kinds})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// varnish is testdata/varnish.yaml under a JSON merge patch, written as YAML.
func varnish(t *testing.T, patch string) *unstructured.Unstructured {
	t.Helper()
	raw, err := os.ReadFile("testdata/varnish.yaml")
	if err != nil {
		t.Fatal(err)
	}
	base, err := yaml.YAMLToJSON(raw)
	if err != nil {
		t.Fatal(err)
	}
	change, err := yaml.YAMLToJSON([]byte(patch))
	if err != nil {
		t.Fatal(err)
	}
	patched, err := jsonpatch.MergePatch(base, change)
	if err != nil {
		t.Fatal(err)
	}
	e := &unstructured.Unstructured{}
	decodeInto(t, patched, &e.Object)
	return e
}

// An exporter is added, changed, broken and taken away while pods are admitted.
func TestCustomExporter(t *testing.T) {
	c := exporters(t)
	k := client(t)
	ns := namespace(t, k, nil)
	inForce := func(exporter, image string) {
		t.Helper()
		eventually(t, func() string {
			if got := injectedImage(t, ns, exporter); got != image {
				return fmt.Sprintf("new pods get %s of image %q, want %q", exporter, got, image)
			}
			return ""
		})
	}
	first, second := varnish(t, `{}`), varnish(t, `{spec: {image: "docker.io/jonnenauha/prometheus_varnish_exporter:1.6.2"}}`)
	image := func(e *unstructured.Unstructured) string {
		s, _, _ := unstructured.NestedString(e.Object, "spec", "image")
		return s
	}

	inForce("varnish", "")
	create(t, c, first)
	inForce("varnish", image(first))
	told(t, c, "varnish", metav1.ConditionTrue, decider.InForce, "new pods get this definition")

	patch(t, c, "varnish", second.Object)
	inForce("varnish", image(second))

	broken := varnish(t, `{spec: {image: "docker.io/jonnenauha/prometheus_varnish_exporter:1.6.3", parameters: [{name: directory, default: /, pattern: "[", doc: Broken.}]}}`)
	patch(t, c, "varnish", broken.Object)
	told(t, c, "varnish", metav1.ConditionFalse, decider.Invalid, "spec.parameters[0].pattern:", "in force instead: the last good definition, generation 2")
	inForce("varnish", image(second))
	before := stored(t, c, "varnish").ResourceVersion

	builtin, _ := sidecars.Builtin().Spec("redis")
	redis := varnish(t, `{metadata: {name: redis}}`)
	create(t, c, redis)
	inForce("redis", image(redis))
	told(t, c, "redis", metav1.ConditionTrue, decider.InForce, "in place of the built-in one")
	remove(t, c, redis)
	inForce("redis", builtin.Image)

	if after := stored(t, c, "varnish").ResourceVersion; after != before {
		t.Errorf("resourceVersion %s became %s: a status that is right was written again", before, after)
	}
	remove(t, c, first)
	inForce("varnish", "")
}

// A definition that was bad from the start leaves the built-in one of its name alone.
func TestBadOverrideLeavesTheBuiltin(t *testing.T) {
	c := exporters(t)
	ns := namespace(t, client(t), nil)
	e := varnish(t, `{metadata: {name: redis}, spec: {args: ["-x=${nobody}"]}}`)
	create(t, c, e)
	told(t, c, "redis", metav1.ConditionFalse, decider.Invalid, "${nobody}", "in force instead: the built-in definition")
	want, _ := sidecars.Builtin().Spec("redis")
	if got := injectedImage(t, ns, "redis"); got != want.Image {
		t.Errorf("image %q, want %q", got, want.Image)
	}
}

// injectedImage is the image of the exporter that a new pod gets, or "".
func injectedImage(t *testing.T, namespace, exporter string) string {
	t.Helper()
	_, pod := dryRun(t, namespace, &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "app", Annotations: map[string]string{sidecars.InjectKey: exporter}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "example.org/app:1"}}},
	})
	for _, c := range pod.Spec.Containers {
		if c.Name == sidecars.ContainerPrefix+exporter {
			return c.Image
		}
	}
	return ""
}

// create stores an exporter until the test ends, and until the controller has
// forgotten it: the tests that follow count on the built-in catalog.
func create(t *testing.T, c ctrlclient.Client, e *unstructured.Unstructured) {
	t.Helper()
	if err := c.Create(t.Context(), e.DeepCopy(), strict); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { remove(t, c, e) })
}

func remove(t *testing.T, c ctrlclient.Client, e *unstructured.Unstructured) {
	t.Helper()
	ctx := context.Background() // the test's own has ended when cleanups run
	if err := c.Delete(ctx, e.DeepCopy()); ctrlclient.IgnoreNotFound(err) != nil {
		t.Fatal(err)
	}
	var left v1alpha1.ExporterList
	if err := c.List(ctx, &left); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() string { return shared.knows(t, len(left.Items)) })
}

// knows returns "" if the controller has that many custom exporters.
func (c *controller) knows(t *testing.T, want int) string {
	t.Helper()
	got := c.metric(t, `outrider_exporters{ready="true",source="custom"}`) + c.metric(t, `outrider_exporters{ready="false",source="custom"}`)
	if got != float64(want) {
		return fmt.Sprintf("the controller knows %v custom exporters, want %d", got, want)
	}
	return ""
}

func patch(t *testing.T, c ctrlclient.Client, name string, to map[string]any) {
	t.Helper()
	raw, err := json.Marshal(map[string]any{"spec": to["spec"]})
	if err != nil {
		t.Fatal(err)
	}
	e := &v1alpha1.Exporter{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if err := c.Patch(t.Context(), e, ctrlclient.RawPatch(types.MergePatchType, raw)); err != nil {
		t.Fatal(err)
	}
}

func stored(t *testing.T, c ctrlclient.Client, name string) *v1alpha1.Exporter {
	t.Helper()
	var e v1alpha1.Exporter
	if err := c.Get(t.Context(), ctrlclient.ObjectKey{Name: name}, &e); err != nil {
		t.Fatal(err)
	}
	return &e
}

// told waits until the Ready condition is about the latest generation and says so.
func told(t *testing.T, c ctrlclient.Client, name string, status metav1.ConditionStatus, reason string, messages ...string) {
	t.Helper()
	toldOf(t, c, name, decider.Ready, status, reason, messages...)
}

// toldOf does so with any condition.
func toldOf(t *testing.T, c ctrlclient.Client, name, condition string, status metav1.ConditionStatus, reason string, messages ...string) {
	t.Helper()
	eventually(t, func() string {
		e := stored(t, c, name)
		ready := meta.FindStatusCondition(e.Status.Conditions, condition)
		if ready == nil || e.Status.ObservedGeneration != e.Generation || ready.ObservedGeneration != e.Generation || ready.Status != status || ready.Reason != reason {
			return fmt.Sprintf("%s, generation %d, has status %+v", name, e.Generation, e.Status)
		}
		for _, m := range messages {
			if !strings.Contains(ready.Message, m) {
				return fmt.Sprintf("%s says %q, want %q in it", name, ready.Message, m)
			}
		}
		return ""
	})
}
