// Package corpus holds the project's cases and reads them: each <case>.yaml is
// a file that kubectl apply -f accepts, and <case>.injected.yaml beside it is
// the same file after injection. The runners in this folder, in test/apiserver
// and in test/e2e take every case; a new case is a new file and no Go.
package corpus

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	jsonpatch "github.com/evanphx/json-patch/v5"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/outrider-dev/outrider/sidecars"
)

//go:embed *.yaml
var files embed.FS

// InjectedSuffix ends the name of a golden.
const InjectedSuffix = ".injected.yaml"

// Case is one file of the corpus.
type Case struct {
	// Name of the file without its ending.
	Name string
	// YAML is the file.
	YAML []byte
	// Injected is the golden; nil where it is missing.
	Injected []byte
	// Objects are the file's documents, in their order.
	Objects []map[string]any
	// Up are the series that must be there, and be 1 where they end in _up, once
	// the case runs on a cluster: the words of a comment "# up: …".
	Up []string
	// Cluster says whether its images can run on the local cluster: false where
	// a comment says "# cluster: no".
	Cluster bool
	// Namespace is the Namespace object in the file, as far as decisions depend
	// on it.
	Namespace sidecars.Namespace
}

// Load reads all cases, sorted by name.
func Load() ([]Case, error) {
	names, err := fs.Glob(files, "*.yaml")
	if err != nil {
		return nil, err
	}
	var cases []Case
	for _, name := range names {
		if strings.HasSuffix(name, InjectedSuffix) {
			continue
		}
		c, err := load(strings.TrimSuffix(name, ".yaml"))
		if err != nil {
			return nil, fmt.Errorf("case %s: %w", name, err)
		}
		cases = append(cases, c)
	}
	return cases, nil
}

func load(name string) (Case, error) {
	raw, err := files.ReadFile(name + ".yaml")
	if err != nil {
		return Case{}, err
	}
	golden, err := files.ReadFile(name + InjectedSuffix)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Case{}, err
	}
	c, err := Read(name, raw)
	c.Injected = golden
	return c, err
}

// texts is a map of labels or annotations.
func texts(v any) map[string]string {
	all := map[string]string{}
	m, _ := v.(map[string]any)
	for k, v := range m {
		all[k] = fmt.Sprint(v)
	}
	return all
}

// Orphans are the goldens that no case belongs to.
func Orphans() ([]string, error) {
	goldens, err := fs.Glob(files, "*"+InjectedSuffix)
	if err != nil {
		return nil, err
	}
	var orphans []string
	for _, golden := range goldens {
		if _, err := fs.Stat(files, strings.TrimSuffix(golden, InjectedSuffix)+".yaml"); err != nil {
			orphans = append(orphans, golden)
		}
	}
	return orphans, nil
}

// Template is a pod, or a workload's pod template, in a case.
type Template struct {
	// Kind and Name of the object that holds it.
	Kind, Name string
	// Namespace of that object.
	Namespace string
	// Raw is the pod as JSON: the Pod object, or the template made one.
	Raw []byte
	// Pod is Raw, decoded, as the API server would hand it to a webhook.
	Pod *corev1.Pod

	fields map[string]any // the map in the case's object that holds the template
}

// Templates are the pods that the case's objects make, in the order of the file.
func (c Case) Templates() ([]Template, error) {
	var templates []Template
	for _, object := range c.Objects {
		t, err := template(object)
		if err != nil {
			return nil, fmt.Errorf("case %s: %w", c.Name, err)
		}
		if t != nil {
			templates = append(templates, *t)
		}
	}
	return templates, nil
}

// Golden are the pods of the case's golden, in the order of the file.
func (c Case) Golden() ([]Template, error) {
	objects, err := Decode(c.Injected)
	if err != nil {
		return nil, fmt.Errorf("golden of case %s: %w", c.Name, err)
	}
	return Case{Name: c.Name, Objects: objects}.Templates()
}

