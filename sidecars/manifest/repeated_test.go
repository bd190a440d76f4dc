package manifest_test

import (
	"strings"
	"testing"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/sidecars/manifest"
)

// What asks for something where nobody reads it is reported, with the line or the place, and the text stays as it is.
func TestHiddenRequestsAreReported(t *testing.T) {
	const containers = "spec:\n  containers: [{name: redis, image: redis:7}]\n"
	for name, c := range map[string]struct{ text, want string }{
		"annotation twice":      {"apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  annotations:\n    outrider.dev/inject: redis\n    outrider.dev/inject: \"false\"\n" + containers, "in line 6 has no effect"},
		"metadata twice":        {"apiVersion: v1\nkind: Pod\nmetadata: {annotations: {outrider.dev/inject: redis}}\nmetadata: {name: a}\n" + containers, "metadata is there again in line 4"},
		"JSON":                  {`{"apiVersion":"v1","kind":"Pod","metadata":{"annotations":{"outrider.dev/inject":"redis"},"annotations":{}},"spec":{"containers":[]}}`, "metadata.annotations is there again"},
		"beside the metadata":   {"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nannotations: {outrider.dev/inject: redis}\n" + containers, "no effect in annotations"},
		"in the spec":           {"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n" + containers + "  annotations: {redis.outrider.dev/port: '1'}\n", "no effect in spec.annotations"},
		"in a claim":            {"apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: a}\nspec:\n  template: {spec: {containers: [{name: redis, image: redis:7}]}}\n  volumeClaimTemplates: [{metadata: {annotations: {outrider.dev/inject: redis}}}]\n", "no effect in spec.volumeClaimTemplates[0].metadata.annotations"},
		"values of other kinds": {"apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: a}\nspec: {values: {podAnnotations: {outrider.dev/inject: redis}}}\n", ""},
		"merged":                {"apiVersion: v1\nkind: Pod\nmetadata: {name: a, annotations: {<<: {outrider.dev/inject: redis}}}\n" + containers, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := manifest.Read("x.yaml", strings.NewReader(c.text))
			if err != nil {
				t.Fatal(err)
			}
			var told []string
			for _, o := range s.Objects() {
				told = append(told, o.Mistakes()...)
			}
			if got := strings.Join(told, "\n"); c.want == "" && got != "" || !strings.Contains(got, c.want) {
				t.Errorf("said %q, want %q", got, c.want)
			}
			if got := string(s.Text()); got != c.text {
				t.Errorf("became %q", got)
			}
		})
	}
}

// The objects of a list are injected as those of documents are; a JSON patch is none.
func TestListsOfObjects(t *testing.T) {
	const pod = `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","annotations":{"outrider.dev/inject":"redis"}},"spec":{"containers":[{"name":"redis","image":"redis:7"}]}}`
	if got := inject(t, "["+pod+","+pod+"]", manifest.Options{}); strings.Count(got, sidecars.ContainerPrefix+"redis") != 2 {
		t.Errorf("not injected twice: %s", got)
	}
	const patch = "- op: add\n  path: /metadata/annotations/outrider.dev~1inject\n  value: redis\n"
	if got := inject(t, patch, manifest.Options{}); got != patch {
		t.Errorf("a JSON patch became %q", got)
	}
}
