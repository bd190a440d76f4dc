package coverage

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
	"github.com/outrider-dev/outrider/webhook/monitored"
)

// Proof is whether an injected exporter is known to reach its workload.
type Proof string

// The proofs.
const (
	Up       Proof = "up"       // Prometheus scrapes it, and its upMetric says so
	Down     Proof = "down"     // Prometheus or the kubelet says that it does not
	Unproven Proof = "unproven" // nobody says either
)

// Reasons of proofs that are not up.
const (
	NotRunning   = "NotRunning"            // down: the kubelet says that its container does not run
	ScrapeFailed = "ScrapeFailed"          // down: Prometheus cannot scrape it
	NoSeries     = "NoUpMetric"            // down: it is scraped and has no upMetric
	Unreached    = "WorkloadDown"          // down: it is scraped and its upMetric is 0
	NotYet       = "NotYet"                // unproven: it is too new for an answer
	NotScraped   = "NotScraped"            // unproven: Prometheus has no such target
	Unanswered   = "PrometheusUnreachable" // unproven: Prometheus does not answer
)

// target is what Prometheus scrapes of a pod for one exporter.
type target struct {
	namespace, pod, exporter string
	native                   bool // the workload's own endpoint
}

// answer is what is known of a target.
type answer struct {
	proof   Proof
	reason  string
	message string
	rounds  int  // how often in a row the same was answered
	read    bool // the exporter's log has been read about it
}

// confirmed reports whether it may be told: a workload that only starts is down
// for one round, and the kubelet does not guess.
func (a answer) confirmed() bool { return a.rounds > 1 || a.reason == NotRunning }

// prove asks Prometheus about all targets, in a fixed number of questions, and
// has the workloads looked at whose answer changed.
func (c *Controller) prove(ctx context.Context) {
	targets, workloads := c.targets()
	var ev evidence
	var err error
	if len(targets) > 0 {
		ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
		defer cancel()
		ev, err = c.prom.ask(ctx, specs(c.Exporters.Catalog(), targets))
	}
	if ctx.Err() != nil {
		return
	}
	c.note(ctx, err)
	now := make(map[target]answer, len(targets))
	for t, since := range targets {
		before := c.answers[t] // written by this goroutine alone
		a := answer{proof: Unproven, reason: Unanswered, message: "Prometheus does not answer"}
		if err == nil {
			a = c.answer(ctx, t, ev, since, before)
		}
		if a.proof == before.proof && a.reason == before.reason {
			a.rounds = before.rounds
		}
		a.rounds++
		now[t] = a
	}
	c.inv.mu.Lock()
	defer c.inv.mu.Unlock()
	for t, a := range now {
		if b := c.answers[t]; a.proof != b.proof || a.reason != b.reason || a.message != b.message || a.confirmed() != b.confirmed() {
			c.inv.changed(workloads[t])
		}
	}
	c.answers = now
}

// note says when Prometheus stops or begins to answer, and not each time.
func (c *Controller) note(ctx context.Context, err error) {
	problem := ""
	if err != nil {
		problem = err.Error()
	}
	c.inv.mu.Lock()
	before := c.problem
	c.problem = problem
	c.inv.mu.Unlock()
	switch {
	case before == "" && problem != "":
		ctrl.LoggerFrom(ctx).Error(err, "ask Prometheus", "url", c.PrometheusURL)
	case before != "" && problem == "":
		ctrl.LoggerFrom(ctx).Info("Prometheus answers again", "url", c.PrometheusURL)
	}
}

// targets are all that Prometheus should have, with the time since which it
// could, and their workloads.
func (c *Controller) targets() (map[target]time.Time, map[target]Workload) {
	since, workloads := map[target]time.Time{}, map[target]Workload{}
	c.inv.mu.Lock()
	defer c.inv.mu.Unlock()
	for of, w := range c.inv.workloads {
		for _, p := range w.pods {
			for _, e := range p.entries {
				t, ok := targetOf(of.Namespace, p, e)
				if !ok {
					continue
				}
				since[t], workloads[t] = p.created, of
				if words, ok := c.inv.containers[types.NamespacedName{Namespace: of.Namespace, Name: p.name}]; ok && !e.native {
					since[t] = words[e.exporter].Running // zero until it runs
				}
			}
		}
	}
	return since, workloads
}

