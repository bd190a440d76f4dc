package sidecars

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
)

// problems collects what is wrong with a definition, by field.
type problems []error

func (p *problems) add(field, format string, args ...any) {
	*p = append(*p, fmt.Errorf(field+": "+format, args...))
}

// validate checks what needs no compiled pattern.
func validate(e v1alpha1.Exporter) []error {
	var bad problems
	for _, problem := range validation.IsDNS1123Label(ContainerPrefix + e.Name) {
		bad.add("metadata.name", "%q cannot name a container: %s", e.Name, problem)
	}
	if reservedJob(e.Name) {
		bad.add("metadata.name", "%q is a scrape job of the stack itself", e.Name)
	}
	if e.Name == InjectAuto || e.Name == InjectNothing {
		bad.add("metadata.name", "%q has a meaning of its own in %s", e.Name, InjectKey)
	}
	for _, problem := range validation.IsValidPortNum(int(e.Spec.Port)) {
		bad.add("spec.port", "%d: %s", e.Spec.Port, problem)
	}
	if e.Spec.UpMetric == "" {
		bad.add("spec.upMetric", "is required")
	}
	validateTexts(e.Spec, &bad)
	validateCost(e.Spec.Cost, &bad)
	validateSampleLimit(e.Spec.SampleLimit, &bad)
	validateGrant(e.Spec.Grant, &bad)
	switch e.Spec.Type {
	case v1alpha1.Native:
		validateNative(e.Spec, &bad)
	case v1alpha1.Sidecar, "":
		validateSidecar(e.Spec, &bad)
		for i, v := range e.Spec.Volumes {
			for _, problem := range validation.IsDNS1123Label(volumeName(e.Name, v.Name)) {
				bad.add(fmt.Sprintf("spec.volumes[%d].name", i), "%q cannot name a volume: %s", volumeName(e.Name, v.Name), problem)
			}
		}
	default:
		bad.add("spec.type", "%q is neither %s nor %s", e.Spec.Type, v1alpha1.Sidecar, v1alpha1.Native)
	}
	for i, p := range e.Spec.Parameters {
		field := fmt.Sprintf("spec.parameters[%d].name", i)
		for _, problem := range validation.IsDNS1123Label(p.Name) {
			bad.add(field, "%q: %s", p.Name, problem)
		}
		if isBuiltinParameter(p.Name) {
			bad.add(field, "%q has a meaning of its own for every exporter", p.Name)
		}
	}
	return bad
}

func validateNative(spec v1alpha1.ExporterSpec, bad *problems) {
	if spec.Image != "" || len(spec.Command)+len(spec.Args)+len(spec.Env)+len(spec.SecretEnv)+len(spec.Volumes)+len(spec.Lockdown.Args)+len(spec.Lockdown.Env) > 0 ||
		len(spec.Essential.Args)+len(spec.Essential.Env) > 0 || spec.SampleLimit != 0 || spec.Credentials != nil || spec.Socket != nil {
		bad.add("spec.type", "native injects nothing, so image, command, args, env, secretEnv, credentials, lockdown, essential, sampleLimit, socket and volumes have no place")
	}
	if spec.Path != "" && !endpointPath.MatchString(spec.Path) {
		bad.add("spec.path", "%q must match %s", spec.Path, endpointPath)
	}
}