// templatePath is where a kind holds its pod template; a Pod is one itself.
func templatePath(object map[string]any) ([]string, bool) {
	version, _ := object["apiVersion"].(string)
	kind, _ := object["kind"].(string)
	if kind == "Pod" {
		return nil, true
	}
	w, ok := sidecars.WorkloadOf(schema.FromAPIVersionAndKind(version, kind))
	return w.Template, ok
}

func template(object map[string]any) (*Template, error) {
	kind, _ := object["kind"].(string)
	path, ok := templatePath(object)
	if !ok {
		return nil, nil
	}
	metadata, _ := object["metadata"].(map[string]any)
	t := Template{Kind: kind, fields: object}
	t.Name, _ = metadata["name"].(string)
	t.Namespace, _ = metadata["namespace"].(string)
	for _, key := range path {
		t.fields, _ = t.fields[key].(map[string]any)
	}
	if t.fields == nil {
		return nil, fmt.Errorf("%s %s has no pod template", kind, t.Name)
	}
	raw, err := json.Marshal(t.fields)
	if err != nil {
		return nil, err
	}
	t.Pod = &corev1.Pod{}
	if err := json.Unmarshal(raw, t.Pod); err != nil {
		return nil, fmt.Errorf("%s %s: %w", kind, t.Name, err)
	}
	t.complete()
	t.Raw, err = json.Marshal(t.Pod)
	return &t, err
}

// complete gives a template what the pods that are made from it have.
func (t *Template) complete() {
	t.Pod.APIVersion, t.Pod.Kind = "v1", "Pod"
	t.Pod.Namespace = t.Namespace
	if t.Kind == "Pod" {
		return
	}
	t.Pod.GenerateName = t.Name + "-"
	owner := t.Kind
	switch t.Kind {
	case "Deployment":
		owner = "ReplicaSet"
	case "CronJob":
		owner = "Job"
	}
	yes := true
	t.Pod.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: owner, Name: t.Name, UID: "corpus", Controller: &yes}}
}

// Render gives the case's file with each template patched: patches maps a
// template to the JSON patch (RFC 6902) for it.
func (c Case) Render(patches func(Template) ([]byte, error)) ([]byte, error) {
	objects, err := Decode(c.YAML) // a copy: patching must not change the case
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	for i, object := range objects {
		t, err := template(object)
		if err != nil {
			return nil, err
		}
		if t != nil {
			if err := t.patch(patches); err != nil {
				return nil, fmt.Errorf("%s %s: %w", t.Kind, t.Name, err)
			}
		}
		doc, err := sigsyaml.Marshal(object)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			out.WriteString("---\n")
		}
		out.Write(doc)
	}
	return out.Bytes(), nil
}

func (t Template) patch(patches func(Template) ([]byte, error)) error {
	ops, err := patches(t)
	if err != nil {
		return err
	}
	raw, err := json.Marshal(t.fields)
	if err != nil {
		return err
	}
	patched, err := ApplyPatch(raw, ops)
	if err != nil {
		return err
	}
	clear(t.fields)
	return json.Unmarshal(patched, &t.fields)
}

// ApplyPatch applies a JSON patch as the API server does; no operations leave
// the document as it is.
func ApplyPatch(raw, ops []byte) ([]byte, error) {
	if len(ops) == 0 || string(ops) == "null" {
		return raw, nil
	}
	patch, err := jsonpatch.DecodePatch(ops)
	if err != nil {
		return nil, fmt.Errorf("decode patch: %w", err)
	}
	return patch.Apply(raw)
}

// PlanPatch is the patch that the pure functions make for a template.
func (c Case) PlanPatch(t Template) ([]byte, error) {
	plan := sidecars.NewPlan(sidecars.Input{Pod: t.Pod, Namespace: c.Namespace}, sidecars.Builtin())
	return json.Marshal(plan.Patch())
}
