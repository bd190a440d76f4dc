package breaker

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Suspension holds one definition of an exporter back.
type Suspension struct {
	Exporter string `json:"exporter"`
	// Namespace is where; empty is everywhere.
	Namespace string `json:"namespace,omitempty"`
	// Definition is the hash of what failed. Another definition is not held back.
	Definition string `json:"definition"`
	// Reason is the kubelet's word for what went wrong, such as ImagePullBackOff.
	Reason string `json:"reason"`
	// Message is the kubelet's sentence, if it had one.
	Message string `json:"message,omitempty"`
	// Since is when it began.
	Since time.Time `json:"since"`
	// Failed is the creation of the youngest pod that showed it. The exporter works
	// again where one starts well after that.
	Failed time.Time `json:"failed"`
	// Until is when it becomes half-open: from then on some pods get the exporter.
	Until time.Time `json:"until"`
	// Trips counts how often it was tried in vain, the first time included.
	Trips int `json:"trips"`
}

// halfOpen reports whether some pods get the exporter again.
func (s Suspension) halfOpen(now time.Time) bool { return !now.Before(s.Until) }

// answerTime is how much older than the answer about it a pod may be: the API server
// notes the creation, to the second, before it asks, and the webhook's timeout
// follows.
const answerTime = 6 * time.Second

// tried reports whether a pod got the exporter as a half-open probe of this suspension.
func (s Suspension) tried(o Observation) bool {
	return o.Created.After(s.Failed) && !o.Created.Before(s.Until.Add(-answerTime))
}

// Why says, as part of a sentence, why pods do not get the exporter.
func (s Suspension) Why() string {
	what := s.Reason
	if s.Message != "" {
		what += ": " + strings.TrimRight(s.Message, ".")
	}
	return fmt.Sprintf("%s (%s); it is tried again on a pod from %s on, and at once with another definition",
		s.failure(), what, s.Until.UTC().Format(time.RFC3339))
}

func (s Suspension) failure() string {
	if s.Namespace == "" {
		return "its containers failed in several namespaces"
	}
	return "its containers failed in this namespace"
}

// because takes over what the youngest of the failed pods shows.
func (s *Suspension) because(failed []Observation) {
	for i, o := range failed {
		if i == 0 || o.Created.After(s.Failed) {
			s.Failed, s.Reason, s.Message = o.Created.UTC(), o.Reason, o.Message
		}
	}
}

func (s Suspension) key() key { return key{s.Exporter, s.Namespace} }

// key is what there is at most one Suspension of.
type key struct{ exporter, namespace string }

// ordered brings suspensions into the order in which they are stored.
func ordered(all []Suspension) []Suspension {
	slices.SortFunc(all, func(a, b Suspension) int {
		return compareKeys(a.key(), b.key())
	})
	return all
}

// encode writes suspensions as JSON, one a line, in a fixed order; none are "".
func encode(all []Suspension) string {
	if len(all) == 0 {
		return ""
	}
	var b strings.Builder
	for i, s := range ordered(slices.Clone(all)) {
		line, err := json.Marshal(s)
		if err != nil {
			continue // strings, numbers and times of this era always encode
		}
		b.WriteString(map[bool]string{true: "[\n", false: ",\n"}[i == 0])
		b.Write(line)
	}
	b.WriteString("\n]\n")
	return b.String()
}

// Decode reads what encode wrote. Of an error nothing is to be believed.
func Decode(raw string) ([]Suspension, error) {
	if strings.TrimSpace(raw) == "" {
		return nil, nil
	}
	var all []Suspension
	if err := json.Unmarshal([]byte(raw), &all); err != nil {
		return nil, fmt.Errorf("decode suspensions: %w", err)
	}
	known := map[key]bool{}
	for _, s := range all {
		if s.Exporter == "" || s.Definition == "" || s.Trips < 1 || s.Until.IsZero() {
			return nil, fmt.Errorf("decode suspensions: %+v lacks its exporter, definition, trips or until", s)
		}
		if known[s.key()] {
			return nil, fmt.Errorf("decode suspensions: %s is suspended twice in namespace %q", s.Exporter, s.Namespace)
		}
		known[s.key()] = true
	}
	return ordered(all), nil
}

func compareKeys(a, b key) int {
	return cmp.Or(cmp.Compare(a.exporter, b.exporter), cmp.Compare(a.namespace, b.namespace))
}
