package coverage

import (
	"context"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	ctrl "sigs.k8s.io/controller-runtime"
)

// Reasons of events; a refusal has the Reason of its decision.
const (
	reasonMissed = "Missed"
	reasonDown   = "ExporterDown"
	reasonUp     = "ExporterUp"
)

const (
	sayAgain = 10 * time.Minute // the same about the same workload
	sayLater = 15 * time.Second // where too much is said at once
)

// saying is one thing that is said about one exporter of a workload.
type saying struct{ exporter, reason string }

// note is an event that is to be written.
type note struct {
	saying
	regarding corev1.ObjectReference
	kind      string
	text      string
}

// said is when a thing was last said, and whether it has ended since.
type said struct {
	at    time.Time
	ended bool
}

// notes are the events that a workload's rows call for. A thing is said when it
// begins, and again when it ended, began anew and was last said a while ago.
func (c *Controller) notes(w *workload, now time.Time) []note {
	var notes []note
	holds := map[saying]bool{}
	add := func(exporter, reason, text string) {
		s := saying{exporter, reason}
		if holds[s] {
			return
		}
		holds[s] = true
		if before, ok := w.said[s]; !ok || before.ended && now.Sub(before.at) > sayAgain {
			notes = append(notes, note{s, w.regarded, corev1.EventTypeWarning, text})
		}
	}
	proofs := map[string]map[Proof]bool{}
	for i := range w.rows {
		r := &w.rows[i]
		switch {
		case r.State == Missed:
			add(r.Exporter, reasonMissed, fmt.Sprintf("%s: %s without their exporter: %s; %s", r.Exporter, count(r.Pods), r.Message, restart(w.Workload)))
		case r.State == Refused && !r.told:
			add(r.Exporter, string(r.Reason), r.Message)
		case r.Proof == Down && r.confirmed:
			add(r.Exporter, reasonDown, fmt.Sprintf("%s: %s: %s", r.Exporter, count(r.Pods), r.ProofMessage))
		}
		if proofs[r.Exporter] == nil {
			proofs[r.Exporter] = map[Proof]bool{}
		}
		proofs[r.Exporter][r.Proof] = true
	}
	for s, before := range w.said {
		switch p := proofs[s.exporter]; {
		case holds[s] || before.ended:
		case s.reason != reasonDown:
			w.said[s] = said{before.at, true}
		case p[Up] && !p[Down]:
			notes = append(notes, note{saying{s.exporter, reasonUp}, w.regarded, corev1.EventTypeNormal, s.exporter + ": the exporter reaches its workload again"})
		}
	}
	return notes
}

// say writes events, as far as the limit allows; the rest come later.
func (c *Controller) say(ctx context.Context, of Workload, notes []note) {
	for i := range notes {
		n := &notes[i]
		if !c.events.TryAccept() {
			c.queue.AddAfter(of, sayLater)
			return
		}
		c.Events.Eventf(&n.regarding, nil, n.kind, n.reason, "Cover", "%s", n.text)
		ctrl.LoggerFrom(ctx).V(1).Info("told", "workload", of, "reason", n.reason, "note", n.text)
		c.inv.remember(of, n.saying)
	}
}

// remember takes note of what was said. That an exporter is up ends that it was
// down.
func (v *inventory) remember(of Workload, s saying) {
	v.mu.Lock()
	defer v.mu.Unlock()
	w := v.workloads[of]
	if w == nil {
		return
	}
	if w.said == nil {
		w.said = map[saying]said{}
	}
	if s.reason == reasonUp {
		down := saying{s.exporter, reasonDown}
		w.said[down] = said{w.said[down].at, true}
		return
	}
	w.said[s] = said{at: time.Now()}
}

func count(pods int) string {
	if pods == 1 {
		return "1 pod"
	}
	return fmt.Sprintf("%d pods", pods)
}

// restart is the way to new pods.
func restart(w Workload) string {
	switch w.Kind {
	case "Deployment", "StatefulSet", "DaemonSet":
		return fmt.Sprintf("to get it: kubectl -n %s rollout restart %s/%s", w.Namespace, strings.ToLower(w.Kind), w.Name)
	}
	return "they get it when they are created again"
}
