package sidecars_test

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	psaapi "k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
)

func qty(s string) resource.Quantity { return resource.MustParse(s) }

// restrictedPod is a pod that passes Pod Security "restricted".
func restrictedPod() *corev1.Pod {
	p := pod("app:1")
	yes, no := true, false
	p.Spec.Containers[0].SecurityContext = &corev1.SecurityContext{
		AllowPrivilegeEscalation: &no,
		RunAsNonRoot:             &yes,
		Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		SeccompProfile:           &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
	}
	return p
}

// asksForPort reports whether an exporter is refused where nothing shows its server's port.
func asksForPort(spec v1alpha1.ExporterSpec) bool {
	return slices.ContainsFunc(spec.Parameters, func(p v1alpha1.Parameter) bool { return p.Name == "port" && p.Required })
}

func TestEveryBuiltinPassesPodSecurityRestricted(t *testing.T) {
	checks, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	level := psaapi.LevelVersion{Level: psaapi.LevelRestricted, Version: psaapi.LatestVersion()}
	for _, name := range sidecars.Builtin().Names() {
		if spec, _ := sidecars.Builtin().Spec(name); spec.Type == v1alpha1.Native {
			continue
		}
		for _, placement := range []string{sidecars.PlacementContainer, sidecars.PlacementNative} {
			p := restrictedPod()
			p.Annotations = map[string]string{
				sidecars.InjectKey: name, sidecars.PlacementKey: placement,
				name + ".outrider.dev/secret": "credentials/password",
			}
			if spec, _ := sidecars.Builtin().Spec(name); asksForPort(spec) {
				p.Annotations[name+".outrider.dev/port"] = "1234"
			}
			plan := sidecars.NewPlan(sidecars.Input{Pod: p}, sidecars.Builtin())
			if !plan.Injects() {
				t.Fatalf("%s is not injected: %v", name, plan.Warnings())
			}
			got := plan.Apply(p)
			for _, r := range checks.EvaluatePod(level, &got.ObjectMeta, &got.Spec) {
				if !r.Allowed {
					t.Errorf("%s as %s: %s: %s", name, placement, r.ForbiddenReason, r.ForbiddenDetail)
				}
			}
		}
	}
}

func TestBuiltinImagesArePinned(t *testing.T) {
	c := sidecars.Builtin()
	for _, name := range c.Names() {
		spec, _ := c.Spec(name)
		if spec.Type == v1alpha1.Native {
			continue
		}
		repository, tag, ok := strings.Cut(spec.Image, ":")
		if !ok || tag == "latest" || strings.Count(repository, "/") < 2 {
			t.Errorf("%s: image %q needs a registry, a repository and a pinned tag", name, spec.Image)
		}
	}
}

const good = `
apiVersion: outrider.dev/v1alpha1
kind: Exporter
metadata: {name: varnish}
spec:
  image: example.org/varnish-exporter:1
  port: 9131
  upMetric: varnish_up
  runAsUser: 1000
  args: ["--port=${port}"]
  parameters: [{name: port, default: "80", pattern: "[0-9]+", doc: The port.}]
  resources: {requests: {cpu: 10m, memory: 32Mi}, limits: {cpu: 10m, memory: 32Mi}}
`

