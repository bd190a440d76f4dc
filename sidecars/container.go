package sidecars

import (
	"cmp"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// ContainerPrefix begins the name of every injected container; the exporter's
// name follows.
const ContainerPrefix = "outrider-"

// sidecar builds the container of one exporter and the volumes that it needs;
// not ok where it is refused. Everything in it is fresh: nothing is shared with
// the catalog, so a caller may change the pod.
func (p *planner) sidecar(e *entry, s *shown, native bool) (c corev1.Container, volumes []corev1.Volume, ok bool) {
	credentials, ok := p.credentials(e, s)
	if !ok {
		return c, nil, false
	}
	defined, ok := p.resourcesSet(e, e.spec.Resources)
	if !ok {
		return c, nil, false
	}
	c = fixedContainer(e, p.Settings)
	c.Command = expandAll(e.spec.Command, s.values)
	c.Args = append(expandAll(e.spec.Args, s.values), e.spec.Lockdown.Args...)
	c.Resources = resources(defined, p.Pod)
	c.Env = environment(e, s, credentials)
	if s.profile == Essential {
		c.Args = append(c.Args, e.spec.Essential.Args...)
		for _, v := range e.spec.Essential.Env {
			c.Env = append(c.Env, corev1.EnvVar{Name: v.Name, Value: v.Value})
		}
	}
	if native {
		always := corev1.ContainerRestartPolicyAlways
		c.RestartPolicy = &always
	}
	if !p.reachBySocket(e, s, &c) {
		return c, nil, false
	}
	volumes, ok = p.mountVolumes(e, s, &c)
	return c, volumes, ok
}

// fixedContainer is a sidecar without what depends on its pod.
func fixedContainer(e *entry, s Settings) corev1.Container {
	c := corev1.Container{
		Name:  ContainerPrefix + e.name,
		Image: inRegistry(e.spec.Image, s.ImageRegistry),
		Ports: []corev1.ContainerPort{{
			Name:          ContainerPrefix + strconv.Itoa(int(e.spec.Port)),
			ContainerPort: e.spec.Port,
			Protocol:      corev1.ProtocolTCP,
		}},
		TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
		SecurityContext:          restricted(e.spec.RunAsUser),
	}
	if s.AssignedUIDs {
		c.SecurityContext.RunAsUser = nil
	}
	return c
}

// environment is the sidecar's: the credentials first, so that $(NAME) in what
// follows finds them.
func environment(e *entry, s *shown, credentials []corev1.EnvVar) []corev1.EnvVar {
	env := make([]corev1.EnvVar, 0, len(credentials)+len(e.spec.SecretEnv)+len(e.spec.Env)+len(e.spec.Lockdown.Env)+1)
	for _, value := range s.values {
		if value == podAddress {
			env = append(env, podAddressEnv())
			break
		}
	}
	env = append(env, credentials...)
	for _, v := range e.spec.SecretEnv {
		if value, whole := expand(v.Secret, s.values); whole {
			named, _ := keyRef(value)
			env = append(env, secretEnv(v.Name, named.Name, cmp.Or(named.Key, v.Key)))
		}
	}
	for _, v := range e.spec.Env {
		if value, whole := expand(v.Value, s.values); whole {
			env = append(env, corev1.EnvVar{Name: v.Name, Value: value})
		}
	}
	for _, v := range e.spec.Lockdown.Env {
		env = append(env, corev1.EnvVar{Name: v.Name, Value: v.Value})
	}
	if len(env) == 0 {
		return nil
	}
	return env
}

// inRegistry is an image in another registry, its path and tag unchanged.
func inRegistry(image, registry string) string {
	if registry == "" {
		return image
	}
	if host, rest, ok := strings.Cut(image, "/"); ok && (strings.ContainsAny(host, ".:") || host == "localhost") {
		image = rest
	}
	return strings.TrimSuffix(registry, "/") + "/" + image
}

// restricted is the security context that Pod Security "restricted" asks for,
// with a numeric user: most exporter images say USER nobody, which
// runAsNonRoot cannot check.
func restricted(user int64) *corev1.SecurityContext {
	yes, no := true, false
	return &corev1.SecurityContext{
		AllowPrivilegeEscalation: &no,
		Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		ReadOnlyRootFilesystem:   &yes,
		RunAsNonRoot:             &yes,
		RunAsUser:                &user,
		SeccompProfile:           &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
	}
}

// resources are the definition's, except in pods whose QoS class they would
// change or whose pod-level budget they would overrun.
func resources(defined corev1.ResourceRequirements, pod *corev1.Pod) corev1.ResourceRequirements {
	if r := pod.Spec.Resources; r != nil && len(r.Requests)+len(r.Limits) > 0 {
		return corev1.ResourceRequirements{}
	}
	r := corev1.ResourceRequirements{Requests: copied(defined.Requests), Limits: copied(defined.Limits)}
	if guaranteed(pod) {
		r.Requests = copied(defined.Limits)
	}
	return r
}

func copied(list corev1.ResourceList) corev1.ResourceList {
	out := make(corev1.ResourceList, len(list))
	for name, quantity := range list {
		out[name] = quantity
	}
	return out
}

// guaranteed reports whether the pod's QoS class is Guaranteed: every
// container has limits of cpu and memory, and requests that equal them or are
// left out, in which case the API server fills them in.
func guaranteed(pod *corev1.Pod) bool {
	if len(pod.Spec.Containers) == 0 {
		return false
	}
	for _, list := range [][]corev1.Container{pod.Spec.Containers, pod.Spec.InitContainers} {
		for i := range list {
			for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
				limit, limited := list[i].Resources.Limits[name]
				request, requested := list[i].Resources.Requests[name]
				if !limited || limit.Cmp(resource.Quantity{}) == 0 || requested && request.Cmp(limit) != 0 {
					return false
				}
			}
		}
	}
	return true
}
