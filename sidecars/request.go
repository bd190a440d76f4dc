package sidecars

import (
	"fmt"
	"slices"
	"strings"
)

// request is one exporter that is asked for, and why. One that cannot be
// answered by building a container carries its outcome.
type request struct {
	exporter string
	reason   Reason
	outcome  Outcome
	message  string
}

func (r request) decision() Decision {
	return Decision{Exporter: r.exporter, Outcome: r.outcome, Reason: r.reason, Message: r.message}
}

// requests are the exporters that the pod, or else its namespace, asks for.
func (p *planner) requests() []request {
	value, annotated := p.Pod.Annotations[InjectKey]
	switch {
	case annotated:
		return p.annotated(value)
	case p.Settings.OptedIn(p.Namespace.Labels):
		return p.recognized()
	}
	return nil
}

// Asked reports whether there is anything to decide for a pod. Where there is not,
// NewPlan has no decisions, whatever the annotations and policies of the namespace
// say, and a caller need not look them up.
func Asked(in Input, c Catalog) bool {
	for key := range in.Pod.Annotations {
		if OwnKey(key) {
			return true
		}
	}
	return in.Settings.OptedIn(in.Namespace.Labels) && len(c.recognize(in.Pod, true)) > 0
}

// What is read of a pod is bounded, because the answer is written into the pod:
// an annotation that is too long makes the API server refuse it.
const (
	mostWords = 16 // in the inject annotation
	mostKeys  = 32 // of the domain, among the annotations
)

// annotated reads the value of the inject annotation.
func (p *planner) annotated(value string) []request {
	var requests []request
	if strings.Count(value, ",") >= mostWords || len(value) > mostWords*64 {
		return []request{{outcome: Refused, reason: BadValue, message: fmt.Sprintf(
			"%s: %q is too long; at most %d exporters are injected into a pod", InjectKey, shorten(value), mostWords)}}
	}
	add := func(r request) {
		switch i := slices.IndexFunc(requests, func(o request) bool { return o.exporter == r.exporter }); {
		case i < 0:
			requests = append(requests, r)
		case requests[i].reason == NotAllowed: // the pod names what its namespace's lists leave out
			requests[i] = r
		}
	}
	for word := range strings.SplitSeq(value, ",") {
		switch word = strings.TrimSpace(word); word {
		case "":
			add(request{outcome: Refused, reason: BadValue, message: fmt.Sprintf(
				"%s: %q names no exporter; write auto, false, or names separated by commas; %s", InjectKey, shorten(value), listExporters)})
		case InjectNothing:
			if strings.TrimSpace(value) == InjectNothing {
				return nil
			}
			add(request{outcome: Refused, reason: BadValue, message: fmt.Sprintf(
				"%s: %q mixes false with exporters; false stands alone", InjectKey, shorten(value))})
		case InjectAuto:
			found := p.recognized()
			for _, r := range found {
				add(r)
			}
			if len(found) == 0 {
				add(request{outcome: Skipped, reason: NotRecognized, message: p.unrecognized()})
			}
		default:
			add(request{exporter: shorten(word), reason: Annotated})
		}
	}
	return requests
}

// recognized are the exporters of the workloads that the pod's containers show,
// in the order of the containers. What the namespace's lists leave out is among
// them, and answered.
func (p *planner) recognized() []request {
	var requests []request
	var may lists
	for _, e := range p.catalog.recognize(p.Pod, false) {
		if requests == nil {
			may = p.readLists()
		}
		r := request{exporter: e.name, reason: Recognized}
		if list := may.leaveOut(e.name); list != "" {
			r.outcome, r.reason = Skipped, NotAllowed
			r.message = fmt.Sprintf("%s: recognized, but excluded by the namespace's annotation %s; to inject it anyway, name it on the pod: %s: %s", e.name, list, InjectKey, e.name)
		}
		requests = append(requests, r)
	}
	return requests
}

// unrecognized says that auto found nothing, and what stood in the way.
func (p *planner) unrecognized() string {
	why := ""
	if passed := p.catalog.Passed(p.Pod); len(passed) > 0 {
		why = ": " + passed[0].String()
	}
	return fmt.Sprintf("%s: auto recognized none of the pod's containers%s; name the exporter; %s", InjectKey, why, listExporters)
}

// readKeys are the keys of ours among the annotations of a pod or a namespace, as many as are read.
func (p *planner) readKeys(of string, annotations map[string]string) []string {
	keys := ownKeys(annotations)
	if len(keys) > mostKeys {
		p.ignore("", BadValue, "the %s has %d annotations under %s; the first %d are read", of, len(keys), Domain, mostKeys)
		keys = keys[:mostKeys]
	}
	return keys
}

// readAnnotations collects parameters and the placement, and answers every key
// of the domain that means nothing.
func (p *planner) readAnnotations() {
	for _, key := range p.readKeys("pod", p.Pod.Annotations) {
		exporter, name, _ := ownKey(key)
		value := p.Pod.Annotations[key]
		switch {
		case exporter != "":
			p.parameters = set(p.parameters, exporter, name, value)
		case key == PlacementKey && (value == PlacementContainer || value == PlacementNative):
			p.placement = value
		case key == PlacementKey:
			p.ignore(key, BadValue, "%s: %q is neither %s nor %s; the default placement is used", key, shorten(value), PlacementContainer, PlacementNative)
		case key == MeshKey && (value == MeshExclude || value == MeshKeep):
			p.mesh = value
		case key == MeshKey:
			p.ignore(key, BadValue, "%s: %q is neither %s nor %s; the exporters' ports are excluded", key, shorten(value), MeshExclude, MeshKeep)
		case key == ExemptKey:
			if problem := exemptionProblem(value); problem != "" {
				p.ignore(key, BadValue, "%s: %s", key, problem)
			}
		case key != InjectKey && key != ScrapeKey && key != StatusKey && key != ProfileKey && key != EssentialKey && key != SampleLimitKey:
			p.ignore(key, UnknownKey, "%s is not a key of Outrider%s", shorten(key), didYouMean(name, annotationNames()))
		}
	}
}

// ownKeys are the keys of the domain among a pod's annotations, sorted.
func ownKeys(annotations map[string]string) []string {
	var keys []string
	for key := range annotations {
		if OwnKey(key) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

func (p *planner) ignore(key string, reason Reason, format string, args ...any) {
	p.ignored = append(p.ignored, Decision{Key: shorten(key), Outcome: Ignored, Reason: reason, Message: fmt.Sprintf(format, args...)})
}

// parameterKey is the annotation of a parameter, for people.
func parameterKey(exporter, name string) string {
	return shorten(exporter) + "." + Domain + "/" + shorten(name)
}

// shorten keeps a user's text presentable in a sentence.
func shorten(s string) string { return Shorten(s, 60) }

// Shorten cuts a text to so many bytes, at the end of a character, and marks that.
func Shorten(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
