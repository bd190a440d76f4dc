package coverage

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/outrider-dev/outrider/sidecars"
)

// reconcile looks at one workload: its pods' entries, its rows of the report,
// and what has to be said about them.
func (c *Controller) reconcile(ctx context.Context, of Workload) {
	now, catalog := time.Now(), c.Exporters.Catalog()
	c.inv.mu.Lock()
	w := c.inv.workloads[of]
	if w == nil {
		c.inv.mu.Unlock()
		return
	}
	s := summary{since: sinceOf(w.rows), now: now, rows: map[rowKey]*Row{}}
	templates := map[string]bool{}
	for _, p := range w.pods {
		p.entries = c.entries(w, p, catalog, now)
		if !p.decided {
			templates[p.template] = true
		}
		for _, e := range p.entries {
			row := s.add(w, p, e, c.proofOf(of.Namespace, p, e, catalog))
			if c.inv.container(of.Namespace, p, e).Superuser {
				row.Superusers++
			}
		}
	}
	maps.DeleteFunc(w.verdicts, func(template string, _ verdict) bool { return !templates[template] })
	w.rows = s.sorted()
	due := c.notices(w, now)
	if len(w.pods) == 0 {
		delete(c.inv.workloads, of)
	}
	c.inv.mu.Unlock()
	c.record(ctx, of, due)
}

// entries are what the exporters are to one pod.
func (c *Controller) entries(w *workload, p *pod, catalog sidecars.Catalog, now time.Time) []entry {
	switch {
	case p.decided:
		return admitted(p.status, catalog)
	case p.candidate(c.inv.optedIn[w.Namespace]):
		v, ok := c.verdictOn(w, p, now)
		if !ok {
			return nil
		}
		if c.Alone {
			return left(p.requested, judged(v.decisions, catalog))
		}
		return judged(v.decisions, catalog)
	}
	return nil
}

// summary adds up a workload's pods.
type summary struct {
	since map[rowKey]time.Time // of the rows before
	now   time.Time
	rows  map[rowKey]*Row
}

// rowKey is what makes pods of a workload one row.
type rowKey struct {
	exporter    string
	state       State
	reason      sidecars.Reason
	proof       Proof
	proofReason string
}

func (r *Row) key() rowKey { return rowKey{r.Exporter, r.State, r.Reason, r.Proof, r.ProofReason} }

func sinceOf(rows []Row) map[rowKey]time.Time {
	since := make(map[rowKey]time.Time, len(rows))
	for i := range rows {
		since[rows[i].key()] = rows[i].Since
	}
	return since
}

func (s *summary) add(w *workload, p *pod, e entry, a answer) *Row {
	r := Row{
		Namespace: w.Namespace, Kind: w.Kind, Name: w.Name, Exporter: e.exporter,
		State: e.state, Reason: e.reason, Message: e.message,
		Proof: a.proof, ProofReason: a.reason, ProofMessage: a.message,
		confirmed: a.confirmed(), reported: e.reported,
	}
	key := r.key()
	row, ok := s.rows[key]
	if !ok {
		row = &r
		s.rows[key] = row
		if row.Since, ok = s.since[key]; !ok {
			row.Since = s.now
			// What came out of admission is as old as the pod.
			if r.Proof != Down {
				row.Since = p.created
			}
		}
	}
	row.Pods++
	if (e.state == Injected || e.state == Stale) && p.requested == sidecars.RequestedByPolicy {
		row.ByPolicy++
	}
	row.confirmed = row.confirmed || r.confirmed
	row.reported = row.reported && r.reported
	if r.Message < row.Message {
		row.Message = r.Message
	}
	if r.ProofMessage < row.ProofMessage {
		row.ProofMessage = r.ProofMessage
	}
	return row
}

func (s *summary) sorted() []Row {
	if len(s.rows) == 0 {
		return nil
	}
	rows := make([]Row, 0, len(s.rows))
	for _, r := range s.rows {
		rows = append(rows, *r)
	}
	slices.SortFunc(rows, func(a, b Row) int {
		return cmp.Or(cmp.Compare(a.Exporter, b.Exporter), cmp.Compare(slices.Index(states, a.State), slices.Index(states, b.State)),
			cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Proof, b.Proof), cmp.Compare(a.ProofReason, b.ProofReason))
	})
	return rows
}

// targetOf is the target that an entry should be for Prometheus, if any.
func targetOf(namespace string, p *pod, e entry) (target, bool) {
	t := target{namespace: namespace, pod: p.name, exporter: e.exporter, native: e.native}
	return t, (e.state == Injected || e.state == Stale) && e.exporter != unknown && e.exporter != endpoints
}

// proofOf says whether an injected exporter is known to be up: the kubelet's
// word that it does not even run goes before Prometheus' answer. Where no
// Prometheus is asked there is no proof of anything.
func (c *Controller) proofOf(namespace string, p *pod, e entry, catalog sidecars.Catalog) answer {
	t, ok := targetOf(namespace, p, e)
	if !ok || c.prom == nil {
		return answer{}
	}
	word := c.inv.container(namespace, p, e)
	if word.Waiting != "" {
		return notRunning(t, word, catalog)
	}
	if a, ok := c.answers[t]; ok {
		return a
	}
	return answer{proof: Unproven, reason: NotYet}
}
