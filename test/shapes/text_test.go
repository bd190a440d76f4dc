package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
	"sigs.k8s.io/yaml/kyaml"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/sidecars/manifest"
	"github.com/outrider-dev/outrider/test/shapes/rows"
)

// TestText holds for the command line that what it injects into a row's text goes, byte for byte, in block style and
// in another one, which are taken in turns.
func TestText(t *testing.T) {
	all, err := rows.Load()
	if err != nil {
		t.Fatal(err)
	}
	injected := 0
	for i, row := range all {
		texts := texts(t, row.Pod)
		for _, style := range []string{"YAML", styles[i%len(styles)]} {
			text := texts[style]
			o := manifest.Options{}
			if row.OptedIn {
				o.NamespaceLabels = map[string]string{sidecars.InjectKey: sidecars.InjectEnabled}
			}
			set := open(t, text, o)
			if _, err := set.Inject(); err != nil {
				t.Errorf("%s/%s as %s: %v", row.Family, row.Name, style, err)
				continue
			}
			after := string(set.Streams[0].Text())
			if after != text {
				injected++
			}
			set = open(t, after, o)
			if _, err := set.Remove(); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(text, string(set.Streams[0].Text())); diff != "" {
				t.Errorf("%s/%s as %s does not come back (-before +after)\n%s", row.Family, row.Name, style, diff)
			}
		}
	}
	t.Logf("%d texts were injected and came back", injected)
}

var styles = []string{"JSON", "indented JSON", "KYAML", "CRLF", "no newline", "a Deployment"}

// texts are a pod as people write it, in each style.
func texts(t *testing.T, pod *corev1.Pod) map[string]string {
	t.Helper()
	must := func(raw []byte, err error) []byte {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	var indented bytes.Buffer
	compact := must(json.Marshal(pod))
	if err := json.Indent(&indented, compact, "", "\t"); err != nil {
		t.Fatal(err)
	}
	block := string(must(yaml.Marshal(pod)))
	return map[string]string{
		"JSON":          string(compact),
		"indented JSON": indented.String(),
		"YAML":          block,
		"KYAML":         string(must((&kyaml.Encoder{}).Marshal(pod))),
		"CRLF":          strings.ReplaceAll(block, "\n", "\r\n"),
		"no newline":    strings.TrimSuffix(block, "\n"),
		"a Deployment":  deployment(block, pod),
	}
}

// deployment is a Deployment with a comment at each line and the pod as its template.
func deployment(block string, pod *corev1.Pod) string {
	_, spec, _ := strings.Cut(block, "\nspec:\n")
	spec, _, _ = strings.Cut(spec, "\nstatus:")
	text := "# of a chart\napiVersion: apps/v1\nkind: Deployment\nmetadata: # its own\n    name: d\nspec: # of the set\n    template:\n"
	if inject := pod.Annotations[sidecars.InjectKey]; inject != "" {
		text += "        metadata: {annotations: {outrider.dev/inject: '" + inject + "'}} # asks\n"
	}
	return text + "        spec: # of the pods\n          " + strings.ReplaceAll(strings.TrimSuffix(spec, "\n"), "\n", "\n          ") + "\n        # behind it\n---\n# the end\n"
}

func open(t *testing.T, text string, o manifest.Options) *manifest.Set {
	t.Helper()
	stream, err := manifest.Read("-", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	set, err := manifest.NewSet(o, stream)
	if err != nil {
		t.Fatal(err)
	}
	return set
}