func validateSidecar(spec v1alpha1.ExporterSpec, bad *problems) {
	if spec.Image == "" {
		bad.add("spec.image", "is required")
	}
	if s := spec.Socket; s != nil {
		if s.PathFrom == "" && s.Parameter == "" || len(s.Env)+len(s.Args) == 0 {
			bad.add("spec.socket", "needs pathFrom or parameter, and env or args")
		}
		if s.Parameter != "" && !declares(spec, s.Parameter) {
			bad.add("spec.socket.parameter", "%q is no declared parameter", s.Parameter)
		}
	}
	if spec.Path != "" && spec.Path != "/metrics" {
		bad.add("spec.path", "%q: a sidecar serves /metrics", spec.Path)
	}
	if spec.RunAsUser <= 0 {
		bad.add("spec.runAsUser", "%d: must be above zero, or Pod Security \"restricted\" refuses the pod", spec.RunAsUser)
	}
	for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
		request, limit := spec.Resources.Requests[name], spec.Resources.Limits[name]
		if request.Cmp(resource.Quantity{}) <= 0 || limit.Cmp(request) < 0 {
			bad.add("spec.resources", "%s needs a request above zero and a limit not below it, got %s and %s", name, request.String(), limit.String())
		}
	}
	seen := map[string]bool{}
	name := func(field, name string) {
		for _, problem := range validation.IsEnvVarName(name) {
			bad.add(field, "%q: %s", name, problem)
		}
		if seen[name] {
			bad.add(field, "%q is set twice", name)
		}
		seen[name] = true
	}
	if c := spec.Credentials; c != nil {
		name("spec.credentials.password", c.Password)
		for field, env := range map[string]string{"user": c.User, "userFallback": c.UserFallback} {
			if env != "" {
				name("spec.credentials."+field, env)
			}
		}
		validateAccounts(c, bad)
	}
	for i, v := range spec.Volumes {
		field := fmt.Sprintf("spec.volumes[%d]", i)
		if (v.Secret == "") == (v.ConfigMap == "") {
			bad.add(field, "is either a secret or a configMap")
		}
		for _, problem := range validation.IsDNS1123Label(v.Name) {
			bad.add(field+".name", "%q: %s", v.Name, problem)
		}
		if slices.ContainsFunc(spec.Volumes[:i], func(o v1alpha1.Volume) bool { return o.Name == v.Name }) {
			bad.add(field+".name", "%q is there twice", v.Name)
		}
	}
	for i, env := range spec.SecretEnv {
		name(fmt.Sprintf("spec.secretEnv[%d].name", i), env.Name)
		if !placeholder.MatchString(env.Secret) {
			bad.add(fmt.Sprintf("spec.secretEnv[%d].secret", i), "%q is no ${parameter}", env.Secret)
		}
	}
	for i, env := range spec.Env {
		name(fmt.Sprintf("spec.env[%d].name", i), env.Name)
	}
	for i, env := range spec.Essential.Env {
		name(fmt.Sprintf("spec.essential.env[%d].name", i), env.Name)
	}
	for i, env := range spec.Lockdown.Env {
		name(fmt.Sprintf("spec.lockdown.env[%d].name", i), env.Name)
	}
}

func validateAccounts(c *v1alpha1.Credentials, bad *problems) {
	for i, a := range c.Accounts {
		field := fmt.Sprintf("spec.credentials.accounts[%d]", i)
		if a.Password == "" && len(a.PasswordArgs) == 0 && len(a.When) == 0 {
			bad.add(field, "needs password, passwordArgs or when")
		}
		if c.User == "" && a.User+a.DefaultUser != "" {
			bad.add(field, "has a user, and spec.credentials.user is not set")
		}
		for _, flag := range a.PasswordArgs {
			if !strings.HasPrefix(flag, "-") {
				bad.add(field+".passwordArgs", "%q is no flag", flag)
			}
		}
	}
}

// declares reports whether a definition has a parameter.
func declares(spec v1alpha1.ExporterSpec, name string) bool {
	return slices.ContainsFunc(spec.Parameters, func(p v1alpha1.Parameter) bool { return p.Name == name })
}

// validateParameters checks that signs are whole, and that every parameter
// changes the container, or the endpoint of a native entry.
func validateParameters(spec v1alpha1.ExporterSpec, bad *problems) {
	used := map[string]bool{}
	forTexts(spec, func(_, text string) {
		for _, m := range placeholder.FindAllStringSubmatch(text, -1) {
			used[m[1]] = true
		}
	})
	for i, p := range spec.Parameters {
		for j, v := range slices.Concat(p.FromSigns, p.Defaults) {
			if len(v.When) == 0 {
				bad.add(fmt.Sprintf("spec.parameters[%d].fromSigns[%d].when", i, j), "is required")
			}
			for _, sign := range slices.Concat(v.When, v.Unless) {
				used[sign.Parameter] = true
			}
		}
	}
	forSigns(spec, func(field string, sign v1alpha1.Sign) {
		n := 0
		for _, where := range []string{sign.Arg, sign.Env, sign.Image, sign.Port, sign.Mount, sign.Parameter, sign.Given} {
			if where != "" {
				n++
			}
		}
		if n != 1 {
			bad.add(field, "a sign is exactly one of arg, env, image, port, mount, parameter and given")
		}
		if p := sign.Parameter; p != "" && p != secretParameter && p != accountParameter && !declares(spec, p) {
			bad.add(field, "%q is no declared parameter", p)
		}
		if sign.Given != "" && !declares(spec, sign.Given) {
			bad.add(field, "%q is no declared parameter", sign.Given)
		}
	})
	for i, p := range spec.Parameters {
		native := spec.Type == v1alpha1.Native && (p.Name == "port" || p.Name == "path" || p.Name == "scheme")
		login := p.Name == userParameter && spec.Credentials != nil && spec.Credentials.User != ""
		socket := spec.Socket != nil && spec.Socket.Parameter == p.Name
		if !used[p.Name] && !native && !login && !socket {
			bad.add(fmt.Sprintf("spec.parameters[%d].name", i), "%q changes nothing: no argument, variable, volume or endpoint mentions it", p.Name)
		}
	}
}
