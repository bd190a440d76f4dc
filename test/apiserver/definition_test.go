package apiserver_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes"
	ctrlclient "sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
	"github.com/outrider-dev/outrider/test/endpoint"
	"github.com/outrider-dev/outrider/webhook/decider"
)

// Patches that make an Exporter of testdata/varnish.yaml which is good still.
var goodExporters = map[string]string{
	"unchanged":          `{}`,
	"digest":             `{spec: {image: "quay.io/x/y@sha256:` + sha + `"}}`,
	"tag and digest":     `{spec: {image: "localhost:5000/x/y:1.2@sha256:` + sha + `"}}`,
	"registry port":      `{spec: {image: "localhost:5000/y:1"}}`,
	"longest name":       `{metadata: {name: ` + strings.Repeat("a", 54) + `}}`,
	"native":             `{spec: {type: native, image: null, runAsUser: null, args: null, resources: null, path: /stats}}`,
	"two parameters":     `{spec: {parameters: [` + parameter("one") + `,` + parameter("two") + `], args: null}}`,
	"an account":         `{spec: {credentials: {user: VARNISH_USER, password: VARNISH_PASSWORD, accounts: [{user: VCL_USER, defaultUser: monitor, password: VCL_PASSWORD}]}}}`,
	"a volume":           `{spec: {volumes: [{name: ca, secret: authority, key: ca.crt}]}}`,
	"an obstacle":        `{spec: {obstacles: [{when: [{arg: -S, matches: "/.*"}], unless: [{parameter: account}], effect: warn, message: It asks for a key.}]}}`,
	"diagnosis":          `{spec: {diagnosis: {errorMetric: {name: varnish_error, label: err}, causes: [{pattern: refused, cause: closed, remedy: Open it.}]}}}`,
	"metrics of sidecar": `{spec: {path: /metrics}}`,
}

