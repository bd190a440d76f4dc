package charts_test

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp/syntax"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

var (
	randomValues = flag.Int("random", 40, "number of random values that TestRandomValues renders; 10000 in the long mode")
	randomSeed   = flag.Uint64("seed", 1, "seed of the first of them")
)

// Values that the schema allows are rendered to what Prometheus and Alertmanager load and the API server takes, or refused by a
// sentence of the chart's own that names the key. They are made from the schema itself, so that a new value is tried at once; every
// second ones are all that there is, as with "helm upgrade --reuse-values" from a chart that had no others.
func TestRandomValues(t *testing.T) {
	refused := 0
	for i := range *randomValues {
		seed := *randomSeed + uint64(i)
		g := generator{t: t, Rand: rand.New(rand.NewPCG(seed, 0)), schema: readSchema(t)}
		values, _ := g.value(g.schema, "").(map[string]any)
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			defer func() {
				if t.Failed() {
					text, _ := yaml.Marshal(values)
					t.Logf("values:\n%s", text)
				}
			}()
			of := load
			if i%2 == 1 {
				of = bare
			}
			release := strings.Trim(g.text(`[a-z][a-z0-9-]{0,51}[a-z]`), "-")
			if _, err := installChart(t, of(t), release, values, latest); err != nil {
				// fail() of a template; anything else is a template that broke, or values that the schema should refuse.
				if !strings.Contains(err.Error(), "execution error at") {
					t.Fatal(err)
				}
				refused++
				return
			}
			loadsChart(t, of(t), release, values)
		})
	}
	t.Logf("%d of %d were refused by a sentence", refused, *randomValues)
	if refused > *randomValues/2 {
		t.Errorf("%d of %d were refused: most were not tried", refused, *randomValues)
	}
}

// generator makes values from the schema. Where the schema says only "an object", pools has some that are right.
type generator struct {
	*rand.Rand
	t      *testing.T
	schema map[string]any
}

