package coverage

import (
	"hash/fnv"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/webhook/monitored"
)

// asking is what a pod's own annotations ask for.
type asking byte

const (
	asksNothing asking = iota // its namespace decides
	asks
	optsOut
)

// sources are those that report a pod: it is known as long as there is one.
type sources byte

const (
	watched sources = 1 << iota
	swept
	scraped // by the watch of monitored pods
)

// pod is what is kept of one live pod: there are tens of thousands.
type pod struct {
	name      string
	workload  *workload
	template  string // the pods of a workload that are decided alike
	created   time.Time
	asks      asking
	sources   sources
	sweep     int64               // the last that had begun when a source reported it
	version   string              // the resource version
	requested string              // the label of the API server's policies: RequestedByPolicy, or why they left it
	decided   bool                // it has a status of Outrider's
	status    []sidecars.Decision // from there
	entries   []entry             // as reconcile left it
}

// entry is what one exporter is to one pod.
type entry struct {
	exporter string
	state    State
	reason   sidecars.Reason
	message  string
	native   bool // scraped as the pod's own endpoint: it serves metrics itself, or the exporter was attached
	reported bool // in an event at admission
}

// newPod reads a pod's metadata.
func newPod(m *metav1.ObjectMeta) *pod {
	p := &pod{name: m.Name, created: m.CreationTimestamp.Time, version: m.ResourceVersion, template: revision(m), requested: m.Labels[sidecars.RequestedKey]}
	inject, annotated := m.Annotations[sidecars.InjectKey]
	_, scraped := m.Annotations[sidecars.ScrapeKey]
	switch {
	case strings.TrimSpace(inject) == sidecars.InjectNothing:
		p.asks = optsOut
	case annotated || scraped:
		p.asks = asks
	}
	if _, p.decided = m.Annotations[sidecars.StatusKey]; p.decided {
		p.status = sidecars.ParseStatus(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Annotations: m.Annotations}}).Decisions
		// A status that was copied from another pod injects nothing.
		if p.has(sidecars.Injected, sidecars.Discovered) && m.Labels[sidecars.MonitoredKey] != sidecars.MonitoredTrue {
			p.decided, p.status = false, nil
		}
	}
	if !p.decided && p.asks != optsOut {
		p.template += " " + fingerprint(m.Annotations)
	}
	return p
}

func (p *pod) has(outcomes ...sidecars.Outcome) bool {
	return slices.ContainsFunc(p.status, func(d sidecars.Decision) bool { return slices.Contains(outcomes, d.Outcome) })
}

// candidate reports whether the pod should have been decided and was not.
func (p *pod) candidate(optedIn bool) bool {
	return !p.decided && (p.asks == asks || p.asks == asksNothing && optedIn)
}

// fingerprint is of the annotations of the domain, which distinguish what users
// wrote on one pod of many.
func fingerprint(annotations map[string]string) string {
	h := fnv.New64a()
	for _, key := range slices.Sorted(maps.Keys(annotations)) {
		if sidecars.OwnKey(key) {
			_, _ = h.Write([]byte(key + "\x00" + annotations[key] + "\x00"))
		}
	}
	return strconv.FormatUint(h.Sum64(), 36)
}

// slimMetadata leaves of a pod's metadata what newPod, workloadOf and regarded
// read: it is held in thousands while they are listed.
func slimMetadata(m *metav1.ObjectMeta) {
	m.ManagedFields, m.Finalizers, m.GenerateName = nil, nil, ""
	maps.DeleteFunc(m.Annotations, func(key, _ string) bool { return !sidecars.OwnKey(key) })
	maps.DeleteFunc(m.Labels, func(key, _ string) bool { return !monitored.ReadLabel(key) })
	if owner := controllerOf(m); owner != nil {
		m.OwnerReferences = []metav1.OwnerReference{*owner}
	} else {
		m.OwnerReferences = nil
	}
}
