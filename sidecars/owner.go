package sidecars

import (
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// comparingOwners are known to delete pods that differ from what they made, so an
// injected pod would be made anew forever. Operators that compare a hash or an
// annotation of their own do not.
var comparingOwners = []string{
	"workloads.kubeblocks.io", // InstanceSet and what came before it
	"apps.kubeblocks.io",
}

// Knative is the group of kinds that take one container with a port, which needs no
// name. Only templates have such an owner: their pods are of a Deployment.
const Knative = "serving.knative.dev"

// refusingOwner is the owner of a pod that would delete it, or refuse it as a template,
// if anything were added, and why; nil if there is none.
func (p *planner) refusingOwner() (owner *metav1.OwnerReference, reason Reason, why string) {
	if owner = metav1.GetControllerOfNoCopy(p.Pod); owner == nil {
		return nil, "", ""
	}
	comparing := p.Settings.ComparingOwners
	if comparing == nil {
		comparing = comparingOwners
	}
	group := schema.FromAPIVersionAndKind(owner.APIVersion, owner.Kind).Group
	switch {
	case group != "" && (slices.Contains(comparing, group) || slices.Contains(comparing, group+"/"+owner.Kind)):
		return owner, ComparingOwner, "deletes pods that differ from its own template, so nothing is added; use the exporter that its operator offers, or run one as a Deployment of its own"
	case group == Knative && p.Injects():
		return owner, Unsupported, "is one of Knative, which takes one container with a port, so nothing is added to its template; the webhook adds the exporter to its pods, which have the template's annotations"
	}
	return nil, "", ""
}

// leaveAlone adds nothing at all, not even a status, to a pod whose owner would not
// have it. It does not matter who asked: the pod would never run.
func (p *planner) leaveAlone() bool {
	owner, reason, why := p.refusingOwner()
	if owner == nil || len(p.earlier) > 0 { // one that has been changed already has outlived it
		return false
	}
	outcome := Skipped
	if len(ownKeys(p.Pod.Annotations)) > 0 {
		outcome = Refused
	}
	decisions := slices.Clone(p.Decisions)
	for i, d := range decisions {
		_, known := p.catalog.entries[d.Exporter]
		if d.Outcome != Injected && d.Outcome != Discovered && (d.Outcome != Refused || !known) {
			continue
		}
		what := d.Exporter
		if what == "" {
			what = d.Key
		}
		decisions[i] = Decision{Exporter: d.Exporter, Key: d.Key, Outcome: outcome, Reason: reason, Message: fmt.Sprintf("%s: the pod's owner, %s %q, %s", what, owner.Kind, shorten(owner.Name), why)}
	}
	p.Plan = Plan{pod: p.Pod, Decisions: decisions}
	return true
}