// pools are values of keys whose content the schema leaves to another program.
var pools = map[string][]string{
	"/alertmanager/config":      {`{}`, `{route: {receiver: a, routes: [{matchers: ['severity="critical"'], receiver: b, continue: true}]}, receivers: [{name: a}, {name: b, webhook_configs: [{url: "http://a", max_alerts: 1000000}]}]}`},
	"/prometheus/alertmanagers": {`[]`, `[{static_configs: [{targets: ["a:9093"]}]}]`, `[{scheme: https, timeout: 3s, dns_sd_configs: [{names: [a], type: A, port: 9093}]}]`},
	"/prometheus/remoteWrite":   {`[{url: "https://a"}]`, `[{url: "https://a", queue_config: {capacity: 10000000}, write_relabel_configs: []}]`},
	"/prometheus/remoteRead":    {`[]`, `[{url: "https://a", read_recent: true}]`},
	"/scrape/extra": {`[]`, `[{job_name: a, relabel_configs: []}]`, `[{job_name: b, static_configs: [{targets: ["[fd00::1]:1"], labels: {a: "012", b: "1e3", c: "yes", d: "12:30", e: "~", f: "a: b # c"}}], sample_limit: 123456789}]`,
		`[{job_name: c, consul_sd_configs: [{server: "c:1"}], relabel_configs: [{source_labels: [__address__], regex: "(?i)[a-z]+:\\d{1,5}", action: drop}]}, {job_name: d, kubernetes_sd_configs: [{role: service}], honor_labels: true}]`},
	"/scrape/settings":                  {`{}`, `{cadvisor: {interval: 60s, keep: [container_.+]}}`},
	"/rules/overrides":                  {`{}`, `{NodeCPUSaturated: {for: 1h}}`},
	"/scrape/probes":                    {`[]`},
	"/grafana/config":                   {`{}`, `{auth.generic_oauth: {enabled: true, client_secret: "$__file{/etc/grafana-secrets/a/b}"}}`},
	"/grafana/dataSources":              {`[]`, `[{name: Loki, type: loki, url: "http://loki:3100", secureJsonData: {basicAuthPassword: "$__file{/etc/grafana-secrets/a/b}"}}]`},
	"/kubeStateMetrics/customResources": {`[]`, `[{groupVersionKind: {group: a.example.com, version: v1, kind: Widget}, metrics: [{name: up, each: {type: Gauge, gauge: {path: [status]}}}]}]`},
	"/scrape/monitors":                  {`{}`, `{enabled: true}`, `{enabled: true, namespaces: [shop, "1"]}`},
	"/rules/extra":                      {`{}`, `{mine: [{name: g, rules: [{record: a, expr: "1"}]}]}`},
	"/rules/disabled":                   {`[]`, `[NodeCPUSaturated]`},
	"/blackboxExporter/modules":         {`{a: {prober: tcp}}`},
	"/extraObjects":                     {`[]`, `[{apiVersion: v1, kind: ConfigMap, metadata: {name: x}, data: {a: "1e6"}}]`},
	"affinity":                          {`{}`, `{nodeAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1, preference: {matchExpressions: [{key: a, operator: Exists}]}}]}}`},
	"topologySpreadConstraints":         {`[]`, `[{maxSkew: 1, topologyKey: a, whenUnsatisfiable: DoNotSchedule}]`},
	"tolerations":                       {`[]`, `[{operator: Exists, effect: NoExecute, tolerationSeconds: 5}]`},
	"podSecurityContext":                {`{}`, `{runAsUser: 1, sysctls: [{name: a, value: "1"}]}`},
	"securityContext":                   {`{}`, `{readOnlyRootFilesystem: false}`},
	"dnsConfig":                         {`{}`, `{options: [{name: ndots, value: "2"}]}`},
	"updateStrategy":                    {`{}`, `{type: RollingUpdate}`},
	"extraEnv":                          {`[]`, `[{name: A, value: "1e6"}, {name: B, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}]`},
	"extraVolumes":                      {`[]`},
	"extraVolumeMounts":                 {`[]`},
	"extraContainers":                   {`[]`, `[{name: side, image: "a/b:1.0.0", args: [--x=1e6]}]`},
	"extraInitContainers":               {`[]`, `[{name: before, image: "a/b:1.0.0"}]`},
	"extraArgs":                         {`[]`, `[--log.level=debug]`, `["--web.route-prefix=/a/b/", --log.format=json]`},
	"externalLabels":                    {`{}`, `{cluster: "012", region: "a b"}`},
	"podLabels":                         {`{}`, `{a: "1e6", b.c/d: "yes"}`},
	"resources":                         {`{}`, `{requests: {cpu: 100m, memory: 1Gi}, limits: {memory: 1Gi}}`, `{requests: {cpu: 0.1, memory: 0.5Gi}, limits: {memory: 4e9}}`},
	"/scrape/limits":                    {`{samples: 100000000, labels: 0, labelNameLength: 9, labelValueLength: 2147483647, bodySize: 1GB, targets: 1000000}`},
	"/alertmanager/retention":           {`120h`, `5h30m`},
	"/prometheus/retention":             {`{time: 1w2d, size: 512GB}`},
	"/networkPolicy/fromCIDRs":          {`[]`, `[10.0.0.0/8, "fd00::/8"]`},
	"/scrape/addresses":                 {`{etcd: [10.0.0.1, "fd00::1"]}`, `{}`},
	"/metricsServer/serving":            {`{}`},
	"/prometheus/mode":                  {`server`, `server`, `agent`},
	"/grafana/adminSecret":              {`admin`},
	"/certs/secretName":                 {`tls`},
	"/kubeStateMetrics/extraArgs":       {`[]`, `[--log-level=1]`},
	"/nodeExporter/extraArgs":           {`[]`},
	"/controller/extraArgs":             {`[]`, `[--log-level=debug]`},
	"/metricsServer/extraArgs":          {`[]`, `[--v=2]`},
	"/grafana/extraArgs":                {`[]`},
	"/prometheus/replicaLabel":          {`replica`, `__replica__`},
	"/prometheus/exemplars":             {`0`, `123456789`},
	"/prometheus/persistence/size":      {`8Gi`},
	"serviceAccount":                    {`{}`, `{create: false, name: mine}`, `{annotations: {a: "b: c"}}`},
}

