package repair

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Options are what is repaired, and how fast.
type Options struct {
	// Restart restarts the rollouts of workloads whose pods were missed. Default false.
	Restart bool
	// Stale restarts also those whose pods have an exporter of an older
	// definition. It needs Restart. Default false.
	Stale bool
	// Evict evicts pods that are stuck because of a suspended exporter. Default true.
	Evict bool
	// Interval between two actions of any kind, in the whole cluster. Default 30s.
	Interval time.Duration
	// Backoff is how long a workload is left alone after a restart that did not
	// help. Default 1h.
	Backoff time.Duration
}

// Workload is one whose pods lack what they asked for.
type Workload struct {
	Namespace string
	// Owner is the controller of the pods; a ReplicaSet stands for its Deployment.
	// Bare pods have none, and Kind is empty.
	Owner metav1.OwnerReference
	// Pods that lack it.
	Pods int
	// Stale says that they have the exporter, of an older definition.
	Stale bool
}

// Coverage knows which workloads were missed.
type Coverage interface {
	Lacking(ctx context.Context) ([]Workload, error)
}

// stuckSource knows which pods are stuck: breaker.Breaker.
type stuckSource interface {
	// Stuck pods have never served, and another in the place of one would start.
	Stuck(ctx context.Context) ([]corev1.Pod, error)
}

// Actions and results of the metric.
const (
	actionRestart = "restart"
	actionEvict   = "evict"
	resultDone    = "done"
	resultFailed  = "failed"
	resultWaiting = "waiting"
)

// NewMetric registers the one metric of repairs.
func NewMetric(r prometheus.Registerer) *prometheus.CounterVec {
	m := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "outrider_repairs_total",
		Help: "Rollouts restarted and stuck pods evicted, by result: done, failed, or waiting (once for each reason to wait of each). The leader counts.",
	}, []string{"action", "result"})
	for _, action := range []string{actionRestart, actionEvict} {
		for _, result := range []string{resultDone, resultFailed, resultWaiting} {
			m.WithLabelValues(action, result)
		}
	}
	r.MustRegister(m)
	return m
}

const (
	// looks bounds how many candidates are looked at in one round, each of which
	// costs a few calls.
	looks = 10
	// patience is how long a namespace waits for what was done in it to end well.
	patience = 10 * time.Minute
)

// Repairer restarts rollouts and evicts stuck pods, one thing at a time in each
// namespace. It runs on the leader.
type Repairer struct {
	Options
	// Reader reads from the API server, Writer changes it. Required.
	Reader client.Reader
	Writer client.Client
	// Coverage may be nil, where nobody knows; nothing is restarted then.
	Coverage Coverage
	// Breaker may be nil; nothing is evicted then.
	Breaker stuckSource
	// Events tells the owners. Required.
	Events events.EventRecorder
	// Metric is NewMetric's. Required.
	Metric *prometheus.CounterVec
	// Now is the clock. Default time.Now.
	Now func() time.Time

	acted    time.Time          // when anything was last done
	busy     map[string]work    // by namespace
	attempts map[string]attempt // restarts, by UID
	looked   map[string]look    // by key of a candidate
}

// work is what was done in a namespace and has not ended.
type work struct {
	action, what string
	since        time.Time
	ended        func(context.Context) (bool, error)
}

// attempt is one restart.
type attempt struct {
	namespace   string
	fingerprint string
	at          time.Time
}

// look is what was last found about a candidate.
type look struct {
	at  time.Time
	why string
}

