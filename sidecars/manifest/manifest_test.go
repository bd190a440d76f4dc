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
	set, templates := open(t, source, o)
	if _, err := set.Inject(templates); err != nil {
		t.Fatal(err)
	}
	return write(t, set)
}

func open(t *testing.T, source string, o manifest.Options) (*manifest.Set, []*manifest.Template) {
	t.Helper()
	stream, err := manifest.Read("-", strings.NewReader(source))
	if err != nil {
		t.Fatal(err)
	}
	set, err := manifest.NewSet(o, stream)
	if err != nil {
		t.Fatal(err)
	}
	templates, err := set.Templates()
	if err != nil {
		t.Fatal(err)
	}
	return set, templates
}

func write(t *testing.T, set *manifest.Set) string {
	t.Helper()
	var out bytes.Buffer
	if err := set.Streams[0].Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestRemoveIsTheMirror holds that what was injected goes, byte for byte. The corpus goes both ways in test/cli.
func TestRemoveIsTheMirror(t *testing.T) {
	set, templates := open(t, inject(t, plain, manifest.Options{}), manifest.Options{})
	for _, template := range templates {
		if changed, err := template.Become(sidecars.Remove(template.Pod)); err != nil || !changed {
			t.Fatalf("changed %v, %v", changed, err)
		}
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
kind: Rollout
metadata:
  name: untouched
  annotations: {outrider.dev/inject: redis}
spec:
  template: {spec: {containers: [{name: redis, image: redis}]}}
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
	for name, tc := range map[string]struct{ source, want string }{
		"not YAML":       {"a: [", "read -"},
		"no template":    {"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\n", "Deployment a (-, document 1): there is no pod template at spec.template"},
		"a wrong type":   {"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: 7}\n", "Pod a (-, document 1): decode its pod: spec.containers is a number, want a list"},
		"a template's":   {"---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {template: {metadata: {annotations: {a: 5}}}}\n", "Deployment a (-, document 1): decode its pod: spec.template.metadata.annotations is a number, want a string"},
		"a quantity":     {"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: b}, {name: c, resources: {limits: {cpu: lots}}}]}\n", `spec.containers.1.resources.limits.cpu is "lots", want a quantity`},
		"no apiVersion":  {"kind: Pod\nmetadata: {name: a}\n", "Pod a (-, document 1): there is no apiVersion"},
		"metadata":       {"apiVersion: v1\nkind: Pod\nmetadata: [a]\n", "Pod without a name (-, document 1): metadata is a list, want a map"},
		"a list":         {"a: b\n---\n- a\n", "read -: document 2: it is a list, want an object"},
		"a text":         {"hello\n", "read -: document 1: it is a single value, want an object"},
		"no map":         {"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: [template]\n", "there is no pod template at spec.template"},
		"a bad Exporter": {"apiVersion: outrider.dev/v1alpha1\nkind: Exporter\nmetadata: {name: a}\nspec: {imagee: b}\n", "Exporter a (-, document 1): parse Exporter"},
	} {
		t.Run(name, func(t *testing.T) {
			err := tryInject(tc.source)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want %q in it", err, tc.want)
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
	stream, err := manifest.Read("-", strings.NewReader(source))
	if err != nil {
		return err
	}
	set, err := manifest.NewSet(manifest.Options{}, stream)
	if err != nil {
		return err
	}
	_, err = set.Templates()
	return err
}
