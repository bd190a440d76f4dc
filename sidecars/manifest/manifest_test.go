package manifest_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/sidecars/manifest"
)

// inject reads, injects and writes one stream.
func inject(t *testing.T, source string, o manifest.Options) string {
	t.Helper()
	set := open(t, source, o)
	if _, err := set.Inject(); err != nil {
		t.Fatal(err)
	}
	return write(t, set)
}

func open(t *testing.T, source string, o manifest.Options) *manifest.Set {
	t.Helper()
	set, err := tryOpen(source, o)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func tryOpen(source string, o manifest.Options) (*manifest.Set, error) {
	stream, err := manifest.Read("-", strings.NewReader(source))
	if err != nil {
		return nil, err
	}
	return manifest.NewSet(o, stream)
}

func write(t *testing.T, set *manifest.Set) string {
	t.Helper()
	var out bytes.Buffer
	if err := manifest.Write(&out, set.Streams...); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestRemoveIsTheMirror holds that what was injected goes, byte for byte. The corpus goes both ways in test/cli.
func TestRemoveIsTheMirror(t *testing.T) {
	set := open(t, inject(t, plain, manifest.Options{}), manifest.Options{})
	if changed, err := set.Remove(); err != nil || len(changed) != 1 {
		t.Fatalf("changed %v, %v", changed, err)
	}
	if diff := cmp.Diff(plain, write(t, set)); diff != "" {
		t.Errorf("(-before +after)\n%s", diff)
	}
}

const plain = `apiVersion: v1
kind: Pod
metadata:
  name: cache
  annotations:
    outrider.dev/inject: redis
spec:
  containers:
    - name: redis
      image: redis:7
`

const commented = `# the cache of the shop
apiVersion: apps/v1
kind: Deployment
metadata:
  name: cache # one per shop
  namespace: shop
spec:
  someday: a field that no type of ours knows
  selector:
    matchLabels: {app: cache}
  template:
    metadata:
      labels: {app: cache}
      annotations:
        # metrics, please
        outrider.dev/inject: redis
    spec:
      containers:
      - name: redis # the server
        image: "redis:7"
---
apiVersion: example.com/v1
kind: Fleet
metadata:
  name: untouched
spec:
  ships: {spec: {containers: [{name: redis, image: redis}]}}
`

func TestWhatIsNotOursStays(t *testing.T) {
	got := inject(t, commented, manifest.Options{})
	for line := range strings.Lines(commented) {
		if line = strings.TrimRight(line, "\n"); strings.Contains(line, "labels: {app: cache}") && !strings.Contains(line, "match") {
			continue // gets the monitored label
		}
		if !strings.Contains(got, line+"\n") {
			t.Errorf("line is gone: %q", line)
		}
	}
	if !strings.Contains(got, "name: outrider-redis") {
		t.Error("nothing was injected")
	}
	if t.Failed() {
		t.Log(got)
	}
}

func TestLinesEndAsTheyDid(t *testing.T) {
	windows := func(text string) string { return strings.ReplaceAll(text, "\n", "\r\n") }
	o := manifest.Options{}
	if got, want := inject(t, windows(commented), o), windows(inject(t, commented, o)); got != want {
		t.Errorf("with lines that end in CR LF it is\n%q\nwant\n%q", got, want)
	}
	const untouched = "a: 1\r\n---\r\n# nothing of ours\r\nb: [2]\r\n"
	if got := inject(t, untouched, o); got != untouched {
		t.Errorf("%q became %q", untouched, got)
	}
}

func TestListsAndResourceLists(t *testing.T) {
	for name, source := range map[string]string{
		"List":                 "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata: {name: a, annotations: {outrider.dev/inject: redis}}\n  spec: {containers: [{name: redis, image: 'redis:7'}]}\n",
		"PodList":              "apiVersion: v1\nkind: PodList\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata: {name: a, annotations: {outrider.dev/inject: redis}}\n  spec: {containers: [{name: redis, image: 'redis:7'}]}\n",
		"ResourceList":         "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nfunctionConfig: {kind: X}\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata: {name: a, annotations: {outrider.dev/inject: redis, config.kubernetes.io/index: '0'}}\n  spec: {containers: [{name: redis, image: 'redis:7'}]}\n",
		"JSON":                 `{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "annotations": {"outrider.dev/inject": "redis"}}, "spec": {"containers": [{"name": "redis", "image": "redis:7"}]}}`,
		"an anchor":            "apiVersion: v1\nkind: Pod\nmetadata: {name: a, annotations: {outrider.dev/inject: redis}}\nspec:\n  containers:\n  - &c {name: redis, image: 'redis:7'}\n  initContainers:\n  - <<: *c\n    name: other\n",
		"namespace by label":   "apiVersion: v1\nkind: Namespace\nmetadata: {name: n, labels: {outrider.dev/inject: enabled}}\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: n}\nspec: {containers: [{name: redis, image: 'redis:7'}]}\n",
		"an empty document":    "---\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: a, annotations: {outrider.dev/inject: redis}}\nspec: {containers: [{name: redis, image: 'redis:7'}]}\n---\n",
		"no template metadata": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a, namespace: n}\nspec: {template: {spec: {containers: [{name: redis, image: 'redis:7'}]}}}\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: n, labels: {outrider.dev/inject: enabled}}\n",
	} {
		t.Run(name, func(t *testing.T) {
			if got := inject(t, source, manifest.Options{}); !strings.Contains(got, "outrider-redis") {
				t.Errorf("nothing was injected:\n%s", got)
			}
		})
	}
}

