package sidecars

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// Input is everything a decision may depend on.
type Input struct {
	// Pod is the pod, or a workload's pod template as a pod. It is never modified.
	Pod *corev1.Pod
	// Namespace that the pod is made in.
	Namespace Namespace
	// Size of the pod as JSON, in bytes; zero where it is not known.
	Size int
	// Budget is what the namespace's policies leave to the pod.
	Budget Budget
	// Exhausted says that the namespace has used up its series budget: all exporters
	// get the profile Essential.
	Exhausted bool
	// Suspended are exporters that are not injected now, each with the reason in
	// words. Those that serve metrics themselves inject nothing and are never held
	// back.
	Suspended map[string]string
	// Settings are the same for all pods.
	Settings Settings
}

// Settings are what a platform decides for all sidecars.
type Settings struct {
	// ImageRegistry replaces the registry of the exporters' images, such as a
	// private mirror; empty leaves each its own.
	ImageRegistry string
	// ImagePullSecrets are names of Secrets, in the namespace of each pod, that
	// are added to those with which its images are pulled.
	ImagePullSecrets []string
	// AssignedUIDs leaves the sidecars' user to the platform, as OpenShift assigns
	// each namespace a range of them. Default false: the definition's user.
	AssignedUIDs bool
	// OptInAll opts in every namespace but those labeled outrider.dev/inject:
	// disabled. Default false: those labeled enabled.
	OptInAll bool
	// ComparingOwners are API groups, or GROUP/KIND, of owners that delete pods
	// which differ from what they made; nothing is added to such pods. Default nil:
	// those that are known to do so.
	ComparingOwners []string
}

// OptedIn reports whether pods without an annotation are looked at in a namespace
// with these labels.
func (s Settings) OptedIn(namespace map[string]string) bool {
	label := namespace[InjectKey]
	return label == InjectEnabled || s.OptInAll && label != InjectDisabled
}

// Plan is what is decided for one pod and what is added to it. The zero value
// adds nothing.
type Plan struct {
	// Decisions in the order of the requests, those about single keys last.
	Decisions []Decision

	pod        *corev1.Pod
	containers []corev1.Container
	native     []corev1.Container // appended to the init containers
	volumes    []corev1.Volume
	pull       []string    // names added to the image pull Secrets
	essential  string      // the annotation with the jobs of that profile, or empty
	samples    string      // the annotation with the limit of samples, or empty
	endpoints  string      // the scrape annotation to be written, or empty
	label      bool        // the monitored label is to be written
	status     string      // the status annotation to be written, or empty
	excluded   []Exclusion // what is added to the annotations of meshes

	passed  []Passed // by Explain only
	unasked string
}

// NewPlan decides for one pod. It never fails: whatever cannot be done is a
// Decision with a Reason. Admitting a pod again changes nothing.
func NewPlan(in Input, c Catalog) Plan { return newPlan(in, c, nil) }

// newPlan hands every setting to trace, unless that is nil.
func newPlan(in Input, c Catalog, trace func(Setting)) Plan {
	p := planner{Input: in, catalog: c, trace: trace, Plan: Plan{pod: in.Pod}}
	before := statusBefore(in.Pod)
	p.earlier, p.pulled, p.exclusions = before.Decisions, before.PullSecrets, before.Exclusions
	p.readAnnotations()
	requests := p.requests()
	if len(requests) > 0 {
		p.readDefaults()
		p.readBudget()
	}
	p.keepEarlier(requests)
	for _, r := range requests {
		p.decide(r)
	}
	p.scraped()
	p.unusedParameters()
	p.Decisions = append(p.Decisions, p.ignored...)
	p.finish()
	return p.Plan
}

// Changes reports whether the plan adds anything to the pod.
func (p Plan) Changes() bool {
	return p.Injects() || p.label || p.endpoints != "" || p.essential != "" || p.samples != "" || p.status != ""
}

// Injects reports whether the plan adds a container.
func (p Plan) Injects() bool { return len(p.containers) > 0 || len(p.native) > 0 }

// Warnings are the sentences that the user should read, in the order of the
// decisions; nil where everything went as asked.
func (p Plan) Warnings() []string {
	var warnings []string
	for _, d := range p.Decisions {
		if d.Warns() {
			warnings = append(warnings, "outrider: "+d.Message)
		}
	}
	return warnings
}

// planner is a Plan in the making.
type planner struct {
	Input
	Plan
	catalog Catalog
	trace   func(Setting) // receives every setting and its origin; may be nil

	earlier    []Decision                   // injected by an earlier admission
	parameters map[string]map[string]string // exporter, parameter → value, from annotations
	defaults   map[string]map[string]string // the same, from the namespace's annotations
	placement  string                       // from the annotation; empty for the default
	ignored    []Decision                   // about single keys
	pulled     []string                     // image pull Secrets of ours from an earlier admission
	exclusions []Exclusion                  // of an earlier admission
	mesh       string                       // from the annotation; empty for the default
	warning    string                       // about the exporter that is decided now, injected all the same
}

// keepEarlier carries over what an earlier admission injected and nobody asks
// for any more; what is still asked for is kept by decide, in its place.
func (p *planner) keepEarlier(requests []request) {
	for _, d := range p.earlier {
		if !slices.ContainsFunc(requests, func(r request) bool { return r.exporter == d.Exporter }) {
			p.Decisions = append(p.Decisions, d)
		}
	}
}