// Patches that make it bad, and what the API server says.
var badExporters = map[string]struct{ patch, want string }{
	"name auto":             {`{metadata: {name: auto}}`, "auto and false have a meaning of their own"},
	"name false":            {`{metadata: {name: "false"}}`, "auto and false have a meaning of their own"},
	"name with dots":        {`{metadata: {name: varnish.cache}}`, "lower case letters, digits and dashes, no dots"},
	"name too long":         {`{metadata: {name: ` + strings.Repeat("a", 55) + `}}`, "at most 54"},
	"no image":              {`{spec: {image: null}}`, "a sidecar needs an image"},
	"empty image":           {`{spec: {image: ""}}`, "spec.image"},
	"untagged":              {`{spec: {image: quay.io/x/y}}`, "the image must be pinned"},
	"untagged behind port":  {`{spec: {image: "localhost:5000/y"}}`, "the image must be pinned"},
	"latest":                {`{spec: {image: "quay.io/x/y:latest"}}`, "the image must be pinned"},
	"short digest":          {`{spec: {image: "quay.io/x/y@sha256:abc"}}`, "the image must be pinned"},
	"root":                  {`{spec: {runAsUser: 0}}`, "spec.runAsUser: Invalid value: 0"},
	"no user":               {`{spec: {runAsUser: null}}`, "a sidecar needs a runAsUser above zero"},
	"no resources":          {`{spec: {resources: null}}`, "a sidecar needs requests and limits of cpu and memory"},
	"no limits":             {`{spec: {resources: {limits: null}}}`, "a sidecar needs requests and limits of cpu and memory"},
	"no memory":             {`{spec: {resources: {requests: {memory: null}}}}`, "a sidecar needs requests and limits of cpu and memory"},
	"native with image":     {`{spec: {type: native, runAsUser: null, args: null, resources: null}}`, "a native entry has no container"},
	"native with env":       {`{spec: {type: native, image: null, runAsUser: null, args: null, resources: null, env: [{name: A, value: b}]}}`, "a native entry has no container"},
	"path of a sidecar":     {`{spec: {path: /stats}}`, "only a native entry has a path"},
	"relative path":         {`{spec: {type: native, image: null, runAsUser: null, args: null, resources: null, path: stats}}`, "spec.path"},
	"type":                  {`{spec: {type: operator}}`, `Unsupported value: "operator"`},
	"no port":               {`{spec: {port: null}}`, "spec.port: Required value"},
	"port zero":             {`{spec: {port: 0}}`, "spec.port"},
	"port too high":         {`{spec: {port: 65536}}`, "spec.port"},
	"no metric":             {`{spec: {upMetric: null}}`, "spec.upMetric: Required value"},
	"metric's name":         {`{spec: {upMetric: varnish-up}}`, "spec.upMetric"},
	"parameter container":   {`{spec: {args: null, parameters: [` + parameter("container") + `]}}`, "container, secret, profile and the names of resources have a meaning of their own"},
	"parameter secret":      {`{spec: {args: null, parameters: [` + parameter("secret") + `]}}`, "container, secret, profile and the names of resources have a meaning of their own"},
	"parameter twice":       {`{spec: {args: null, parameters: [` + parameter("a") + `,` + parameter("a") + `]}}`, "Duplicate value"},
	"parameter's name":      {`{spec: {args: null, parameters: [` + parameter("Port") + `]}}`, "spec.parameters[0].name"},
	"parameter undescribed": {`{spec: {args: null, parameters: [{name: a, default: a, pattern: a}]}}`, "spec.parameters[0].doc: Required value"},
	"variable twice":        {`{spec: {env: [{name: A, value: a}, {name: A, value: b}]}}`, "Duplicate value"},
	"variable's name":       {`{spec: {env: [{name: A=B, value: a}]}}`, "spec.env[0].name"},
	"account of nothing":    {`{spec: {credentials: {password: P, accounts: [{images: [varnish]}]}}}`, "an account needs password, passwordArgs or when"},
	"user without variable": {`{spec: {credentials: {password: P, accounts: [{user: U, password: P}]}}}`, "without the variable for a user no account has one"},
	"volume of two kinds":   {`{spec: {volumes: [{name: ca, secret: a, configMap: b}]}}`, "a volume is either a secret or a configMap"},
	"sign of two places":    {`{spec: {obstacles: [{when: [{arg: -S, env: S}], message: It asks for a key.}]}}`, "a sign is exactly one of"},
	"sign of nowhere":       {`{spec: {obstacles: [{when: [{matches: a}], message: It asks for a key.}]}}`, "a sign is exactly one of"},
	"image with registry":   {`{spec: {recognize: {images: [docker.io/library/varnish]}}}`, "spec.recognize.images[0]"},
	"cause without words":   {`{spec: {diagnosis: {causes: [{pattern: refused}]}}}`, "spec.diagnosis.causes[0].cause: Required value"},
	"error metric's name":   {`{spec: {diagnosis: {errorMetric: {name: a-b, label: err}}}}`, "spec.diagnosis.errorMetric.name"},
	"unknown field":         {`{spec: {securityContext: {}}}`, `unknown field "spec.securityContext"`},
}

const sha = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

func parameter(name string) string {
	return "{name: " + name + ", default: a, pattern: a, doc: Letter a.}"
}

