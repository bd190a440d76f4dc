package coverage

import (
	"context"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/outrider-dev/outrider/webhook/events"
)

const (
	repeatAfter = 10 * time.Minute // before the same event is written on the same workload again
	retryAfter  = 15 * time.Second // where the limit on events is reached
)

// topic is what an event says about one exporter of a workload.
type topic struct{ exporter, reason string }

// notice is an event that is to be written.
type notice struct {
	events.Event
	exporter string
	on       corev1.ObjectReference
	text     string
}

func (n *notice) topic() topic { return topic{n.exporter, n.Reason} }

// reported is when an event was last written, and whether its cause has ended since.
type reported struct {
	at    time.Time
	ended bool
}

// notices are the events that a workload's rows call for. An event is written when
// its cause begins, and again when that ended, began anew and the last event is a
// while ago.
func (c *Controller) notices(w *workload, now time.Time) []notice {
	var due []notice
	holds := map[topic]bool{}
	add := func(exporter string, event events.Event, text string) {
		n := notice{event, exporter, w.regarded, text}
		if holds[n.topic()] {
			return
		}
		holds[n.topic()] = true
		if before, ok := w.reported[n.topic()]; !ok || before.ended && now.Sub(before.at) > repeatAfter {
			due = append(due, n)
		}
	}
	proofs := map[string]map[Proof]bool{}
	for i := range w.rows {
		r := &w.rows[i]
		switch {
		case r.State == Missed:
			add(r.Exporter, events.ExporterMissing, fmt.Sprintf("%s: %s without their exporter: %s; %s", r.Exporter, count(r.Pods), r.Message, restart(w.Workload)))
		case r.State == Refused && !r.reported:
			add(r.Exporter, events.Refusal(r.Reason), r.Message)
		case r.Proof == Down && r.confirmed:
			add(r.Exporter, events.ExporterDown, fmt.Sprintf("%s: %s: %s", r.Exporter, count(r.Pods), r.ProofMessage))
		}
		if proofs[r.Exporter] == nil {
			proofs[r.Exporter] = map[Proof]bool{}
		}
		proofs[r.Exporter][r.Proof] = true
	}
	for t, before := range w.reported {
		switch p := proofs[t.exporter]; {
		case holds[t] || before.ended:
		case t.reason != events.ExporterDown.Reason:
			w.reported[t] = reported{before.at, true}
		case p[Up] && !p[Down]:
			due = append(due, notice{events.ExporterUp, t.exporter, w.regarded, t.exporter + ": the exporter reaches its workload again"})
		}
	}
	return due
}

// record writes events, as far as the limit allows; the rest come later.
func (c *Controller) record(ctx context.Context, of Workload, due []notice) {
	for i := range due {
		n := &due[i]
		if !c.events.TryAccept() {
			c.queue.AddAfter(of, retryAfter)
			return
		}
		n.Record(c.Events, &n.on, "%s", n.text)
		ctrl.LoggerFrom(ctx).V(1).Info("event recorded", "workload", of, "reason", n.Reason, "note", n.text)
		c.inv.remember(of, n.topic())
	}
}

// remember stores what was reported. That an exporter is up ends that it was down.
func (v *inventory) remember(of Workload, t topic) {
	v.mu.Lock()
	defer v.mu.Unlock()
	w := v.workloads[of]
	if w == nil {
		return
	}
	if w.reported == nil {
		w.reported = map[topic]reported{}
	}
	if t.reason == events.ExporterUp.Reason {
		down := topic{t.exporter, events.ExporterDown.Reason}
		w.reported[down] = reported{w.reported[down].at, true}
		return
	}
	w.reported[t] = reported{at: time.Now()}
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
