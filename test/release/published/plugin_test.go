package published_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// testPostRenderer renders a chart with an annotated pod template through outrider inject: the command line's page has one
// line for Helm 3, which runs the program, and Helm 4, which runs the plugin of that name.
func (p *published) testPostRenderer(t *testing.T, helm string) {
	dir := t.TempDir()
	unpack(t, p.archive(), dir, "outrider", helm+"/plugin.yaml")
	h := installer{append(p.Env(), "PATH="+dir+":"+os.Getenv("PATH"), "HELM_DATA_HOME="+filepath.Join(dir, "data"))}
	chart := filepath.Join(dir, "shop")
	for name, text := range map[string]string{
		"Chart.yaml":           "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
		"templates/cache.yaml": "apiVersion: v1\nkind: Pod\nmetadata:\n  name: cache\n  annotations:\n    outrider.dev/inject: redis\nspec:\n  containers:\n    - name: redis\n      image: redis:7\n",
		"templates/other.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: other\ndata:\n  a: b\n",
	} {
		path := filepath.Join(chart, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	binary := p.bin[helm]
	h.run(t, binary+" plugin install "+filepath.Join(dir, helm))
	if said := h.run(t, binary+" plugin list"); !strings.Contains(said, "outrider") {
		t.Errorf("helm plugin list says\n%s", said)
	}
	rendered := h.run(t, binary+" template shop "+chart+" --post-renderer outrider --post-renderer-args inject")
	for _, word := range []string{"name: outrider-redis", "outrider.dev/monitored: \"true\"", "kind: ConfigMap"} {
		if !strings.Contains(rendered, word) {
			t.Errorf("the rendered chart lacks %q:\n%s", word, rendered)
		}
	}
	if helm == "helm-3" { // there it is a command too
		if said := h.run(t, binary+" outrider version"); !strings.HasPrefix(said, "outrider ") {
			t.Errorf("helm outrider version says %q", said)
		}
	}
}