// decide answers one request.
func (p *planner) decide(r request) {
	if i := slices.IndexFunc(p.earlier, func(d Decision) bool { return d.Exporter == r.exporter }); i >= 0 {
		p.Decisions = append(p.Decisions, p.earlier[i])
		return
	}
	if r.outcome != "" { // answered while it was read
		p.Decisions = append(p.Decisions, r.decision())
		return
	}
	e, known := p.catalog.entries[r.exporter]
	if !known {
		p.refuse(r.exporter, UnknownExporter, "there is no exporter %q%s", r.exporter, p.catalog.instead(r.exporter))
		return
	}
	if p.skip(e) || p.refusePod(e) {
		return
	}
	if isNative(e) {
		p.discover(e, r)
		return
	}
	if p.refuseCollision(e) || p.refuseVolume(e) {
		return
	}
	shown, ok := p.settings(e)
	if !ok {
		return
	}
	native, ok := p.placed(e)
	if !ok {
		return
	}
	p.warning = ""
	p.warnUnfound(e, shown)
	p.warnAlike(e)
	if p.refuseObstacle(e, shown, beforeAccount) {
		return
	}
	added, volumes, ok := p.sidecar(e, shown, native)
	if !ok || p.refuseObstacle(e, shown, afterAccount) {
		return
	}
	if p.refuseBudget(e, &added) || p.refuseSuspended(e) {
		return
	}
	p.keepTokenOut(&added)
	p.volumes = append(p.volumes, volumes...)
	if native {
		p.native = append(p.native, added)
	} else {
		p.containers = append(p.containers, added)
	}
	d := r.decision()
	d.Outcome, d.Definition, d.Message, d.Profile = Injected, e.hash, p.warning, shown.profile
	p.Decisions = append(p.Decisions, d)
}

// finish derives the label and the status annotation from the decisions.
func (p *planner) finish() {
	if len(p.Decisions) == 0 || p.leaveAlone() {
		return
	}
	monitored := slices.ContainsFunc(p.Decisions, func(d Decision) bool { return d.Outcome == Injected || d.Outcome == Discovered })
	p.label = monitored && p.Pod.Labels[MonitoredKey] != MonitoredTrue
	if jobs := p.essentials(); jobs != p.Pod.Annotations[EssentialKey] {
		p.essential = jobs
	}
	if limit := p.sampleLimit(); limit != p.Pod.Annotations[SampleLimitKey] {
		p.samples = limit
	}
	p.pullSecrets()
	p.excludePorts()
	if status := encodeStatus(Status{Decisions: lasting(p.Decisions), PullSecrets: append(p.pulled, p.pull...), Exclusions: merged(p.exclusions, p.excluded), KeepLabel: monitored && keepsLabel(p.Pod)}); status != p.Pod.Annotations[StatusKey] {
		p.status = status
	}
	p.refuseTooLarge()
}

// The API server refuses objects above its limits: 256 KiB of annotations, and
// what etcd takes, 1.5 MiB, of which a third is left for what others add.
const (
	mostAnnotations = 256 << 10
	mostBytes       = 1 << 20
)

// refuseTooLarge adds nothing at all, not even a status, to a pod that has no
// room for it.
func (p *planner) refuseTooLarge() {
	annotations := len(EssentialKey) + len(p.essential) + len(SampleLimitKey) + len(p.samples) + len(StatusKey) + len(p.status) + len(ScrapeKey) + len(p.endpoints)
	for key, value := range p.Pod.Annotations {
		annotations += len(key) + len(value)
	}
	if annotations <= mostAnnotations && p.Size <= mostBytes || !p.Changes() {
		return
	}
	p.Plan = Plan{pod: p.Pod, Decisions: []Decision{{Outcome: Refused, Reason: TooLarge,
		Message: "the pod is nearly as large as the API server accepts, so nothing is added; shorten its annotations"}}}
}

// unusedParameters tells of parameters that have no effect: their exporter was
// not asked for, or does not declare them.
func (p *planner) unusedParameters() {
	for _, d := range p.Decisions {
		e, known := p.catalog.entries[d.Exporter]
		if !known {
			continue
		}
		switch d.Outcome {
		case Injected, Discovered:
			p.answerProfiles(e.name)
			p.undeclared(e, p.parameters, "")
			p.undeclared(e, p.defaults, inNamespace)
		case Refused: // both are to be corrected
			p.undeclared(e, p.parameters, "")
		}
	}
	for _, exporter := range slices.Sorted(maps.Keys(p.parameters)) {
		if slices.ContainsFunc(p.Decisions, func(d Decision) bool { return d.Exporter == exporter }) {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(p.parameters[exporter])) {
			key := parameterKey(exporter, name)
			if _, known := p.catalog.entries[exporter]; !known {
				p.ignore(key, UnknownKey, "%s: there is no exporter %q%s", key, exporter, p.catalog.didYouMean(exporter))
				continue
			}
			p.ignore(key, UnusedParameter, "%s has no effect: the %s exporter is not injected; add %s: %s", key, exporter, InjectKey, exporter)
		}
	}
}
