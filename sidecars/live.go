package sidecars

import (
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
)

// Live is what a plan adds to a pod that runs already and is not to be
// restarted: ephemeral containers, and what makes Prometheus find them. They
// last as long as the pod.
type Live struct {
	// Containers to be added to the pod's ephemeral ones; empty where the plan
	// injects nothing.
	Containers []corev1.EphemeralContainer
	// Labels and Annotations to be set on the pod.
	Labels, Annotations map[string]string
	// Decisions say what is attached, and what cannot be.
	Decisions []Decision
}

// Live turns the plan for a running pod into additions that the API server
// accepts without a restart. An ephemeral container has neither ports nor
// resources nor volumes of its own: its endpoint is made known by the scrape
// annotation, and what needs a volume is refused. The pod must not be in the
// hands of an earlier admission.
func (p Plan) Live() Live {
	l := Live{}
	_, scraped := p.pod.Annotations[ScrapeKey]
	for _, d := range p.Decisions {
		c := p.container(d)
		switch {
		case c == nil:
		case slices.ContainsFunc(p.volumes, func(v corev1.Volume) bool { return isOwnVolume(v, []corev1.Container{*c}) }):
			d = Decision{Exporter: d.Exporter, Outcome: Refused, Reason: Unsupported,
				Message: d.Exporter + ": it needs a volume (a certificate from a Secret), which a running pod cannot be given; restart the pod instead"}
		case scraped:
			d = Decision{Exporter: d.Exporter, Outcome: Refused, Reason: AlreadyMonitored,
				Message: d.Exporter + ": the pod's own " + ScrapeKey + " stands in the way of the attached exporter's; restart the pod instead"}
		default:
			d.Reason, d.Endpoint = Attached, d.Exporter+"="+strconv.Itoa(int(c.Ports[0].ContainerPort))
			d.Message = d.Exporter + ": attached to the running pod; after a restart it is injected if the pod's template asks for it"
			l.Containers = append(l.Containers, ephemeral(c))
		}
		l.Decisions = append(l.Decisions, d)
	}
	if problem := endpointsProblem(ownEndpoints(l.Decisions)); len(l.Containers) > 0 && problem != "" {
		return Live{Decisions: []Decision{{Outcome: Refused, Reason: BadValue, Message: ScrapeKey + ": " + problem}}}
	}
	if len(l.Containers) > 0 {
		l.Labels = map[string]string{MonitoredKey: MonitoredTrue}
		l.Annotations = map[string]string{ScrapeKey: ownEndpoints(l.Decisions), StatusKey: encodeStatus(Status{Decisions: l.Decisions})}
	}
	return l
}

// container is the sidecar that a decision of the plan added, or nil.
func (p Plan) container(d Decision) *corev1.Container {
	if d.Outcome != Injected || !d.New() {
		return nil
	}
	for _, list := range [][]corev1.Container{p.containers, p.native} {
		if i := slices.IndexFunc(list, func(c corev1.Container) bool { return c.Name == ContainerPrefix+d.Exporter }); i >= 0 {
			return &list[i]
		}
	}
	return nil
}

// ephemeral is a sidecar without what an ephemeral container may not have. The
// token's cover goes too: no token is mounted into an ephemeral container.
func ephemeral(c *corev1.Container) corev1.EphemeralContainer {
	out := corev1.EphemeralContainer{EphemeralContainerCommon: corev1.EphemeralContainerCommon(*c.DeepCopy())}
	out.Ports, out.Resources, out.RestartPolicy = nil, corev1.ResourceRequirements{}, nil
	out.VolumeMounts = slices.DeleteFunc(out.VolumeMounts, func(m corev1.VolumeMount) bool { return m.Name == noTokenVolume })
	return out
}