// specs are the definitions of the exporters that are in use.
func specs(catalog sidecars.Catalog, targets map[target]time.Time) map[string]v1alpha1.ExporterSpec {
	used := map[string]v1alpha1.ExporterSpec{}
	for t := range targets {
		if _, ok := used[t.exporter]; !ok {
			if spec, known := catalog.Spec(t.exporter); known {
				used[t.exporter] = spec
			}
		}
	}
	return used
}

// answer reads the evidence about one target.
func (c *Controller) answer(ctx context.Context, t target, ev evidence, since time.Time, before answer) answer {
	catalog := c.Exporters.Catalog()
	spec, _ := catalog.Spec(t.exporter)
	scraped, known := ev.up[t]
	value, has := ev.metric[t]
	switch {
	case !known && (since.IsZero() || time.Since(since) < 2*c.ProofInterval):
		return answer{proof: Unproven, reason: NotYet}
	case !known:
		return answer{proof: Unproven, reason: NotScraped, message: "Prometheus has no such target; does it have Outrider's scrape jobs, and reach the pod?"}
	case !scraped:
		// Its causes are about the way from the exporter on, and this is the way to it.
		return answer{proof: Down, reason: ScrapeFailed, message: sentence("Prometheus cannot scrape the exporter", oneLine(ev.scrapeErrors[t]), "", "")}
	case !has:
		return answer{proof: Down, reason: NoSeries, message: fmt.Sprintf("exporter up, but it has no %s%s", spec.UpMetric, c.why(ctx, t, catalog, ev, &before))}
	case value == 0 && spec.Type != v1alpha1.Native:
		a := answer{proof: Down, reason: Unreached}
		a.message = fmt.Sprintf("exporter up, %s 0%s", spec.UpMetric, c.why(ctx, t, catalog, ev, &before))
		a.read = before.read
		return a
	}
	return answer{proof: Up}
}

// why is the cause as far as the exporter's own words tell, or else where to
// read them.
func (c *Controller) why(ctx context.Context, t target, catalog sidecars.Catalog, ev evidence, before *answer) string {
	if spec, _ := catalog.Spec(t.exporter); spec.Type == v1alpha1.Native {
		return ""
	}
	found := cause(catalog, t, ev.errors[t])
	if found == "" && before.read && before.reason == Unreached {
		_, found, _ = strings.Cut(before.message, ": ") // the log has said it already
		return ": " + found
	}
	if found == "" && c.logs != nil {
		text, err := c.lastWords(ctx, t)
		if err != nil {
			ctrl.LoggerFrom(ctx).V(1).Info("read an exporter's log", "target", fmt.Sprint(t), "problem", err.Error())
		}
		found, before.read = cause(catalog, t, text), err == nil
	}
	if found == "" {
		found = fmt.Sprintf("see kubectl -n %s logs %s -c %s", t.namespace, t.pod, sidecars.ContainerPrefix+t.exporter)
	}
	return ": " + found
}

// notRunning is the kubelet's word on an exporter that does not run. The last
// words of the exporter itself are matched and not shown.
func notRunning(t target, word monitored.Container, catalog sidecars.Catalog) answer {
	text := word.Waiting
	if word.Exit != "" {
		text += " (" + word.Exit + ")"
	} else if word.Message != "" {
		text += ": " + oneLine(word.Message)
	}
	look := fmt.Sprintf("see kubectl -n %s describe pod %s", t.namespace, t.pod)
	return answer{proof: Down, reason: NotRunning, message: sentence("the exporter does not run", text, cause(catalog, t, word.Last), look)}
}

// cause is what the exporter's definition makes of a text, in its words.
func cause(catalog sidecars.Catalog, t target, said string) string {
	found, ok := catalog.Diagnose(t.exporter, said)
	if !ok {
		return ""
	}
	if found.Remedy == "" {
		return found.Cause
	}
	return found.Cause + "; " + found.Remedy
}

func sentence(what, text, cause, otherwise string) string {
	for _, part := range []string{text, cause} {
		if part != "" {
			what += ": " + part
		}
	}
	if cause == "" && otherwise != "" {
		what += "; " + otherwise
	}
	return what
}

// oneLine keeps a text presentable in an event.
func oneLine(s string) string { return sidecars.Shorten(strings.Join(strings.Fields(s), " "), 300) }

func names(used map[string]v1alpha1.ExporterSpec, of func(v1alpha1.ExporterSpec) string) string {
	found := map[string]bool{}
	for _, spec := range used {
		if name := of(spec); name != "" {
			found[name] = true
		}
	}
	return strings.Join(slices.Sorted(maps.Keys(found)), "|")
}
