package sidecars

import (
	"fmt"
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
	switch e.Spec.Type {
	case v1alpha1.Native:
		validateNative(e.Spec, &bad)
	case v1alpha1.Sidecar, "":
		validateSidecar(e.Spec, &bad)
	default:
		bad.add("spec.type", "%q is neither %s nor %s", e.Spec.Type, v1alpha1.Sidecar, v1alpha1.Native)
	}
	for i, p := range e.Spec.Parameters {
		field := fmt.Sprintf("spec.parameters[%d].name", i)
		for _, problem := range validation.IsDNS1123Label(p.Name) {
			bad.add(field, "%q: %s", p.Name, problem)
		}
		if p.Name == containerParameter || p.Name == secretParameter {
			bad.add(field, "%q has a meaning of its own for every exporter", p.Name)
		}
	}
	return bad
}

func validateNative(spec v1alpha1.ExporterSpec, bad *problems) {
	if spec.Image != "" || len(spec.Args)+len(spec.Env)+len(spec.Credentials)+len(spec.Lockdown.Args)+len(spec.Lockdown.Env) > 0 {
		bad.add("spec.type", "native injects nothing, so image, args, env, credentials and lockdown have no place")
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
		if s.PathFrom == "" || len(s.Without) == 0 || len(s.Env) == 0 {
			bad.add("spec.socket", "needs pathFrom, without and env")
		}
		for i, env := range s.Env {
			for _, m := range placeholder.FindAllStringSubmatch(env.Value, -1) {
				if m[1] != socketParameter {
					bad.add(fmt.Sprintf("spec.socket.env[%d].value", i), "%s: only ${%s} is known here", m[0], socketParameter)
				}
			}
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
	for i, c := range spec.Credentials {
		name(fmt.Sprintf("spec.credentials[%d].env", i), c.Env)
		if c.Default != "" && !c.Public {
			bad.add(fmt.Sprintf("spec.credentials[%d].default", i), "a secret has none; set public if it is no secret")
		}
		for _, flag := range c.FromArgs {
			if !strings.HasPrefix(flag, "-") {
				bad.add(fmt.Sprintf("spec.credentials[%d].fromArgs", i), "%q is no flag", flag)
			}
		}
	}
	for i, env := range spec.Env {
		name(fmt.Sprintf("spec.env[%d].name", i), env.Name)
	}
	for i, env := range spec.Lockdown.Env {
		name(fmt.Sprintf("spec.lockdown.env[%d].name", i), env.Name)
	}
}