func TestGoodExportersAreLetIn(t *testing.T) {
	c := exporters(t)
	for name, patch := range goodExporters {
		t.Run(name, func(t *testing.T) {
			if err := c.Create(t.Context(), varnish(t, patch), strict, ctrlclient.DryRunAll); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestBadExportersAreRefused(t *testing.T) {
	c := exporters(t)
	for name, tc := range badExporters {
		t.Run(name, func(t *testing.T) {
			err := c.Create(t.Context(), varnish(t, tc.patch), strict, ctrlclient.DryRunAll)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

// Strict validation refuses a field that the schema has not heard of.
var strict = ctrlclient.FieldValidation(metav1.FieldValidationStrict)

// What ships is what anybody may write: each built-in definition passes as a custom one.
func TestBuiltinExportersAreLetIn(t *testing.T) {
	c := exporters(t)
	builtin := sidecars.Builtin()
	for _, name := range builtin.Names() {
		spec, _ := builtin.Spec(name)
		e := &v1alpha1.Exporter{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: spec}
		if err := c.Create(t.Context(), e, strict, ctrlclient.DryRunAll); err != nil {
			t.Error(err)
		}
	}
}

func TestExportersAreListedWell(t *testing.T) {
	c := exporters(t)
	create(t, c, varnish(t, `{}`))
	told(t, c, "varnish", metav1.ConditionTrue, decider.InForce, "")
	k := client(t)
	raw, err := k.CoreV1().RESTClient().Get().AbsPath("/apis/outrider.dev/v1alpha1/exporters/varnish").
		SetHeader("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io").Do(t.Context()).Raw()
	if err != nil {
		t.Fatal(err)
	}
	var table metav1.Table
	decodeInto(t, raw, &table)
	var columns []string
	for _, c := range table.ColumnDefinitions {
		if c.Priority == 0 {
			columns = append(columns, c.Name)
		}
	}
	if diff := cmp.Diff([]string{"Name", "Type", "Image", "Port", "Ready", "Age"}, columns); diff != "" {
		t.Errorf("columns (-want +got):\n%s", diff)
	}
	want := []any{"varnish", "sidecar", "docker.io/jonnenauha/prometheus_varnish_exporter:1.6.1", float64(9131), "True"}
	if diff := cmp.Diff(want, slices.Clone(table.Rows[0].Cells[:len(want)])); diff != "" {
		t.Errorf("row (-want +got):\n%s", diff)
	}

	resources, err := k.Discovery().ServerResourcesForGroupVersion(v1alpha1.GroupVersion.String())
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(resources.APIResources, func(r metav1.APIResource) bool { return r.Name == "exporters" })
	if i < 0 || resources.APIResources[i].Namespaced || !slices.Equal(resources.APIResources[i].ShortNames, []string{"oexp"}) {
		t.Errorf("resources %v", resources.APIResources)
	}
}

// A replica starts without the CustomResourceDefinition, follows when it comes, and one that runs survives that it goes.
// Replicas look for it less and less often, so this has an API server, and replicas, of its own.
func TestDefinitionMayBeMissing(t *testing.T) {
	server, k := ownServer(t)
	address, kubeconfig := endpoint.FreeFor(t), "--kubeconfig="+server.Kubeconfig()
	installWebhook(t, k, address)
	first := launch(t, kubeconfig, "--webhook-bind-address="+address)
	t.Cleanup(first.stop)
	c := exportersOf(t, server.Config())
	add := func(patch string) {
		t.Helper()
		if err := c.Create(t.Context(), varnish(t, patch), strict); err != nil {
			t.Fatal(err)
		}
	}
	add(`{metadata: {name: gone}}`)
	eventually(t, func() string { return first.knows(t, 1) })
	raw := undefine(t, k)
	eventually(t, func() string { return first.knows(t, 0) })

	late := launch(t, kubeconfig, "--webhook-bind-address="+endpoint.FreeFor(t))
	t.Cleanup(late.stop)
	if n := strings.Count(late.said(t), "the CustomResourceDefinition is missing"); n != 1 {
		t.Errorf("said %d times that it is missing, want once:\n%s", n, late.said(t))
	}
	builtin := float64(len(sidecars.Builtin().Names()))
	if got := late.metric(t, `outrider_exporters{ready="true",source="builtin"}`); got != builtin {
		t.Errorf("%v built-in exporters, want %v", got, builtin)
	}

	define(t, k, raw)
	add(`{}`)
	for _, replica := range []*controller{late, first} {
		eventually(t, func() string { return replica.knows(t, 1) })
	}
	told(t, c, "varnish", metav1.ConditionTrue, decider.InForce)
	if _, status := endpoint.Get("http://" + first.health + "/readyz"); status != http.StatusOK {
		t.Errorf("the replica that saw it go has status %d", status)
	}
}

// undefine deletes the CustomResourceDefinition, waits until its kind is gone,
// and returns what to create it from.
func undefine(t *testing.T, c kubernetes.Interface) []byte {
	t.Helper()
	raw, err := c.CoreV1().RESTClient().Get().AbsPath(definitionPath).Do(t.Context()).Raw()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.CoreV1().RESTClient().Delete().AbsPath(definitionPath).Do(t.Context()).Error(); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() string {
		if err := c.CoreV1().RESTClient().Get().AbsPath(definitionPath).Do(t.Context()).Error(); !apierrors.IsNotFound(err) {
			return fmt.Sprintf("the CustomResourceDefinition is still there: %v", err)
		}
		return ""
	})
	var crd unstructured.Unstructured
	decodeInto(t, raw, &crd.Object)
	unstructured.RemoveNestedField(crd.Object, "status")
	crd.SetResourceVersion("")
	crd.SetUID("")
	again, err := crd.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return again
}
