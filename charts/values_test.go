package charts_test

import (
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"

	"github.com/outrider-dev/outrider/charts"
)

// componentKeys are the keys with which every component begins, in their order. What only some components have stands before
// them (enabled, replicas), a component's own keys after. All have the keys of the block common.
var componentKeys = []string{"image", "extraArgs", "resources"}

func TestSchemaRefuses(t *testing.T) {
	cases := []struct{ name, values, want string }{
		{"unknown key", `{replicas: 3}`, "additional properties 'replicas' not allowed"},
		{"misspelled key in a component", `{controller: {podLabel: {a: b}}}`, "additional properties 'podLabel' not allowed"},
		{"unknown key of an image", `{prometheus: {image: {name: prometheus}}}`, "additional properties 'name' not allowed"},
		{"discovery", `{discovery: {mode: agent}}`, "at '/discovery/mode': value must be one of 'bundled', 'operator', 'none'"},
		{"label of a remote store", `{prometheus: {replicaLabel: "a-b"}}`, "at '/prometheus/replicaLabel'"},
		{"nowhere to write to", `{prometheus: {remoteWrite: [{name: x}]}}`, "at '/prometheus/remoteWrite/0': missing property 'url'"},
		{"gateway", `{prometheus: {route: {gateways: [internal]}}}`, "at '/prometheus/route/gateways/0': got string, want object"},
		{"Service", `{alertmanager: {service: {type: ExternalName}}}`, "at '/alertmanager/service/type'"},
		{"host with a scheme", `{prometheus: {ingress: {host: "https://a.example"}}}`, "at '/prometheus/ingress/host'"},
		{"request", `{controller: {resources: {request: {cpu: 1}}}}`, "additional properties 'request' not allowed"},
		{"failure policy", `{webhook: {failurePolicy: ignore}}`, "at '/webhook/failurePolicy': value must be one of 'Ignore', 'Fail'"},
		{"long timeout", `{webhook: {timeoutSeconds: 10}}`, "at '/webhook/timeoutSeconds': maximum: got 10, want 5"},
		{"opt-in", `{webhook: {optIn: enabled}}`, "at '/webhook/optIn': value must be one of 'labeled', 'all'"},
		{"enforcement", `{enforcement: {mode: deny}}`, "at '/enforcement/mode': value must be one of 'labeled', 'none'"},
		{"certificates", `{certs: {mode: mounted}}`, "at '/certs/mode': value must be one of 'self-signed', 'cert-manager', 'secret'"},
		{"certificate without a Secret", `{certs: {mode: secret}}`, "certs.secretName must name a Secret"},
		{"lifetime", `{certs: {caLifetime: 90d}}`, "at '/certs/caLifetime'"},
		{"no replicas", `{controller: {replicas: 0}}`, "at '/controller/replicas': minimum: got 0, want 1"},
		{"floating tag", `{controller: {image: {tag: latest}}}`, "at '/controller/image/tag'"},
		{"short digest", `{controller: {image: {digest: "sha256:abc"}}}`, "at '/controller/image/digest'"},
		{"label of a pod", `{common: {podLabels: {team: "a b"}}}`, "at '/common/podLabels/team'"},
		{"common key of another type", `{grafana: {revisionHistoryLimit: many}}`, "at '/grafana/revisionHistoryLimit'"},
		{"unknown probe", `{prometheus: {probes: {alive: {}}}}`, "additional properties 'alive' not allowed"},
		{"no account", `{kubeStateMetrics: {serviceAccount: {create: false}}}`, "serviceAccount.create of kube-state-metrics is false: set its serviceAccount.name to an account that exists"},
		{"volume of the chart's", `{prometheus: {extraVolumes: [{name: config, emptyDir: {}}]}}`, `prometheus.extraVolumes[0]: the pod already has a volume "config"; choose another name`},
		{"volume of the claim", `{grafana: {enabled: true, extraVolumes: [{name: data, emptyDir: {}}]}}`, `grafana.extraVolumes[0]: the pod already has a volume "data"`},
		{"container of the chart's", `{alertmanager: {extraContainers: [{name: reload, image: "a.example/b:1.0.0"}]}}`, `alertmanager.extraContainers[0]: the pod already has a container "reload"`},
		{"number as a label", `{controller: {podLabels: {version: 1}}}`, "at '/controller/podLabels/version': got number, want string"},
		{"duration", `{prometheus: {scrapeInterval: 30}}`, "at '/prometheus/scrapeInterval': got number, want string"},
		{"breaker timeout in days", `{controller: {breaker: {timeout: 1d}}}`, "at '/controller/breaker/timeout'"},
		{"repair of another word", `{controller: {repair: {restart: true}}}`, "additional properties 'restart' not allowed"},
		{"persistence", `{prometheus: {persistence: {mode: pvc}}}`, "at '/prometheus/persistence/mode'"},
		{"propagation", `{nodeExporter: {mountPropagation: Bidirectional}}`, "at '/nodeExporter/mountPropagation'"},
		{"Secrets", `{kubeStateMetrics: {collectors: [pods, secrets]}}`, "at '/kubeStateMetrics/collectors/1'"},
		{"umbrella's switch", `{enabled: "yes"}`, "at '/enabled': got string, want boolean"},
		{"argument", `{controller: {extraArgs: [log-level=debug]}}`, "at '/controller/extraArgs/0'"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var values map[string]any
			if err := yaml.Unmarshal([]byte(c.values), &values); err != nil {
				t.Fatal(err)
			}
			_, err := install(t, values, latest)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// Helm hands global to every chart of an umbrella.
func TestForeignGlobalsPass(t *testing.T) {
	render(t, map[string]any{"global": map[string]any{"storageClass": "fast"}}, latest)
}

// An umbrella's condition is a value of this chart, and Helm hands it down.
func TestUmbrellaSwitchesItOnAndOff(t *testing.T) {
	version, err := chartutil.ParseKubeVersion(latest)
	if err != nil {
		t.Fatal(err)
	}
	for _, enabled := range []bool{true, false} {
		umbrella := &chart.Chart{Metadata: &chart.Metadata{
			APIVersion: chart.APIVersionV2, Name: "umbrella", Version: "0.1.0",
			Dependencies: []*chart.Dependency{{Name: "outrider", Version: "*", Condition: "outrider.enabled"}},
		}}
		umbrella.AddDependency(load(t))
		i := action.NewInstall(&action.Configuration{})
		i.ClientOnly, i.DryRun = true, true
		i.ReleaseName, i.Namespace, i.KubeVersion = releaseName, namespace, version
		r, err := i.Run(umbrella, map[string]any{"outrider": map[string]any{"enabled": enabled}})
		if err != nil {
			t.Fatal(err)
		}
		if rendered := strings.Contains(r.Manifest, "kind: MutatingWebhookConfiguration"); rendered != enabled {
			t.Errorf("enabled is %t, rendered is %t", enabled, rendered)
		}
	}
}

func TestComponentsHaveTheSameKeysInTheSameOrder(t *testing.T) {
	components := 0
	root := valuesNode(t)
	for _, name := range keysOf(root) {
		block := child(root, name)
		keys := keysOf(block)
		first := slices.Index(keys, "image")
		if first < 0 {
			continue // no component
		}
		components++
		for _, key := range keys[:first] {
			if key != "enabled" && key != "replicas" {
				t.Errorf("%s.%s stands before image; a component's own keys stand after resources", name, key)
			}
		}
		last := min(first+len(componentKeys), len(keys))
		if diff := cmp.Diff(componentKeys, keys[first:last]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		for _, key := range keysOf(child(root, "common")) {
			want := map[string]any{"anyOf": []any{map[string]any{"$ref": "#/definitions/common." + key}, map[string]any{"type": "null"}}}
			got := readSchema(t)["properties"].(map[string]any)[name].(map[string]any)["properties"].(map[string]any)[key]
			if !slices.Contains(keys, key) && !cmp.Equal(want, got) {
				t.Errorf("%s does not take common's %s: %v", name, key, got)
			}
		}
		if diff := cmp.Diff([]string{"registry", "repository", "tag", "digest"}, keysOf(child(block, "image"))); diff != "" {
			t.Errorf("%s.image (-want +got):\n%s", name, diff)
		}
	}
	if components < 4 {
		t.Errorf("found %d components", components)
	}
}

// What is not described is refused, wherever it stands. Maps of the user's own words are the exception, and so is
// global, which belongs to other charts too.
func TestSchemaIsStrict(t *testing.T) {
	for _, path := range openObjects(readSchema(t), "") {
		if path != "/properties/global" {
			t.Errorf("schema lets unknown keys through at %s", path)
		}
	}
}

// openObjects are the places of a schema that name some keys and let others through.
func openObjects(schema any, path string) []string {
	var found []string
	switch s := schema.(type) {
	case map[string]any:
		if _, group := s["properties"].(map[string]any); group && s["type"] == "object" && s["additionalProperties"] != false {
			found = append(found, path)
		}
		for _, key := range slices.Sorted(maps.Keys(s)) {
			found = append(found, openObjects(s[key], path+"/"+key)...)
		}
	case []any:
		for _, item := range s {
			found = append(found, openObjects(item, path)...)
		}
	}
	return found
}

func TestValuesAreShort(t *testing.T) {
	data, err := fs.ReadFile(charts.Outrider(), "values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(data), "\n"); n > 450 {
		t.Errorf("values.yaml has %d lines, want at most 450", n)
	}
}

func valuesNode(t *testing.T) *yaml.Node {
	t.Helper()
	data, err := fs.ReadFile(charts.Outrider(), "values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var document yaml.Node
	if err := yaml.Unmarshal(data, &document); err != nil {
		t.Fatal(err)
	}
	return document.Content[0]
}

func keysOf(node *yaml.Node) []string {
	var keys []string
	for i := 0; i+1 < len(node.Content); i += 2 {
		keys = append(keys, node.Content[i].Value)
	}
	return keys
}

func child(node *yaml.Node, key string) *yaml.Node {
	i := slices.Index(keysOf(node), key)
	if i < 0 {
		return &yaml.Node{}
	}
	return node.Content[2*i+1]
}

// schemaAt is the schema of the value at a path.
func schemaAt(t *testing.T, path ...string) map[string]any {
	t.Helper()
	at := readSchema(t)
	for _, key := range path {
		at = resolve(t, at["properties"].(map[string]any)[key].(map[string]any))
	}
	return at
}

// resolve follows references to the schema's definitions.
func resolve(t *testing.T, schema map[string]any) map[string]any {
	t.Helper()
	for {
		reference, ok := schema["$ref"].(string)
		if !ok {
			return schema
		}
		schema = readSchema(t)["definitions"].(map[string]any)[strings.TrimPrefix(reference, "#/definitions/")].(map[string]any)
	}
}

func readSchema(t *testing.T) map[string]any {
	t.Helper()
	schema, err := schemaOnce()
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// schemaOnce reads the schema, which a generator of values asks for at every key.
var schemaOnce = sync.OnceValues(func() (schema map[string]any, err error) {
	data, err := os.ReadFile("outrider/values.schema.json")
	if err != nil {
		return nil, err
	}
	return schema, json.Unmarshal(data, &schema)
})
