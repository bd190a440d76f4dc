package sidecars

import (
	"encoding/json"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Status is the value of the status annotation.
type Status struct {
	Decisions []Decision `json:"decisions"`
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

func encodeStatus(decisions []Decision) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(Status{Decisions: decisions}); err != nil {
		return "" // strings always encode
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// injectedBefore are the decisions of an earlier admission whose containers
// are still in the pod.
func injectedBefore(pod *corev1.Pod) []Decision {
	if pod.Annotations[StatusKey] == "" {
		return nil
	}
	present := map[string]bool{}
	for _, name := range containerNames(pod) {
		present[name] = true
	}
	var earlier []Decision
	for _, d := range ParseStatus(pod).Decisions {
		if name := ContainerPrefix + d.Exporter; d.Outcome == Injected && present[name] {
			earlier = append(earlier, d)
			present[name] = false // a status that names an exporter twice
		}
	}
	return earlier
}