// Start repairs until the context ends; it implements manager.Runnable, and runs on the leader alone.
func (r *Repairer) Start(ctx context.Context) error {
	log := ctrl.LoggerFrom(ctx).WithName("repair")
	ctx = ctrl.LoggerInto(ctx, log)
	tick := time.NewTicker(min(max(r.Interval/4, 50*time.Millisecond), 5*time.Second))
	defer tick.Stop()
	for {
		if err := r.Round(ctx); err != nil && ctx.Err() == nil {
			log.Error(err, "repair")
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Round does at most one thing.
func (r *Repairer) Round(ctx context.Context) error {
	if r.Now == nil {
		r.Now = time.Now
	}
	if r.busy == nil {
		r.busy, r.attempts, r.looked = map[string]work{}, map[string]attempt{}, map[string]look{}
	}
	r.settle(ctx)
	if r.Now().Sub(r.acted) < r.Interval {
		return nil
	}
	candidates, err := r.candidates(ctx)
	if err != nil {
		return err
	}
	r.forget(candidates)
	left := map[string]int{actionEvict: looks, actionRestart: looks}
	for _, c := range candidates {
		if _, busy := r.busy[c.namespace]; busy {
			continue
		}
		if left[c.action]--; left[c.action] < 0 {
			continue
		}
		why, err := c.act(ctx)
		if err != nil {
			r.Metric.WithLabelValues(c.action, resultFailed).Inc()
			r.looked[c.key] = look{at: r.Now()}
			return fmt.Errorf("%s %s: %w", c.action, c.key, err)
		}
		if why == "" {
			r.acted = r.Now()
			r.Metric.WithLabelValues(c.action, resultDone).Inc()
			ctrl.LoggerFrom(ctx).Info("repaired", "action", c.action, "what", c.key)
			return nil
		}
		r.waits(ctx, c, why)
	}
	return nil
}

// candidate is something that could be done. act does it, or returns why not.
type candidate struct {
	namespace, key, action string
	act                    func(context.Context) (why string, err error)
}

// candidates are the stuck pods, which hold up rollouts, and then the workloads
// that were missed; among each, those that were not looked at for longest.
func (r *Repairer) candidates(ctx context.Context) ([]candidate, error) {
	var all []candidate
	if r.Evict && r.Breaker != nil {
		pods, err := r.Breaker.Stuck(ctx)
		if err != nil {
			return nil, err
		}
		for i := range pods {
			pod := &pods[i]
			all = append(all, candidate{pod.Namespace, "Pod/" + pod.Namespace + "/" + pod.Name, actionEvict,
				func(ctx context.Context) (string, error) { return r.evict(ctx, pod) }})
		}
	}
	if r.Restart && r.Coverage != nil {
		workloads, err := r.Coverage.Lacking(ctx)
		if err != nil {
			return nil, err
		}
		for _, w := range workloads {
			if w.Stale && !r.Stale {
				continue
			}
			all = append(all, candidate{w.Namespace, w.Owner.Kind + "/" + w.Namespace + "/" + w.Owner.Name, actionRestart,
				func(ctx context.Context) (string, error) { return r.restart(ctx, w) }})
		}
	}
	slices.SortStableFunc(all, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.action, b.action), r.looked[a.key].at.Compare(r.looked[b.key].at), cmp.Compare(a.key, b.key))
	})
	return all, nil
}

// forget drops what is remembered about what is no candidate any more, and old
// attempts where nothing lacks its exporter now.
func (r *Repairer) forget(candidates []candidate) {
	keep := map[string]bool{}
	for _, c := range candidates {
		keep[c.key] = true
	}
	for key := range r.looked {
		if !keep[key] {
			delete(r.looked, key)
		}
	}
	lacking := map[string]bool{}
	for _, c := range candidates {
		lacking[c.namespace] = true
	}
	for uid, a := range r.attempts {
		if r.Now().Sub(a.at) > r.Backoff && !lacking[a.namespace] {
			delete(r.attempts, uid)
		}
	}
}

// waits notes why a candidate was left as it is, and says so when it is news.
func (r *Repairer) waits(ctx context.Context, c candidate, why string) {
	if r.looked[c.key].why != why {
		r.Metric.WithLabelValues(c.action, resultWaiting).Inc()
		ctrl.LoggerFrom(ctx).Info("not repaired", "action", c.action, "what", c.key, "why", why)
	}
	r.looked[c.key] = look{at: r.Now(), why: why}
}

// settle frees the namespaces in which what was done has ended, or takes too long.
func (r *Repairer) settle(ctx context.Context) {
	for namespace, w := range r.busy {
		ended, err := w.ended(ctx)
		late := r.Now().Sub(w.since) > patience
		switch {
		case ended:
		case late:
			r.Metric.WithLabelValues(w.action, resultFailed).Inc()
			ctrl.LoggerFrom(ctx).Info("a repair does not end", "action", w.action, "what", w.what)
		case err != nil:
			ctrl.LoggerFrom(ctx).Error(err, "look whether a repair has ended", "what", w.what)
			continue
		default:
			continue
		}
		delete(r.busy, namespace)
	}
}
