package sidecars

import (
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Status is the value of the status annotation.
type Status struct {
	Decisions []Decision `json:"decisions"`
	// PullSecrets are the image pull Secrets that Outrider added to the pod.
	PullSecrets []string `json:"pullSecrets,omitempty"`
	// Exclusions are what Outrider added to the annotations of meshes.
	Exclusions []Exclusion `json:"exclusions,omitempty"`
	// KeepLabel says that the pod had the monitored label before.
	KeepLabel bool `json:"keepLabel,omitempty"`
}

// ParseStatus reads a pod's status annotation. A pod without one, or with one
// that is not Outrider's JSON, has no decisions.
func ParseStatus(pod *corev1.Pod) Status {
	var s Status
	if raw := pod.Annotations[StatusKey]; raw != "" && json.Unmarshal([]byte(raw), &s) != nil {
		return Status{}
	}
	return s
}

func encodeStatus(s Status) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return "" // strings always encode
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// lasting are decisions as they stand in the status of a pod: a warning about what
// is injected is answered once, since a later admission could not believe it and
// would change the pod.
func lasting(decisions []Decision) []Decision {
	warned := func(d Decision) bool {
		return (d.Outcome == Injected || d.Outcome == Discovered) && d.Message != ""
	}
	if !slices.ContainsFunc(decisions, warned) {
		return decisions
	}
	decisions = slices.Clone(decisions)
	for i := range decisions {
		if warned(decisions[i]) {
			decisions[i].Message = ""
		}
	}
	return decisions
}

// carried is an earlier decision as far as it can be believed: users can write
// the annotation too, so nothing in it becomes a sentence of ours or a label.
func carried(d Decision) Decision {
	c := Decision{Exporter: d.Exporter, Outcome: d.Outcome, Reason: Annotated, Endpoint: d.Endpoint, earlier: true}
	if d.Reason == Recognized {
		c.Reason = Recognized
	}
	if _, err := hex.DecodeString(d.Definition); err == nil && len(d.Definition) == 8 {
		c.Definition = d.Definition
	}
	if d.Profile == Essential {
		c.Profile = Essential
	}
	return c
}

// statusBefore is what is still in force of an earlier admission: decisions
// whose containers, or the endpoints that were written, are in the pod, and, if
// there are any, the pull Secrets of ours that it has.
func statusBefore(pod *corev1.Pod) Status {
	if pod.Annotations[StatusKey] == "" {
		return Status{}
	}
	present := map[string]bool{}
	for _, name := range containerNames(pod) {
		present[name] = true
	}
	written := ParseStatus(pod)
	endpoints := ownEndpoints(written.Decisions)
	known := endpoints != "" && endpoints == pod.Annotations[ScrapeKey]
	var earlier Status
	for _, d := range written.Decisions {
		name := ContainerPrefix + d.Exporter
		switch {
		case d.Outcome == Injected && d.Endpoint == "" && present[name]:
			earlier.Decisions = append(earlier.Decisions, carried(d))
			present[name] = false // a status that names an exporter twice
		case d.Outcome == Discovered && d.Endpoint != "" && known:
			earlier.Decisions = append(earlier.Decisions, carried(d))
		}
	}
	if len(earlier.Decisions) > 0 {
		earlier.PullSecrets = slices.DeleteFunc(written.PullSecrets, func(name string) bool { return !pullsWith(pod, name) })
		earlier.Exclusions = exclusions(pod, written.Exclusions)
	}
	return earlier
}

// keepsLabel reports whether the monitored label of a pod was there before any
// injection.
func keepsLabel(pod *corev1.Pod) bool {
	if pod.Annotations[StatusKey] != "" {
		return ParseStatus(pod).KeepLabel
	}
	return pod.Labels[MonitoredKey] == MonitoredTrue
}

// claimsLabel reports whether the status says that Outrider has added the
// monitored label.
func claimsLabel(pod *corev1.Pod) bool {
	s := ParseStatus(pod)
	return !s.KeepLabel && slices.ContainsFunc(s.Decisions, func(d Decision) bool { return d.Outcome == Injected || d.Outcome == Discovered })
}