func (g generator) value(s map[string]any, path string) any {
	key := path[strings.LastIndexByte(path, '/')+1:]
	for _, at := range []string{path, key} {
		if pool := pools[at]; pool != nil {
			var v any
			if err := yaml.Unmarshal([]byte(pool[g.IntN(len(pool))]), &v); err != nil {
				g.t.Fatalf("pool %s: %v", at, err)
			}
			return v
		}
	}
	if of, ok := s["anyOf"].([]any); ok {
		s, _ = of[g.IntN(len(of))].(map[string]any)
	}
	s = resolve(g.t, s)
	switch {
	case s["type"] == "null":
		return nil
	case s["enum"] != nil:
		all := s["enum"].([]any)
		return all[g.IntN(len(all))]
	case s["type"] == "object":
		return g.object(s, path)
	case s["type"] == "array":
		return g.list(s, path)
	case s["type"] == "boolean":
		return g.IntN(2) == 0
	case s["type"] == "integer":
		return g.integer(s)
	case s["pattern"] != nil:
		return g.string(s)
	}
	return "a"
}

func (g generator) object(s map[string]any, path string) map[string]any {
	result := map[string]any{}
	properties, _ := s["properties"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		if path == "" && (name == "global" || name == "enabled") || properties[name].(map[string]any)["$comment"] != nil {
			continue // the last are keys of another chart, to be refused
		}
		// Few keys of a component, or every render would be of everything at once.
		required, _ := s["required"].([]any)
		_, common := properties[name].(map[string]any)["anyOf"]
		if path == "" || !common && strings.Count(path, "/") == 1 && g.IntN(4) > 0 || slices.Contains(required, any(name)) || g.IntN(4) == 0 {
			result[name] = g.value(properties[name].(map[string]any), path+"/"+name)
		}
	}
	if of, ok := s["additionalProperties"].(map[string]any); ok {
		for range g.IntN(3) {
			result[g.text(`[a-z]{1,8}`)] = g.value(of, path+"/*")
		}
	}
	return result
}

func (g generator) list(s map[string]any, path string) []any {
	result := []any{}
	of, _ := s["items"].(map[string]any)
	least, _ := s["minItems"].(float64)
	for range int(least) + g.IntN(3) {
		v := g.value(of, path+"/*")
		if text, ok := v.(string); ok && slices.Contains(result, any(text)) {
			continue
		}
		result = append(result, v)
	}
	return result
}

func (g generator) integer(s map[string]any) int {
	least, _ := s["minimum"].(float64)
	most, ok := s["maximum"].(float64)
	if !ok {
		most = least + 1e9
	}
	if g.IntN(2) == 0 {
		return int(least) + g.IntN(min(5, int(most-least)+1))
	}
	return int(least) + g.IntN(int(most-least)+1)
}

func (g generator) string(s map[string]any) string {
	least, _ := s["minLength"].(float64)
	most, ok := s["maxLength"].(float64)
	if !ok {
		most = 60
	}
	for {
		if text := g.text(s["pattern"].(string)); len(text) >= int(least) && len(text) <= int(most) && text != "latest" {
			return text
		}
	}
}

// text is one that the expression matches.
func (g generator) text(pattern string) string {
	e, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		g.t.Fatal(err)
	}
	var b strings.Builder
	g.write(&b, e.Simplify())
	return b.String()
}

func (g generator) write(b *strings.Builder, e *syntax.Regexp) {
	switch e.Op {
	case syntax.OpLiteral:
		b.WriteString(string(e.Rune))
	case syntax.OpCharClass:
		i := g.IntN(len(e.Rune)/2) * 2
		low, high := e.Rune[i], min(e.Rune[i+1], '~')
		b.WriteRune(max(low, '!') + rune(g.IntN(max(1, int(high-max(low, '!'))+1))))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		b.WriteByte('x')
	case syntax.OpConcat:
		for _, sub := range e.Sub {
			g.write(b, sub)
		}
	case syntax.OpCapture:
		g.write(b, e.Sub[0])
	case syntax.OpAlternate:
		g.write(b, e.Sub[g.IntN(len(e.Sub))])
	case syntax.OpStar, syntax.OpPlus, syntax.OpQuest:
		n := g.IntN(2)
		switch e.Op {
		case syntax.OpPlus:
			n++
		case syntax.OpStar:
			n = g.IntN(4)
		}
		for range n {
			g.write(b, e.Sub[0])
		}
	}
}
