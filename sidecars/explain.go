package sidecars

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// Setting is one setting of an injected exporter, and where it comes from.
type Setting struct {
	Exporter string `json:"exporter"`
	// Name of the parameter, or of the exporter's variable for a credential.
	Name string `json:"name"`
	// Value; empty for what a Secret holds.
	Value string `json:"value,omitempty"`
	// From is where it stands, such as: argument --port of container "redis".
	From string `json:"from"`
}

// Explain decides as NewPlan does, and reports where the exporters' settings come
// from, in the order in which they were looked for. Settings of an exporter
// that was refused afterwards are among them. The plan also says why nothing was
// decided, and what was not recognized.
func Explain(in Input, c Catalog) (Plan, []Setting) {
	var settings []Setting
	plan := newPlan(in, c, func(s Setting) { settings = append(settings, s) })
	value, annotated := in.Pod.Annotations[InjectKey]
	if !annotated && in.Settings.OptedIn(in.Namespace.Labels) || slices.Contains(listed(value), InjectAuto) {
		plan.passed = c.Passed(in.Pod)
	}
	if len(plan.Decisions) == 0 {
		plan.unasked = unasked(in)
	}
	return plan, settings
}

// Passed are the containers that look like workloads of the catalog and are not
// taken for them, where the pod or its namespace asks to recognize them; nil for a
// plan that Explain did not make.
func (p Plan) Passed() []Passed { return p.passed }

// Unasked says why nothing is decided for a pod; empty where something is, and for
// a plan that Explain did not make.
func (p Plan) Unasked() string { return p.unasked }

func unasked(in Input) string {
	label, labeled := in.Namespace.Labels[InjectKey]
	switch value, annotated := in.Pod.Annotations[InjectKey]; {
	case annotated:
		return fmt.Sprintf("opted out: the pod's annotation %s is %q", InjectKey, shorten(value))
	case in.Settings.OptedIn(in.Namespace.Labels):
		return "opted in by its namespace, not recognized: none of its containers is a workload that outrider catalog lists"
	case labeled:
		return fmt.Sprintf("nothing is asked for: no %s annotation, and its namespace's label %s is %q, not %s", InjectKey, InjectKey, shorten(label), InjectEnabled)
	default:
		return fmt.Sprintf("nothing is asked for: no %s annotation, and its namespace is not known to have the label %s: %s", InjectKey, InjectKey, InjectEnabled)
	}
}

// origin is where a parameter's value was found.
type origin struct {
	kind string
	name string // of the flag or variable
}

// The kinds of origins; those of a container have a place for its name.
const (
	fromAnnotation = "the pod's annotation"
	fromNamespace  = "the namespace's annotation"
	fromBudget     = "the namespace's budget of series, which is used up"
	fromArgument   = "argument %s of container %q"
	fromVariable   = "variable %s of container %q"
	fromPort       = "the declared port of container %q"
	fromPrometheus = "the pod's annotation %s"
	fromSign       = "%s of container %q"
	fromDefault    = "the exporter's default"
)

// describe says it in words; server is the container it was found in, if it was.
func (o origin) describe(server *corev1.Container) string {
	switch o.kind {
	case fromPrometheus:
		return fmt.Sprintf(o.kind, o.name)
	case fromArgument, fromVariable, fromSign:
		return fmt.Sprintf(o.kind, o.name, server.Name)
	case fromPort:
		return fmt.Sprintf(o.kind, server.Name)
	}
	return o.kind
}

// traceCredential tells where a credential comes from. What is not a reference
// is the definition's own public default.
func (p *planner) traceCredential(e *entry, v corev1.EnvVar) {
	if p.trace == nil {
		return
	}
	s := Setting{Exporter: e.name, Name: v.Name, Value: v.Value, From: "the pod, or " + fromDefault}
	if source := v.ValueFrom; source != nil {
		switch {
		case source.SecretKeyRef != nil:
			s.From = fmt.Sprintf("key %s of Secret %s", source.SecretKeyRef.Key, source.SecretKeyRef.Name)
		case source.ConfigMapKeyRef != nil:
			s.From = fmt.Sprintf("key %s of ConfigMap %s", source.ConfigMapKeyRef.Key, source.ConfigMapKeyRef.Name)
		default:
			s.From = "the pod's own reference"
		}
	}
	p.trace(s)
}