func TestBadInputIsNamed(t *testing.T) {
	const asks = "annotations: {outrider.dev/inject: redis}"
	for name, tc := range map[string]struct{ source, want string }{
		"not YAML":            {"a: 1\n---\n\n" + asks + "\nb: [\n", "-:5: document 2: "},
		"a template's":        {"---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {template: {metadata: {annotations: {outrider.dev/inject: redis, a: 5}}, spec: {containers: []}}}\n", `-:5: Deployment default/a (document 1): spec.template.metadata.annotations.a is the number 5, want a string; quote it: "5"`},
		"a number of ours":    {"apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  annotations:\n    redis.outrider.dev/port: 6380\nspec: {containers: []}\n", `-:6: Pod default/a (document 1): metadata.annotations["redis.outrider.dev/port"] is the number 6380, want a string; quote it: "6380"`},
		"a word of YAML":      {"apiVersion: v1\nkind: Pod\nmetadata: {name: a, annotations: {outrider.dev/inject: off}}\nspec: {containers: []}\n", `["outrider.dev/inject"] is false, want a string; quote it: "off"`},
		"a wrong type":        {"apiVersion: v1\nkind: Pod\nmetadata: {name: a, " + asks + "}\nspec: {containers: 7}\n", "spec.containers is the number 7, want a list"},
		"a quantity":          {"apiVersion: v1\nkind: Pod\nmetadata: {name: a, " + asks + "}\nspec: {containers: [{name: b}, {name: c, resources: {limits: {cpu: lots}}}]}\n", `spec.containers[1].resources.limits.cpu is "lots", want a quantity`},
		"several fields":      {"apiVersion: v1\nkind: Pod\nmetadata: {name: a, " + asks + "}\nspec:\n  hostNetwork: maybe\n  containers: [{name: b, tty: 5}]\n", "spec.hostNetwork is \"maybe\", want true or false\n-:6: Pod default/a (document 1): spec.containers[0].tty is the number 5, want true or false"},
		"several documents":   {"apiVersion: v1\nkind: Pod\nmetadata: {name: a, " + asks + "}\nspec: {containers: 7}\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: b, " + asks + "}\nspec: {containers: 7}\n", "want a list\n-:9: Pod default/b (document 2)"},
		"no apiVersion":       {"kind: Pod\nmetadata: {name: a, " + asks + "}\n", "-:1: Pod a (document 1): there is no apiVersion"},
		"metadata":            {"apiVersion: v1\nkind: Pod\nmetadata: {name: a, " + asks + ", labels: [a]}\nspec: {containers: []}\n", "metadata.labels is a list, want a map"},
		"a template":          {"# outrider.dev/inject\n{{- if .Values.a }}\nkind: Pod\n{{- end }}\n", "it looks like a template of Helm that is not rendered; render it first"},
		"a bad Exporter":      {"apiVersion: outrider.dev/v1alpha1\nkind: Exporter\nmetadata: {name: a}\nspec: {imagee: b}\n", "-:4: Exporter a (document 1): spec.imagee is not a field that is known"},
		"an Exporter's types": {"apiVersion: outrider.dev/v1alpha1\nkind: Exporter\nmetadata: {name: a}\nspec:\n  port: high\n  args: 7\n", "-:5: Exporter a (document 1): spec.port is \"high\", want a whole number\n-:6: Exporter a (document 1): spec.args is the number 7, want a list"},
		"a future Exporter":   {"\napiVersion: outrider.dev/v1beta1\nkind: Exporter\nmetadata: {name: a}\n", "-:2: Exporter a (document 1): apiVersion outrider.dev/v1beta1 of Exporter is not known; write outrider.dev/v1alpha1"},
	} {
		t.Run(name, func(t *testing.T) {
			err := tryInject(tc.source)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v\nwant %q in it", err, tc.want)
			}
		})
	}
}

// TestOddMetadataPasses holds that objects which are not ours to judge pass, and
// end nothing.
func TestOddMetadataPasses(t *testing.T) {
	for _, source := range []string{
		"apiVersion: v1\nkind: Namespace\nmetadata: {labels: [a], annotations: 7}\n",
		"apiVersion: v1\nkind: ConfigMap\nmetadata: 5\n",
		"apiVersion: [a]\nkind: {a: b}\n",
		"apiVersion: v1\nkind: List\nmetadata: 6\nitems: [5, [a]]\n",
		"apiVersion: v1\nkind: List\nitems: {a: b}\n",
		"# only a comment\n---\n",
	} {
		if err := tryInject(source); err != nil {
			t.Errorf("%q: %v", source, err)
		}
	}
}

// TestMisplaced holds which keys have no effect on a workload itself.
func TestMisplaced(t *testing.T) {
	got := manifest.Misplaced(map[string]string{sidecars.InjectKey: "redis", "redis.outrider.dev/port": "1", sidecars.RepairKey: "false", "example.org/a": "b"})
	if diff := cmp.Diff([]string{sidecars.InjectKey, "redis.outrider.dev/port"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func tryInject(source string) error {
	_, err := tryOpen(source, manifest.Options{})
	return err
}