func TestWithNamesTheBadField(t *testing.T) {
	for name, tc := range map[string]struct{ from, to, want string }{
		"good":                  {"", "", ""},
		"unknown field":         {"port: 9131", "prot: 9131", `unknown field "prot"`},
		"wrong kind":            {"kind: Exporter", "kind: Exported", "want apiVersion outrider.dev/v1alpha1 and kind Exporter"},
		"name":                  {"name: varnish}", "name: Varnish_}", `exporter "Varnish_": metadata.name`},
		"reserved name":         {"name: varnish}", "name: auto}", "metadata.name: \"auto\" has a meaning of its own"},
		"no image":              {"example.org/varnish-exporter:1", `""`, "spec.image: is required"},
		"latest":                {"varnish-exporter:1", "varnish-exporter:latest", "spec.image: \"example.org/varnish-exporter:latest\": the image must be pinned"},
		"no tag":                {"varnish-exporter:1", "varnish-exporter", "the image must be pinned"},
		"bad upMetric":          {"upMetric: varnish_up", "upMetric: varnish-up", `spec.upMetric: "varnish-up" is not the name of a series`},
		"port":                  {"port: 9131", "port: 70000", "spec.port: 70000"},
		"root":                  {"runAsUser: 1000", "runAsUser: 0", "spec.runAsUser: 0"},
		"no upMetric":           {"upMetric: varnish_up", "upMetric: ''", "spec.upMetric: is required"},
		"pattern":               {`"[0-9]+"`, `"["`, "spec.parameters[0].pattern"},
		"default misses":        {`default: "80"`, `default: "x"`, "spec.parameters[0].default"},
		"undeclared parameter":  {"${port}", "${prot}", "spec.args[0]: ${prot} is no declared parameter"},
		"limit below request":   {"limits: {cpu: 10m", "limits: {cpu: 1m", "spec.resources: cpu"},
		"no resources":          {"requests: {cpu: 10m, memory: 32Mi}", "requests: {cpu: 10m}", "spec.resources: memory"},
		"bad type":              {"port: 9131", "port: 9131\n  type: plugin", "spec.type: \"plugin\" is neither"},
		"native with an image":  {"port: 9131", "port: 9131\n  type: native", "spec.type: native injects nothing"},
		"a sidecar's path":      {"port: 9131", "port: 9131\n  path: /m", "spec.path"},
		"reserved parameter":    {"name: port,", "name: secret,", "has a meaning of its own"},
		"a variable twice":      {"port: 9131", "port: 9131\n  env: [{name: A, value: ''}]\n  credentials: {password: A}", "is set twice"},
		"an unused parameter":   {"doc: The port.}", "doc: A.}, {name: user, default: a, pattern: a, doc: B.}", "spec.parameters[1].name: \"user\" changes nothing"},
		"an account of nothing": {"port: 9131", "port: 9131\n  credentials: {password: A, accounts: [{defaultUser: x}]}", "spec.credentials.accounts[0]: needs password, passwordArgs or when"},
		"a user without place":  {"port: 9131", "port: 9131\n  credentials: {password: A, accounts: [{user: U, password: P}]}", "spec.credentials.accounts[0]: has a user"},
		"a sign of two places":  {"port: 9131", "port: 9131\n  obstacles: [{when: [{arg: -a, env: B}], message: x}]", "spec.obstacles[0]: a sign is exactly one of"},
		"a sign's pattern":      {"port: 9131", "port: 9131\n  obstacles: [{when: [{arg: -a, matches: '['}], message: x}]", "spec.obstacles[0]: error parsing regexp"},
		"a sign of nothing":     {"port: 9131", "port: 9131\n  obstacles: [{when: [{parameter: x}], message: x}]", "spec.obstacles[0]: \"x\" is no declared parameter"},
		"a volume of two kinds": {"port: 9131", "port: 9131\n  volumes: [{name: a, secret: b, configMap: c}]", "spec.volumes[0]: is either a secret or a configMap"},
		"a volume's name":       {"port: 9131", "port: 9131\n  volumes: [{name: A, secret: b}]", "spec.volumes[0].name"},
		"bad parameter name":    {"name: port,", "name: po/rt,", "spec.parameters[0].name"},
		"cause's pattern":       {"port: 9131", "port: 9131\n  diagnosis: {causes: [{pattern: '[', cause: x}]}", "spec.diagnosis.causes[0].pattern"},
		"cause of everything":   {"port: 9131", "port: 9131\n  diagnosis: {causes: [{pattern: 'x?', cause: x}]}", `spec.diagnosis.causes[0].pattern: "x?" matches everything`},
		"cause without words":   {"port: 9131", "port: 9131\n  diagnosis: {causes: [{pattern: x, cause: ''}]}", "spec.diagnosis.causes[0].cause: is required"},
		"error metric":          {"port: 9131", "port: 9131\n  diagnosis: {errorMetric: {name: a-b, label: err}}", "spec.diagnosis.errorMetric"},
		"an image's registry":   {"port: 9131", "port: 9131\n  recognize: {images: [docker.io/varnish]}", "spec.recognize.images[0]: \"docker.io/varnish\" must match"},
		"a tag without a word":  {"port: 9131", "port: 9131\n  recognize: {tagged: [varnish]}", "spec.recognize.tagged[0]"},
		"a program's folder":    {"port: 9131", "port: 9131\n  recognize: {commands: [/usr/sbin/varnishd]}", "spec.recognize.commands[0]"},
		"a client's folder":     {"port: 9131", "port: 9131\n  recognize: {notCommands: [varnishadm, bin/varnishlog]}", "spec.recognize.notCommands[1]"},
		"an argument of lines":  {"port: 9131", "port: 9131\n  recognize: {notArgs: [\"-C\\n-d\"]}", "spec.recognize.notArgs[0]"},
		"a variable's name":     {"port: 9131", "port: 9131\n  recognize: {notEnv: [ROLE]}", "spec.recognize.notEnv[0]"},
		"an exporter's tag":     {"port: 9131", "port: 9131\n  recognize: {exporters: [\"a:1\"]}", "spec.recognize.exporters[0]"},
		"a port of nowhere":     {"port: 9131", "port: 9131\n  recognize: {notPorts: [0]}", "spec.recognize"},
		"one declared two ways": {"doc: The port.}", "doc: A.}, {name: port, default: '1', pattern: '1', doc: B.}", "declared twice"},
	} {
		t.Run(name, func(t *testing.T) {
			e, err := sidecars.Parse([]byte(strings.Replace(good, tc.from, tc.to, 1)))
			if err == nil {
				_, err = sidecars.Builtin().With(e)
			}
			switch {
			case tc.want == "" && err != nil:
				t.Error(err)
			case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
				t.Errorf("error %v does not say %q", err, tc.want)
			}
		})
	}
}

func TestWithLeavesTheOriginalAlone(t *testing.T) {
	before := sidecars.Builtin()
	names := strings.Join(before.Names(), ",")
	e, err := sidecars.Parse([]byte(good))
	if err != nil {
		t.Fatal(err)
	}
	after, err := before.With(e)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := after.Spec("varnish"); !ok {
		t.Error("the new catalog lacks the added exporter")
	}
	if got := strings.Join(before.Names(), ","); got != names {
		t.Errorf("the old catalog changed from %s to %s", names, got)
	}
}

func TestParameterValueStaysLiteral(t *testing.T) {
	e, err := sidecars.Parse([]byte(strings.Replace(good, `"[0-9]+"`, `".*"`, 1)))
	if err != nil {
		t.Fatal(err)
	}
	c, err := sidecars.Builtin().With(e)
	if err != nil {
		t.Fatal(err)
	}
	p := pod("x", sidecars.InjectKey, "varnish", "varnish.outrider.dev/port", "$(POD_SECRET)${port}")
	got := sidecars.NewPlan(sidecars.Input{Pod: p}, c).Apply(p).Spec.Containers[1].Args[0]
	if want := "--port=$$(POD_SECRET)$${port}"; got != want {
		t.Errorf("argument %q, want %q: Kubernetes must expand nothing a tenant wrote", got, want)
	}
}
